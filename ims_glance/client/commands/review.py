# SPDX-License-Identifier: Apache-2.0
"""``openstack ims review list|show|approve|reject``."""

import argparse

from ims_glance.client import product_file
from ims_glance.client.shell import base, market_views, views


class ListReviews(base.Lister):
    """List versions of products that wait for a reviewer, the oldest first."""

    def take_action(self, _parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        found = self.ims.submitted_versions()
        return market_views.REVIEWS, (market_views.review_row(each) for each in found)


class _OfVersion(base.ShowOne):
    """A command about one version."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("version", metavar="<version>", help="Id of the version")
        return parser


class ShowReview(_OfVersion):
    """Show all that was handed in of a version.

    Examples:
    openstack ims review show VERSION --save-files handed-in
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--save-files",
            metavar="<folder>",
            help="Save its logo and certificates there; none that is there already is replaced",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Show."""
        folder = parsed_args.save_files
        found = self.ims.get_submitted_version(parsed_args.version, files=folder is not None)
        if folder is not None:
            written = product_file.save((found.document or {}).get("basic") or {}, folder)
            self.tell("\n".join(written))
        return market_views.review(found)


class ApproveVersion(_OfVersion):
    """List a version: whoever agrees to the agreement has it from now on.

    Examples:
    openstack ims review approve VERSION --uninspected --reasons 'BSD; booted it, and looked'
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--reasons", metavar="<text>", help="Are recorded, for the seller too")
        parser.add_argument(
            "--uninspected",
            action="store_true",
            help="List it though the scan could not look into all of it; needs --reasons, and is recorded",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Approve."""
        return market_views.review(
            self.ims.approve_version(
                parsed_args.version, parsed_args.reasons, parsed_args.uninspected
            )
        )


class RejectVersion(_OfVersion):
    """Give a version back to its seller."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--reasons", metavar="<text>", required=True, help="What the seller has to mend"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Reject."""
        return market_views.review(
            self.ims.reject_version(parsed_args.version, parsed_args.reasons)
        )
