# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image list|show|save-list``."""

import argparse
import sys
from pathlib import Path

from osc_lib import exceptions

from ims_glance.client.new_file import new_file
from ims_glance.client.shell import base, filters, lineage, views

# What "show" shows instead of the image, or besides.
_INSTEAD = ("report", "actions", "all_regions")


class ListImages(base.Lister):
    """List images: your own, public ones, and those shared with you that you accepted.

    Offers that you have not answered: ``--member-status pending``.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        filters.add(parser)
        parser.add_argument("--long", action="store_true", help="Show more columns")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        query = filters.query(parsed_args, self.ims, self.cloud)
        found = self.ims.images(max_items=parsed_args.limit, **query)
        columns = views.LIST + (views.LONG if parsed_args.long else ())
        return columns, (views.image_row(image, parsed_args.long) for image in found)


class ShowImage(base.ShowOne):
    """Show an image.

    Examples:
    openstack ims image show golden
    openstack ims image show golden --all-regions --project web
    openstack ims image show golden --report
    openstack ims image show golden --actions
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument(
            "--report",
            action="store_true",
            help="Show what was found in its system when it was made or checked, what was done to that, and what "
            "there is left to do",
        )
        parser.add_argument(
            "--actions",
            action="store_true",
            help="Show what may be done to it, and why the rest may not",
        )
        parser.add_argument(
            "--all-regions",
            action="store_true",
            help="Ask every region for copies of it, and for the image that it is a copy of",
        )
        parser.add_argument(
            "--project",
            metavar="<project>",
            action="append",
            default=[],
            help="With --all-regions: name or id of another project of yours, whose copies are to be "
            "found, too (repeat for more)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Show."""
        if parsed_args.project and not parsed_args.all_regions:
            raise exceptions.CommandError("--project goes with --all-regions.")
        chosen = [name for name in _INSTEAD if getattr(parsed_args, name)]
        if len(chosen) > 1:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in chosen)
            raise exceptions.CommandError(f"{options} do not go together.")
        image = self.ims.find_image(parsed_args.image, is_offered=True)
        if parsed_args.report:
            kept = self.ims.get_image_report(image)
            return views.report(kept["report"], kept["made_at"], image.id)
        if parsed_args.actions:
            return views.actions(self.ims.image_actions(image), image.id)
        columns, values = self.show_image(image)
        if not parsed_args.all_regions:
            return columns, values
        found = lineage.fields(self.cloud, image, parsed_args.project)
        for said in lineage.away(found["regions_away"].machine_readable()):
            self.tell(said)
        return (*columns, *found), (*values, *found.values())


class SaveImageList(base.Command):
    """Save the list of images as CSV, as the service writes it for spreadsheets.

    Example:
    openstack ims image save-list --type private --file images.csv
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        # The service writes all of them.
        filters.add(parser, has_limit=False)
        parser.add_argument(
            "--file",
            metavar="<path>",
            type=Path,
            help="Where to (default: standard output). A file that exists is replaced when all "
            "has arrived",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Save."""
        query = filters.query(parsed_args, self.ims, self.cloud)
        pieces = self.ims.images_csv(**query)
        if parsed_args.file is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        with new_file(parsed_args.file) as file:
            for piece in pieces:
                file.write(piece)
