# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image set|unset|delete``."""

import argparse
from typing import Any

from osc_lib import exceptions
from osc_lib.cli import parseractions

from ims_glance.client.shell import base, views

_SWITCH = {"on": "true", "off": "false"}


class SetImage(base.ShowOne):
    """Change an image, which has to be active. Shows it afterwards."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument("--name", metavar="<name>", help="New name (1 to 128 characters)")
        parser.add_argument(
            "--description",
            metavar="<text>",
            help="New description (up to 1024 characters, no < or >)",
        )
        parser.add_argument(
            "--min-ram",
            metavar="<MB>",
            type=_megabytes,
            help="RAM that a server needs at least, in MB (0: no limit). Example: 2048",
        )
        parser.add_argument(
            "--max-ram",
            metavar="<MB>",
            type=_megabytes,
            help="RAM that a server may have at most, in MB (0: no limit). Example: 131072",
        )
        parser.add_argument(
            "--multi-queue",
            choices=list(_SWITCH),
            help="Whether network cards of servers get several queues",
        )
        parser.add_argument("--boot-mode", choices=["bios", "uefi"], help="How servers boot")
        parser.add_argument(
            "--shutdown-timeout",
            metavar="<seconds>",
            type=base.positive,
            help="Seconds that a server gets to shut down (60 to 300)",
        )
        parser.add_argument(
            "--enterprise-project", metavar="<id>", help="Enterprise project that it belongs to"
        )
        parser.add_argument(
            "--property",
            metavar="<key=value>",
            action=parseractions.KeyValueAction,
            default={},
            help="Set an attribute of yours, or a __support_... one (repeat for more)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Change."""
        values = _values(parsed_args)
        if not values:
            raise exceptions.CommandError("Say what to change; see 'openstack help ims image set'.")
        image = self.ims.find_image(parsed_args.image)
        return self.show_image(self.ims.update_image(image, attributes=values))


def _values(parsed_args: argparse.Namespace) -> dict[str, Any]:
    switch, max_ram = parsed_args.multi_queue, parsed_args.max_ram
    timeout = parsed_args.shutdown_timeout
    given = {
        "name": parsed_args.name,
        "__description": parsed_args.description,
        "min_ram": parsed_args.min_ram,
        "max_ram": None if max_ram is None else str(max_ram),
        "hw_vif_multiqueue_enabled": _SWITCH[switch] if switch else None,
        "hw_firmware_type": parsed_args.boot_mode,
        "os_shutdown_timeout": str(timeout) if timeout else None,
        "enterprise_project_id": parsed_args.enterprise_project,
        **parsed_args.property,
    }
    return {name: value for name, value in given.items() if value is not None}


class UnsetImage(base.ShowOne):
    """Take attributes of an image away. Shows it afterwards."""

    _FLAGS = (
        ("description", "__description", "the description"),
        ("max-ram", "max_ram", "the limit of RAM"),
        ("multi-queue", "hw_vif_multiqueue_enabled", "the choice of queues of network cards"),
        ("boot-mode", "hw_firmware_type", "the boot mode"),
        ("shutdown-timeout", "os_shutdown_timeout", "the time for shutting down"),
        ("enterprise-project", "enterprise_project_id", "the enterprise project"),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        for option, attribute, text in self._FLAGS:
            parser.add_argument(
                f"--{option}",
                dest="removed",
                action="append_const",
                const=attribute,
                help=f"Take {text} away",
            )
        parser.add_argument(
            "--property",
            metavar="<key>",
            dest="removed",
            action="append",
            help="Take this attribute away (repeat for more)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Change."""
        if not parsed_args.removed:
            raise exceptions.CommandError(
                "Say what to take away; see 'openstack help ims image unset'."
            )
        image = self.ims.find_image(parsed_args.image)
        return self.show_image(self.ims.update_image(image, remove=parsed_args.removed))


class DeleteImages(base.Command):
    """Delete images. Goes on when one cannot be deleted, and fails in the end."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "image", metavar="<image>", nargs="+", help="Names or ids of the images"
        )
        parser.add_argument(
            "--with-backup",
            "--delete-backup",
            dest="delete_backup",
            action="store_true",
            help="Delete also the backup of the server that a whole-machine image was made of, or "
            "is kept with. Without this it stays",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete."""

        def delete(name: str) -> None:
            self.ims.delete_image(self.ims.find_image(name), parsed_args.delete_backup)

        self.each(parsed_args.image, delete, "{failed} of {total} images were not deleted.")


def _megabytes(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a whole number of MB is needed, not '{text}'")
    return int(text)
