# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image verify``."""

import argparse
from collections.abc import Iterator
from typing import Any

from osc_lib import exceptions

from ims_glance.client import comparison, regions
from ims_glance.client.comparison import Compared, Comparison
from ims_glance.client.operations.copy import Origin
from ims_glance.client.resources.image import Image
from ims_glance.client.shell import base, lineage, views
from ims_glance.client.shell.columns import Size

_COLUMNS = ("Image There", "Relation", "Disk", "Result", "Compared By", "Size", "Size There")
_LONG = ("Project There", "Data Here", "Data There", "Digest Here", "Digest There")


class VerifyImage(base.Lister):
    """Verify that an image and its copies in another region have the same data.

    Both Image services have digests of the raw content, which are compared; nothing is downloaded. Of a
    whole machine every disk is compared with the one at its place. If the image is itself a copy of one in
    that region, it is compared with that one, too. The command fails unless all are the same.

    Examples:
    openstack ims image verify golden --region RegionTwo
    openstack ims image verify golden --region RegionTwo --project web --long
    """

    _faults: tuple[str, ...] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument(
            "--region", metavar="<region>", required=True, help="Region that the copies are in"
        )
        parser.add_argument(
            "--project",
            metavar="<project>",
            help="Name or id of the project of yours that they are in (default: all that the project "
            "of your login is shown there)",
        )
        parser.add_argument(
            "--long", action="store_true", help="Show more columns, with the digests"
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Show, and say below what is not as it should be."""
        status = int(super().run(parsed_args))
        for fault in self._faults:
            self.tell(fault)
        return 1 if self._faults else status

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Compare."""
        image = self.ims.find_image(parsed_args.image, is_offered=True)
        login = regions.as_project(self.cloud, parsed_args.project) if parsed_args.project else None
        there = regions.connect(login or self.cloud, parsed_args.region)
        owner = login and login.current_project_id
        here = self.ims.data_of(image)
        found: list[tuple[Image, str, list[Compared]]] = []
        try:
            for other, relation in self._others(image, parsed_args.region, there.ims, owner):
                compared = comparison.compare_disks(here, there.ims.data_of(other))
                found.append((other, relation, compared))
        except lineage.AWAY as error:
            raise exceptions.CommandError(
                f"{parsed_args.region}: {lineage.reason(error)}"
            ) from error
        if not found:
            raise exceptions.CommandError(_none(image, parsed_args))
        rows = [each for *_, disks in found for each in disks]
        sides = (
            f"--os-region-name {regions.current(self.cloud)}",
            f"--os-region-name {parsed_args.region}"
            + (f" --os-project-id {owner}" if owner else ""),
        )
        self._faults = tuple(_faults(rows, *sides))
        columns = _COLUMNS + (_LONG if parsed_args.long else ())
        return columns, list(_rows(found, parsed_args.long))

    def _others(
        self, image: Image, region: str, there: Any, owner: str | None
    ) -> Iterator[tuple[Image, str]]:
        """The images in the other region that should have the same data, and what they are to it.

        :param owner: project of the copies; ``None`` for all
        """
        here = regions.current(self.cloud)
        origin = Origin.of(image)
        if origin is not None and (origin.region or here) == region:
            source = there.look_at(origin.image_id)
            if source is not None:
                yield source, "source"
        for copy in there.copies_of(Origin(here, image.id)):
            if owner in (None, copy.owner):
                yield copy, "copy"


def _rows(
    found: list[tuple[Image, str, list[Compared]]], is_long: bool
) -> Iterator[tuple[Any, ...]]:
    for other, relation, disks in found:
        for number, each in enumerate(disks):
            row: tuple[Any, ...] = (
                other.id,
                relation,
                number,
                each.result.value,
                each.by,
                *(_size(image) for image in (each.here, each.there)),
            )
            if is_long:
                data = (image and image.id for image in (each.here, each.there))
                row = (*row, other.owner, *data, *each.digests)
            yield row


def _size(image: Image | None) -> Size | None:
    return None if image is None or image.size is None else Size(int(image.size))


def _none(image: Image, parsed_args: argparse.Namespace) -> str:
    shown = (
        f"project '{parsed_args.project}'" if parsed_args.project else "the project of your login"
    )
    return (
        f"In region {parsed_args.region} there is no copy of image {image.id} that {shown} is shown. "
        f"'openstack ims image show {image.id} --all-regions' looks for copies everywhere."
    )


def _faults(compared: list[Compared], here: str, there: str) -> Iterator[str]:
    """What to say of a comparison that is not good, and how to find out what is not known.

    :param here: options of a command that reads in this region
    :param there: in the other one
    """
    faulty = [each for each in compared if each.result is not Comparison.SAME]
    if faulty:
        yield f"{len(faulty)} of {len(compared)} are not known to be the same."
    for each in faulty:
        if each.result is Comparison.UNKNOWN and each.here and each.there:
            yield (
                f"The regions have no digest in common of image {each.here.id} ({_known(each.here)}) "
                f"and image {each.there.id} there ({_known(each.there)}). To find out, read both, "
                "and compare what these print:\n"
                f"  openstack {here} image save {each.here.id} | sha256sum\n"
                f"  openstack {there} image save {each.there.id} | sha256sum"
            )


def _known(image: Image) -> str:
    names = (image.os_hash_algo if image.os_hash_value else None, image.checksum and "md5")
    return ", ".join(filter(None, names)) or "none"
