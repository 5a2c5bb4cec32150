# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image export``."""

import argparse

from osc_lib import exceptions

from ims_glance.client import exporting
from ims_glance.client.shell import base, views


class ExportImage(base.ShowOne):
    """Write an image as a file into a bucket (a container of Swift) of yours.

    Examples:
    openstack ims image export golden images:golden.qcow2 --file-format qcow2 --wait
    openstack ims image export secret images:secret.vmdk --file-format vmdk --decrypt --wait
    openstack ims image export secret images:secret.ims --sealed --wait
    openstack ims image export large images:large.zvhd2 --quick --wait
    openstack ims image export golden images:golden.vhd --file-format vhd --access-key 1f0c... --wait
    openstack ims image export machine images:machine.ova --wait
    openstack ims image export machine images:machine --file-format qcow2 --wait
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument(
            "file",
            metavar="<bucket:object>",
            help="Where it goes. Nothing is written over an object that is there. Of a whole machine that is no OVA, what "
            "the names of all objects begin with: one of each disk, and a manifest (.json)",
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--file-format",
            choices=(*exporting.DISK_FORMATS, exporting.OVA),
            help="Format of the file: ova of a machine with all its disks (default for whole machines), the others of "
            "one disk, or of each disk of a machine",
        )
        how.add_argument(
            "--quick",
            action="store_true",
            help="Format zvhd2, of large images (up to 1 TB) too; not of encrypted ones",
        )
        how.add_argument(
            "--sealed",
            action="store_true",
            help="An encrypted image as it lies in its store: whoever may read its key, here or in another region that "
            "has the same key, makes an image of the file again ('openstack ims image create --file'), and nobody else",
        )
        parser.add_argument(
            "--decrypt",
            action="store_true",
            help="Export an encrypted image, which everybody can read who may read the bucket",
        )
        parser.add_argument(
            "--access-key",
            metavar="<key>",
            help="Write to a bucket of S3, with this access key of yours ('openstack ec2 credentials list'). Its "
            "secret is never sent",
        )
        base.add_waiting(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        if parsed_args.sealed and parsed_args.decrypt:
            raise exceptions.CommandError("--sealed decrypts nothing: leave out one of the two.")
        image = self.ims.find_image(parsed_args.image)
        if image.is_encrypted and not (parsed_args.decrypt or parsed_args.sealed):
            raise exceptions.CommandError(
                f"Image {image.id} is encrypted, and the file would not be. Say --decrypt if that is meant, or export it "
                "as it is (--sealed)."
            )
        form = exporting.SEALED if parsed_args.sealed else parsed_args.file_format
        if not form and not parsed_args.quick:
            if image.kind != "whole":
                raise exceptions.CommandError(
                    "Name the format of the file, --file-format qcow2 say."
                )
            form = exporting.OVA
        job = self.ims.export_image(image, parsed_args.file, form, parsed_args.access_key)
        return self.show_job(job, parsed_args)
