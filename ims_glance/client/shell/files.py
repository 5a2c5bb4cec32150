# SPDX-License-Identifier: Apache-2.0
"""Options of images that are made of files in buckets."""

import argparse
from typing import Any

from osc_lib import exceptions

from ims_glance.client.shell import base

PURPOSES = {"ecs": "ECS", "bms": "BMS", "data": "DataImage", "iso": "IsoImage"}
"""``--for`` -> ``type`` of the IMS API."""

# What goes with a file alone: option -> its name in the IMS API.
_OPTIONS = {
    "min_disk": "min_disk",
    "os_type": "os_type",
    "architecture": "architecture",
    "firmware": "hw_firmware_type",
    "access_key": "access_key",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that say more of a file."""
    parser.add_argument(
        "--min-disk",
        metavar="<GB>",
        type=base.positive,
        help="With --file: size of the disk in GB, at least that of the disk in the file (40 or more unless the "
        "operator says otherwise)",
    )
    parser.add_argument(
        "--os-type",
        choices=["Linux", "Windows", "Other"],
        help="With --file: family of the operating system, if no --os-version is named (default: Linux)",
    )
    parser.add_argument(
        "--architecture",
        choices=["x86", "arm"],
        help="With --file: processors that it runs on (default: x86)",
    )
    parser.add_argument(
        "--firmware", choices=["bios", "uefi"], help="With --file: how it boots (arm: uefi)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="With --file: import a large file (up to 1 TB). A system disk then needs --os-version",
    )
    parser.add_argument(
        "--access-key",
        metavar="<key>",
        help="With --file: read the bucket from S3, with this access key of yours ('openstack ec2 credentials "
        "list'). Its secret is never sent",
    )


def check(parsed_args: argparse.Namespace) -> None:
    """Refuse what has no meaning together.

    :raises CommandError: says what to change
    """
    if parsed_args.file is None:
        given = [name for name in (*_OPTIONS, "quick") if getattr(parsed_args, name)]
        if given:
            raise exceptions.CommandError(f"--{given[0].replace('_', '-')} goes with --file.")
        if parsed_args.type in ("data", "iso"):
            raise exceptions.CommandError(f"--for {parsed_args.type} goes with --file.")
        return
    bucket, _colon, name = parsed_args.file.partition(":")
    if not bucket or not name:
        raise exceptions.CommandError("--file is BUCKET:OBJECT.")
    if parsed_args.min_disk is None:
        raise exceptions.CommandError("--file needs --min-disk, the size of the disk in GB.")
    if parsed_args.type == "iso" and not parsed_args.os_version:
        raise exceptions.CommandError(
            "An ISO needs --os-version: what it installs (see 'openstack ims os list')."
        )


def wishes(parsed_args: argparse.Namespace) -> dict[str, Any]:
    """What is asked for a file, by the names of the IMS API."""
    found = {wire: getattr(parsed_args, name) for name, wire in _OPTIONS.items()}
    return {"image_url": parsed_args.file, **found}
