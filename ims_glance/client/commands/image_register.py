# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image register``."""

import argparse

from osc_lib import exceptions

from ims_glance.client.shell import base, files, views


class RegisterImage(base.ShowOne):
    """Give an image that has metadata alone ('queued') its data, from a file in a bucket of yours.

    Examples:
    openstack image create --disk-format raw --container-format bare --min-disk 40 mine
    openstack ims image register mine images:debian.vmdk --wait
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the queued image")
        parser.add_argument(
            "file",
            metavar="<bucket:object>",
            help="File of one disk. Leave it as it is until the image has its data",
        )
        parser.add_argument(
            "--access-key",
            metavar="<key>",
            help="Read the bucket from S3, with this access key of yours ('openstack ec2 credentials list'). Its "
            "secret is never sent",
        )
        files.add_unseal_key(parser)
        base.add_waiting(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        bucket, _colon, name = parsed_args.file.partition(":")
        if not bucket or not name:
            raise exceptions.CommandError("The file is BUCKET:OBJECT.")
        image = self.ims.find_image(parsed_args.image)
        job = self.ims.register_image(
            image, parsed_args.file, parsed_args.access_key, parsed_args.unseal_key
        )
        return self.show_job(job, parsed_args)
