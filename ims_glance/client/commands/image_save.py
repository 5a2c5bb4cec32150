# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image save``."""

import argparse
import contextlib
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from osc_lib import exceptions

from ims_glance.client.new_file import new_file
from ims_glance.client.operations.data import digest_of
from ims_glance.client.resources.image import Image
from ims_glance.client.shell import base
from ims_glance.client.shell.columns import size as shown_size
from ims_glance.client.shell.progress import Progress, Saving
from ims_glance.writers import factory
from ims_glance.writers.base import Buffer, DiskOfOtherLength, DiskTooLargeToWrite

_RAW = "raw"
_ZEROS = bytes(1 << 16)
_ACTIVE = "active"
_STEPS = 200  # of the bar


class SaveImage(base.Command):
    """Save an image in a file, in a format of your choice.

    The image is read through the Image API, and compared with its digest at the end; the file appears when it is
    complete. Of a raw image the format is made on the way, without a copy of the disk in between.

    Examples:
    openstack ims image save golden --format qcow2 --file golden.qcow2
    openstack ims image save secret --format vmdk --file secret.vmdk --decrypt
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument("--file", metavar="<path>", type=Path, required=True, help="Where to")
        parser.add_argument(
            "--format",
            metavar="<format>",
            choices=list(factory.WRITERS),
            help=f"Format of the file: {', '.join(factory.WRITERS)} (default: as the image is stored)",
        )
        parser.add_argument(
            "--decrypt",
            action="store_true",
            help="Save an encrypted image, though everybody who has the file can read it",
        )
        parser.add_argument(
            "--force", action="store_true", help="Replace a file that is there already"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Save."""
        if parsed_args.file.exists() and not parsed_args.force:
            raise exceptions.CommandError(
                f"{parsed_args.file} is there already. Choose another name, or replace it with --force."
            )
        found = self.ims.find_image(parsed_args.image, is_offered=True)
        image = self._with_data(found, parsed_args)
        wanted = str(parsed_args.format or image.disk_format)
        with new_file(parsed_args.file) as file:
            self._save(image, wanted, file)
            size = file.seek(0, 2)
        algorithm, _digest = digest_of(image)
        compared = (
            f"its data has the {algorithm} that the service says"
            if algorithm
            else "the service knows no digest to compare its data with"
        )
        self.tell(
            f"Image {image.id} is saved in {parsed_args.file} as {wanted}, {shown_size(size)}; {compared}."
        )

    def _with_data(self, image: Image, parsed_args: argparse.Namespace) -> Image:
        """The image as the Image API shows it.

        :raises CommandError: if it cannot be saved like that; says what to do
        """
        if image.kind == "whole":
            raise exceptions.CommandError(_whole(image))
        if image.is_encrypted and not parsed_args.decrypt:
            raise exceptions.CommandError(
                f"Image {image.id} is encrypted, and the file would not be: whoever has it could read it. "
                "If you want that, say so with --decrypt."
            )
        (found,) = self.ims.data_of(image)
        if found is None or found.status != _ACTIVE or not found.bytes:
            status = found.status if found else "deleted"
            raise exceptions.CommandError(
                f"Image {image.id} has no data that can be saved: it is {status}."
            )
        stored, wanted = found.disk_format, parsed_args.format
        if wanted not in (None, stored) and stored != _RAW:
            raise exceptions.CommandError(
                f"Image {image.id} is stored as {stored}, which can be saved as it is alone: leave --format "
                f"away, and convert the file ('qemu-img convert -f {stored} ...')."
            )
        return found

    def _save(self, image: Image, wanted: str, file: IO[bytes]) -> None:
        data = self.ims.image_data(image)
        progress = Progress(sys.stderr)
        with contextlib.closing(progress), _worded(image):
            shown = _shown(data, image, progress)
            if wanted in (image.disk_format, _RAW):
                for piece in shown:
                    _write(file, piece)
                file.truncate()
            else:
                _convert(shown, image, wanted, file)


def _convert(data: Iterator[bytes], image: Image, wanted: str, file: IO[bytes]) -> None:
    writer = factory.writer(wanted, image.bytes, uuid.UUID(image.id))
    file.seek(writer.head_size)
    for piece in data:
        for written in writer.feed(piece):
            file.write(written)
    for written in writer.finish():
        file.write(written)
    file.seek(0)
    file.write(writer.head())


def _write(file: IO[bytes], piece: Buffer) -> None:
    """Write, and leave out what is zero: there the file has no blocks."""
    for at in range(0, len(piece), len(_ZEROS)):
        part = piece[at : at + len(_ZEROS)]
        if part == _ZEROS:
            file.seek(len(part), 1)
        else:
            file.write(part)


def _shown(data: Iterator[bytes], image: Image, progress: Progress) -> Iterator[bytes]:
    """The same data, while it is shown how it gets on."""
    done = shown = 0
    for piece in data:
        yield piece
        done += len(piece)
        if done - shown >= image.bytes // _STEPS or done == image.bytes:
            progress.show(Saving(image.id, done, image.bytes))
            shown = done


@contextlib.contextmanager
def _worded(image: Image) -> Iterator[None]:
    try:
        yield
    except (DiskOfOtherLength, DiskTooLargeToWrite) as error:
        raise exceptions.CommandError(f"Image {image.id} cannot be saved: {error}") from error


def _whole(image: Image) -> str:
    disks = [str(disk["image_id"]) for disk in image.mapping if disk.get("image_id")]
    return (
        f"Image {image.id} is of a whole machine. Its disks are images, each of which can be saved, the "
        f"system disk first; or write it into a bucket with all of them ('openstack ims image export {image.id} "
        f"BUCKET:FILE.ova'):{''.join(f'{chr(10)}  openstack ims image save {disk} ...' for disk in disks)}"
    )
