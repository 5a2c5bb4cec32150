# SPDX-License-Identifier: Apache-2.0
"""Which images a list shows, from the command line."""

import argparse
from typing import Any

from openstack import exceptions

from ims_glance.client.operations.image import is_uuid
from ims_glance.client.resources.image import KINDS, TYPES
from ims_glance.client.shell import projects
from ims_glance.client.shell.base import positive

_SORTED_BY = ("name", "created_at", "size", "status", "disk_format", "container_format", "id")
_MEMBER_STATUSES = ("accepted", "pending", "rejected")


def add(parser: argparse.ArgumentParser, has_limit: bool = True) -> None:
    """Add the options.

    :param has_limit: whether the list may be cut off
    """
    _add_what(parser)
    _add_whose(parser)
    if has_limit:
        parser.add_argument(
            "--limit", metavar="<number>", type=positive, help="At most so many images"
        )
    _add_which_part(parser)


def _add_what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", metavar="<name>", help="Images of exactly this name")
    parser.add_argument(
        "--kind",
        choices=list(KINDS),
        help="What they are for: the system disk of a server, a data disk, a whole machine, the "
        "disk of a bare-metal server, or an ISO to install from",
    )
    parser.add_argument(
        "--os-type", choices=["Linux", "Windows", "Other"], help="Images with such a system"
    )
    parser.add_argument(
        "--platform",
        metavar="<platform>",
        help="Images of a platform, such as Ubuntu or Windows ('openstack ims os list')",
    )
    parser.add_argument("--architecture", choices=["x86", "arm"], help="Images for such processors")
    parser.add_argument(
        "--status", metavar="<status>", help="Images in this status, such as active or saving"
    )
    parser.add_argument(
        "--tag", metavar="<key[=value]>", help="Images with this tag (example: env=test)"
    )
    parser.add_argument("--key", metavar="<key>", help="Images encrypted with the key of this id")


def _add_whose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--type",
        choices=list(TYPES),
        help="What they are to you: public, your own private ones, shared by or with you, or "
        "from the market",
    )
    parser.add_argument(
        "--visibility",
        choices=["public", "private", "shared", "community"],
        help="Images of this visibility, in the words of the Image API",
    )
    parser.add_argument("--owner", metavar="<project>", help="Images of a project (name or id)")
    parser.add_argument(
        "--member-status",
        choices=_MEMBER_STATUSES,
        help="Images that others share with you and that you have accepted, rejected, or not "
        "answered yet (pending)",
    )


def _add_which_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--marker",
        metavar="<image>",
        help="Begin behind this image (name or id), the last one of the list before",
    )
    parser.add_argument(
        "--sort",
        metavar="<key[:direction]>",
        type=_sorting,
        default={},
        help=f"Order by {', '.join(_SORTED_BY)}; direction asc or desc (default: created_at:desc)",
    )


def query(parsed_args: argparse.Namespace, ims: Any, cloud: Any) -> dict[str, Any]:
    """The filters, by the names of the resource; without ``--limit``."""
    given: dict[str, Any] = {
        "name": parsed_args.name,
        "os_type": parsed_args.os_type,
        "platform": parsed_args.platform,
        "architecture": parsed_args.architecture,
        "status": parsed_args.status,
        "tag": parsed_args.tag,
        "cmk_id": parsed_args.key,
        "visibility": parsed_args.visibility,
        "member_status": parsed_args.member_status,
        **(KINDS[parsed_args.kind] if parsed_args.kind else {}),
        **parsed_args.sort,
    }
    if parsed_args.type:
        given["image_type"] = TYPES[parsed_args.type]
    if parsed_args.member_status and not parsed_args.visibility:
        given["visibility"] = "shared"
    if parsed_args.owner:
        given["owner"] = projects.find(cloud, parsed_args.owner)
    if parsed_args.marker:
        given["marker"] = _marker(ims, parsed_args.marker)
    return {name: value for name, value in given.items() if value is not None}


def _marker(ims: Any, name_or_id: str) -> str:
    """The id of an image, which may be deleted by now."""
    try:
        return str(ims.find_image(name_or_id).id)
    except exceptions.NotFoundException:
        if not is_uuid(name_or_id):
            raise
        return name_or_id


def _sorting(text: str) -> dict[str, str]:
    key, _, direction = text.partition(":")
    if key not in _SORTED_BY or direction not in ("", "asc", "desc"):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not one of {', '.join(_SORTED_BY)}, with ':asc' or ':desc' behind"
        )
    return {"sort_key": key, "sort_dir": direction or "asc"}
