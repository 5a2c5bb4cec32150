# SPDX-License-Identifier: Apache-2.0
"""``openstack ims product create|set|show|list|delete|submit|withdraw|restrict|version add``."""

import argparse
import sys
from typing import Any

from ims_glance.client import product_file
from ims_glance.client.resources.market import CATEGORIES, PRICE_MODELS, SellersProduct
from ims_glance.client.shell import base, market_views, views


class CreateProduct(base.ShowOne):
    """Begin a product of the marketplace.

    It is a draft, which may be incomplete, until it is submitted. A file has all of it; options that
    are given as well replace what the file says.

    Examples:
    openstack ims product create --from-file database.yaml
    openstack ims product create --name 'Quick Database' --version-name V1.0 --image database --logo logo.png
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        _add_draft(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Create."""
        return market_views.own(self.ims.create_product(_draft(self, parsed_args)))


class ListProducts(base.Lister):
    """List the products that the project sells."""

    def take_action(self, _parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        found = self.ims.own_products()
        return market_views.OWN, (market_views.own_row(each) for each in found)


class _OfProduct(base.ShowOne):
    """A command about one product of the project."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("product", metavar="<product>", help="Name or id of the product")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Do it, and show what it is then."""
        known = self.ims.find_own_product(parsed_args.product)
        return market_views.own(self.done(known, parsed_args))

    def done(self, known: SellersProduct, parsed_args: argparse.Namespace) -> SellersProduct:
        """The product when it is done."""
        raise NotImplementedError


class ShowProduct(base.ShowOne):
    """Show a product: what it lacks, and what became of it.

    Examples:
    openstack ims product show database --as-file > database.yaml
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("product", metavar="<product>", help="Name or id of the product")
        parser.add_argument(
            "--as-file",
            action="store_true",
            help="Print the draft in YAML, with its files, so that --from-file makes the same of it",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Show."""
        known = self.ims.find_own_product(parsed_args.product)
        found = self.ims.get_own_product(known, files=parsed_args.as_file)
        if parsed_args.as_file:
            sys.stdout.write(product_file.text(found.to_dict(computed=False)))
            return (), ()
        return market_views.own(found)

    def produce_output(self, parsed_args: argparse.Namespace, column_names: Any, data: Any) -> int:
        """Nothing more, if the file was printed."""
        if parsed_args.as_file:
            return 0
        return int(super().produce_output(parsed_args, column_names, data) or 0)


class SetProduct(_OfProduct):
    """Change the draft of a product. What is listed stays as it is until a version is approved."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        _add_draft(parser)
        return parser

    def done(self, known: SellersProduct, parsed_args: argparse.Namespace) -> SellersProduct:
        """It as it was changed."""
        return self.ims.update_product(known, _draft(self, parsed_args, known))


class SubmitProduct(_OfProduct):
    """Submit a product: its image is copied and scanned, and it is reviewed.

    Examples:
    openstack ims product submit database --validate-only
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--validate-only",
            action="store_true",
            help="Only show as 'missing', 'problems' and 'scan' what would be refused. The image is scanned "
            "for that, which takes a minute or more",
        )
        base.add_timeout(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Submit it, or wait for what its scan finds."""
        known = self.ims.find_own_product(parsed_args.product)
        answer = self.ims.submit_product(known, parsed_args.validate_only)
        if not answer.scan_job_id:
            return market_views.own(answer)
        return market_views.own(answer, self.wait_for(answer.scan_job_id, parsed_args).scan)


class AddProductVersion(_OfProduct):
    """Submit another version of a product. The product stays listed meanwhile."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "version", metavar="<version>", help="Name of the version, such as V2.0"
        )
        parser.add_argument(
            "--image",
            metavar="<image>",
            required=True,
            help="Name or id of a private image of yours",
        )
        parser.add_argument("--release-notes", metavar="<text>", help="What is new in it")
        return parser

    def done(self, known: SellersProduct, parsed_args: argparse.Namespace) -> SellersProduct:
        """It with another version."""
        return self.ims.add_product_version(
            known,
            name=parsed_args.version,
            image_id=self.ims.find_image(parsed_args.image).id,
            release_notes=parsed_args.release_notes,
        )


class WithdrawProduct(_OfProduct):
    """Take back what is submitted; else take a product from the market, and from all who have it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--why", metavar="<text>", help="Is recorded, and seen by reviewers")
        parser.add_argument(
            "--after-days",
            metavar="<days>",
            type=float,
            help="When those who have it lose it (default: at once)",
        )
        return parser

    def done(self, known: SellersProduct, parsed_args: argparse.Namespace) -> SellersProduct:
        """It withdrawn."""
        return self.ims.withdraw_product(known, parsed_args.why, parsed_args.after_days)


class RestrictProduct(_OfProduct):
    """Take no new buyers for a product. Those who have it keep it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--why", metavar="<text>", help="Is recorded, and seen by reviewers")
        return parser

    def done(self, known: SellersProduct, parsed_args: argparse.Namespace) -> SellersProduct:
        """It restricted."""
        return self.ims.restrict_product(known, parsed_args.why)


class DeleteProducts(base.Command):
    """Delete drafts, or products that were rejected."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "product", metavar="<product>", nargs="+", help="Names or ids of the products"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete."""

        def delete(name: str) -> None:
            self.ims.delete_product(self.ims.find_own_product(name))

        self.each(parsed_args.product, delete, "{failed} of {total} products were not deleted.")


def _add_draft(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from-file", metavar="<file>", help="The product in YAML, or in JSON (file.json)"
    )
    parser.add_argument("--name", metavar="<name>", help="Its name")
    parser.add_argument(
        "--version-name", metavar="<version>", help="The version's name, such as V1.0"
    )
    parser.add_argument("--image", metavar="<image>", help="Name or id of a private image of yours")
    parser.add_argument("--release-notes", metavar="<text>", help="What is new in the version")
    parser.add_argument("--logo", metavar="<file>", help="PNG, JPEG or GIF of 120 x 120 pixels")
    parser.add_argument("--category", choices=CATEGORIES, help="What it is")
    parser.add_argument(
        "--region",
        metavar="<region>",
        action="append",
        help="Region that it is offered in (repeat)",
    )
    parser.add_argument("--price-model", choices=PRICE_MODELS, help="How it is paid for")
    parser.add_argument("--price", metavar="<text>", help="What it costs")
    parser.add_argument("--note", metavar="<text>", help="For yourself and the reviewers")


def _draft(
    command: base.Command, parsed_args: argparse.Namespace, known: SellersProduct | None = None
) -> dict[str, Any]:
    """What the command line says of a draft.

    :param known: the product that it changes. The service replaces a price as a whole; what is not said of it
        stays as it is
    """
    given = parsed_args
    draft = product_file.read(given.from_file) if given.from_file else {}
    image_id = command.ims.find_image(given.image).id if given.image else None
    logo = product_file.attached(given.logo) if given.logo else None
    pricing = {"model": given.price_model, "text": given.price}
    options: dict[str, dict[str, Any]] = {
        "version": {
            "name": given.version_name,
            "image_id": image_id,
            "release_notes": given.release_notes,
        },
        "basic": {"logo": logo, "category": given.category},
        "business": {"regions": given.region},
    }
    for step, values in options.items():
        said = {name: value for name, value in values.items() if value is not None}
        if said:
            draft[step] = {**(draft.get(step) or {}), **said}
    said = {name: value for name, value in pricing.items() if value is not None}
    if said:
        business = {**(draft.get("business") or {})}
        there = business.get("pricing") or _pricing(command, known)
        draft["business"] = {**business, "pricing": {**there, **said}}
    for name in ("name", "note"):
        if getattr(given, name) is not None:
            draft[name] = getattr(given, name)
    return draft


def _pricing(command: base.Command, known: SellersProduct | None) -> dict[str, Any]:
    """What a product's draft says of its price."""
    if known is None:
        return {}
    business = command.ims.get_own_product(known).business or {}
    return dict(business.get("pricing") or {})
