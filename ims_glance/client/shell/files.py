# SPDX-License-Identifier: Apache-2.0
"""Options of images that are made of files in buckets."""

import argparse
from pathlib import Path
from typing import Any

from osc_lib import exceptions

from ims_glance.client.shell import base, uploads

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


def add_sources(group: Any) -> None:
    """Options that name a file.

    :param group: of options that exclude each other
    """
    group.add_argument(
        "--file",
        metavar="<bucket:object>",
        help="File in a bucket (a container of Swift) of yours: raw, qcow2, VHD, VMDK or ISO. Leave it as it is "
        "until the image is made",
    )
    group.add_argument(
        "--from-file",
        metavar="<path>",
        help="The same of a file on this machine, up to 5 GB: it is uploaded to a bucket, and deleted there once "
        "the image is made, which is waited for",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that say more of a file."""
    parser.add_argument(
        "--bucket",
        metavar="<bucket>",
        help=f"With --from-file: where it goes (default: {uploads.BUCKET}, which is made)",
    )
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
    if parsed_args.from_file and parsed_args.access_key:
        raise exceptions.CommandError(
            "--from-file needs no --access-key: it goes up with your token."
        )
    if parsed_args.bucket and not parsed_args.from_file:
        raise exceptions.CommandError("--bucket goes with --from-file.")
    if parsed_args.file is None and parsed_args.from_file is None:
        given = [name for name in (*_OPTIONS, "quick") if getattr(parsed_args, name)]
        if given:
            raise exceptions.CommandError(f"--{given[0].replace('_', '-')} goes with --file.")
        if parsed_args.type in ("data", "iso"):
            raise exceptions.CommandError(f"--for {parsed_args.type} goes with --file.")
        return
    if not parsed_args.from_file:
        bucket, _colon, name = (parsed_args.file or "").partition(":")
        if not bucket or not name:
            raise exceptions.CommandError("--file is BUCKET:OBJECT.")
    if parsed_args.min_disk is None:
        raise exceptions.CommandError("A file needs --min-disk, the size of the disk in GB.")
    if parsed_args.type == "iso" and not parsed_args.os_version:
        raise exceptions.CommandError(
            "An ISO needs --os-version: what it installs (see 'openstack ims os list')."
        )


def wishes(parsed_args: argparse.Namespace, url: str) -> dict[str, Any]:
    """What is asked for a file, by the names of the IMS API.

    :param url: ``bucket:object``
    """
    found = {wire: getattr(parsed_args, name) for name, wire in _OPTIONS.items()}
    return {"image_url": url, **found}


def local(cloud: Any, parsed_args: argparse.Namespace) -> uploads.LocalFile | None:
    """The file of the caller's disk, if it is one; it is not uploaded yet."""
    if not parsed_args.from_file:
        return None
    path = Path(parsed_args.from_file)
    return uploads.LocalFile(cloud, path, parsed_args.bucket or uploads.BUCKET)
