# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image create|copy``."""

import argparse
from typing import Any

from osc_lib import exceptions

from ims_glance.client.commands import base, views

_DEFAULT_KEY = "ims/default"
_MAX_NAME = 128
_KINDS = {"ecs": "ECS", "bms": "BMS"}


class CreateImage(base.ShowOne):
    """Make a private system-disk image of a volume.

    Example: openstack ims image create --volume disk --os-version "Ubuntu 22.04 server 64bit" --wait mine
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "name", metavar="<name>", help="Name of the image (1 to 128 characters)"
        )
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--volume", metavar="<volume>", help="Name or id of the volume")
        parser.add_argument(
            "--os-version",
            metavar="<os>",
            required=True,
            help="Operating system on it, as in 'openstack ims os list'. Example: "
            "'CentOS 7.3 64bit', 'Other Linux(64 bit)'",
        )
        parser.add_argument(
            "--for",
            dest="type",
            choices=list(_KINDS),
            help="Servers that it is for: virtual (ecs, the default) or bare metal (bms)",
        )
        parser.add_argument(
            "--min-ram", metavar="<MB>", type=base.positive, help="RAM needed at least, in MB"
        )
        parser.add_argument(
            "--max-ram", metavar="<MB>", type=base.positive, help="RAM allowed at most, in MB"
        )
        _add_common(parser)
        parser.add_argument(
            "--tag",
            metavar="<key[=value]>",
            action="append",
            default=[],
            help="Tag of the image (repeat for more, up to 10). Example: env=test",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        volume = self.cloud.block_storage.find_volume(parsed_args.volume, ignore_missing=False)
        given: dict[str, Any] = {
            "volume_id": volume.id,
            "os_version": parsed_args.os_version,
            "type": _KINDS.get(parsed_args.type),
            "min_ram": parsed_args.min_ram,
            "max_ram": parsed_args.max_ram,
            "description": parsed_args.description,
            "enterprise_project_id": parsed_args.enterprise_project,
        }
        source = {key: value for key, value in given.items() if value is not None}
        job = self.ims.create_image(parsed_args.name, tags=parsed_args.tag, **source)
        return self.show_job(job, parsed_args)


class CopyImage(base.ShowOne):
    """Copy an image within the region; that way encryption is added, changed or removed.

    Example: openstack ims image copy plain --name secret --key ims/default --wait
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument(
            "--name", metavar="<name>", help="Name of the copy (default: copy_<name>)"
        )
        encryption = parser.add_mutually_exclusive_group()
        encryption.add_argument(
            "--key",
            metavar="<key>",
            help="Encrypt the copy with the key of this id (a 256-bit AES secret of the key "
            f"manager); '{_DEFAULT_KEY}' is the project's own, made when it is first used",
        )
        encryption.add_argument(
            "--decrypt",
            action="store_true",
            help="Make an unencrypted copy of an encrypted image; without this or --key such an "
            "image is not copied",
        )
        _add_common(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        image = self.ims.find_image(parsed_args.image)
        if image.is_encrypted and not (parsed_args.key or parsed_args.decrypt):
            raise exceptions.CommandError(
                f"Image {image.id} is encrypted. Name a key for the copy (--key; its own is "
                f"{image.cmk_id}), or say --decrypt for a copy that everybody with access to the "
                "store could read."
            )
        job = self.ims.copy_image(
            image,
            parsed_args.name or f"copy_{image.name}"[:_MAX_NAME].rstrip(),
            description=parsed_args.description,
            cmk_id=parsed_args.key,
            enterprise_project_id=parsed_args.enterprise_project,
        )
        return self.show_job(job, parsed_args)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--description", metavar="<text>", help="Description (up to 1024 characters, no < or >)"
    )
    parser.add_argument(
        "--enterprise-project", metavar="<id>", help="Enterprise project that it belongs to"
    )
    base.add_waiting(parser)
