# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image check``."""

import argparse

from osc_lib import exceptions

from ims_glance.client.shell import base, files, views


class CheckImage(base.ShowOne):
    """Look which system is in an image, or in a file in a bucket, and what it lacks. Nothing is changed or imported.

    Examples:
    openstack ims image check golden
    openstack ims image check --file images:debian.vmdk
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "image",
            metavar="<image>",
            nargs="?",
            help="Name or id of the image; of a whole machine its system disk is checked. The report of an image "
            "of the project's own is kept with it ('openstack ims image show --report')",
        )
        what.add_argument("--file", metavar="<bucket:object>", help="File in a bucket of yours")
        files.add_access_key(parser)
        files.add_unseal_key(parser)
        base.add_timeout(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, wait, and show the report."""
        if parsed_args.file is None:
            if parsed_args.access_key or parsed_args.unseal_key:
                option = "--access-key" if parsed_args.access_key else "--unseal-key"
                raise exceptions.CommandError(f"{option} goes with --file.")
            image = self.ims.find_image(parsed_args.image)
            job = self.ims.check_image(image)
        else:
            files.check_url(parsed_args.file)
            job = self.ims.check_file(
                parsed_args.file, parsed_args.access_key, parsed_args.unseal_key
            )
        ended = self.wait_for(job, parsed_args)
        return views.report(ended.report or {}, ended.end_time)
