# SPDX-License-Identifier: Apache-2.0
"""``openstack ims os list``."""

import argparse

from ims_glance.client.shell import base, views


class ListOSVersions(base.Lister):
    """List the operating systems that images can have."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--for",
            dest="tag",
            choices=["x86", "arm", "bms", "uefi"],
            help="Only those for such processors, for bare metal, or for booting by UEFI",
        )
        parser.add_argument(
            "--platform", metavar="<platform>", help="Only those of a platform, such as Ubuntu"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        wanted = (parsed_args.platform or "").lower()
        rows = (
            (version.os_version, version.platform, version.os_type, version.os_bit)
            for version in self.ims.os_versions(parsed_args.tag)
            if wanted in ("", version.platform.lower())
        )
        return ("OS", "Platform", "OS Type", "Bits"), rows
