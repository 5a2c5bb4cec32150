# SPDX-License-Identifier: Apache-2.0
"""What the commands share."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions
from osc_lib.command import command

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.image import Image
from ims_glance.client.resources.job import Job
from ims_glance.client.shell import help_format, views
from ims_glance.client.shell.progress import Progress
from ims_glance.client.waiting import JobFailed

REFUSALS = (sdk_exceptions.SDKException, keystone_exceptions.ClientException)


class Command(command.Command):
    """A command about images."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line, whose help has the examples as they are."""
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        help_format.apply(parser)
        return parser

    @property
    def ims(self) -> Proxy:
        """The service."""
        proxy: Proxy = self.app.client_manager.ims  # type: ignore[attr-defined]
        return proxy

    @property
    def cloud(self) -> Any:
        """The connection, for the neighbours of the service."""
        return self.app.client_manager.sdk_connection

    def images(self, names: Iterable[str], is_offered: bool = False) -> list[Image]:
        """The images of these names or ids, each once.

        :param is_offered: look among pending and rejected shares as well
        :raises CommandError: with all that is wrong with the names
        """
        found: dict[str, Image] = {}

        def find(name: str) -> None:
            image = self.ims.find_image(name, is_offered)
            found[image.id] = image

        self.each(names, find, "Nothing was done: {failed} of {total} images were not found.")
        return list(found.values())

    def tell(self, said: str) -> None:
        """Tell the user something that is no part of the output."""
        if said:
            sys.stderr.write(f"{said}\n")

    def each(self, names: Iterable[str], action: Callable[[str], Any], summary: str) -> None:
        """Do something for each name, and go on when it fails for one.

        :param summary: says how many failed; with ``{failed}`` and ``{total}``
        :raises CommandError: if it failed for any
        """
        todo = list(dict.fromkeys(names))
        failed = 0
        for name in todo:
            try:
                action(name)
            except REFUSALS as error:
                failed += 1
                self.log.error("%s: %s", name, error)
        if failed:
            raise exceptions.CommandError(summary.format(failed=failed, total=len(todo)))

    def wait_for(self, job: Job | str, parsed_args: argparse.Namespace) -> Job:
        """Wait for a job and show how it gets on, on stderr.

        :raises waiting.JobFailed: if it fails
        :raises CommandError: if the waiting ends before the job does
        """
        job_id = job if isinstance(job, str) else str(job.id)
        progress = Progress(sys.stderr)
        with _going_on(job_id):
            try:
                return self.ims.wait_for_job(job_id, parsed_args.timeout, progress.show)
            finally:
                progress.close()

    def show_image(self, image: Image) -> views.Shown:
        """An image, and the disks of a whole machine."""
        return views.image(image, self.ims.disks_of(image))

    def show_job(self, job: Job, parsed_args: argparse.Namespace) -> views.Shown:
        """The job that a command began; with ``--wait`` what came of it.

        :raises waiting.JobFailed:
        """
        if parsed_args.wait:
            ended = self.wait_for(job, parsed_args)
            if ended.image_id and not ended.region:
                return self.show_image(self.ims.get_image(ended.image_id))
            if ended.backup_id:
                return views.backup(self.ims.get_backup(ended.backup_id))
            return views.job(ended)
        try:
            return views.job(self.ims.get_job(job))
        except REFUSALS as error:
            # The job was accepted: its id must not be lost.
            self.log.warning("The job was accepted, but cannot be looked at now: %s", error)
            return views.job(job)


class Lister(Command, command.Lister):
    """A command that shows a table."""


class ShowOne(Command, command.ShowOne):
    """A command that shows one thing."""


@contextlib.contextmanager
def _going_on(job_id: str) -> Iterator[None]:
    """Say how to go on when the waiting ends before the job does."""
    advice = (
        f"The job goes on. Wait for it again with 'openstack ims job wait {job_id}', or end it "
        f"with 'openstack ims job cancel {job_id}'."
    )
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{advice}\n")
        raise
    except JobFailed:
        raise
    except REFUSALS as error:
        raise exceptions.CommandError(f"{error} {advice}") from error


def add_waiting(parser: argparse.ArgumentParser) -> None:
    """Add ``--wait`` and its time limit."""
    parser.add_argument(
        "--wait",
        action="store_true",
        help="Wait until it is done, and show the result instead of the job. Without this the "
        "command ends as soon as the job is accepted",
    )
    add_timeout(parser)


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add the time limit of waiting."""
    parser.add_argument(
        "--timeout",
        metavar="<seconds>",
        type=positive,
        help="Wait no longer than this (seconds; default: as long as it takes). The job goes on",
    )


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"a whole number above 0 is needed, not '{text}'")
    return int(text)
