# SPDX-License-Identifier: Apache-2.0
"""``openstack ims market list|show|subscribe|unsubscribe|subscriptions``."""

import argparse

from osc_lib import exceptions

from ims_glance.client.resources.market import CATEGORIES
from ims_glance.client.shell import base, market_views, views


class ListMarket(base.Lister):
    """List products of the marketplace, the newest first.

    Examples:
    openstack ims market list --search 'data base' --operating-system Ubuntu --price free
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--search", metavar="<words>", help="Words that it has, or beginnings of words"
        )
        parser.add_argument("--category", choices=CATEGORIES, help="What it is")
        parser.add_argument(
            "--operating-system", metavar="<system>", help="Such as Linux, or Ubuntu"
        )
        parser.add_argument("--region", metavar="<region>", help="Region that it is offered in")
        parser.add_argument(
            "--price", choices=("free", "charged"), help="Whether it costs anything"
        )
        parser.add_argument(
            "--limit", metavar="<number>", type=base.positive, help="Show no more than so many"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        names = ("search", "category", "region", "price")
        filters = {name: getattr(parsed_args, name) for name in names}
        filters["os"] = parsed_args.operating_system
        found = self.ims.products(parsed_args.limit, **filters)
        return market_views.OFFERED, (market_views.offered_row(each) for each in found)


class ShowMarket(base.ShowOne):
    """Show a product of the marketplace, with the agreement and its digest."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("product", metavar="<product>", help="Name or id of the product")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Show."""
        return market_views.offered(self.ims.find_product(parsed_args.product))


class Subscribe(base.ShowOne):
    """Agree to the agreement of a product, and have it in the project.

    Read the agreement first: 'openstack ims market show' has it, and the digest by which you say that
    you agree to that very text.

    Examples:
    openstack ims market show database -c agreement -c agreement_digest
    openstack ims market subscribe database --agreement DIGEST
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("product", metavar="<product>", help="Name or id of the product")
        parser.add_argument(
            "--agreement",
            metavar="<digest>",
            required=True,
            help="Digest of the agreement that you agree to",
        )
        parser.add_argument(
            "--sku", metavar="<sku>", help="Which of its specifications, if it has several"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Subscribe."""
        product = self.ims.find_product(parsed_args.product)
        made = self.ims.subscribe(product, parsed_args.agreement, parsed_args.sku)
        return market_views.subscription(made)


class Unsubscribe(base.Command):
    """Have a product no more."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "subscription",
            metavar="<subscription>",
            help="Id of the subscription, or of its product",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Unsubscribe.

        :raises CommandError: if the project has no such subscription
        """
        given = parsed_args.subscription
        for each in self.ims.subscriptions():
            if each.state == "active" and given in (each.id, each.product_id):
                self.ims.unsubscribe(each)
                return
        raise exceptions.CommandError(
            f"Your project has no subscription '{given}' ('openstack ims market subscriptions')."
        )


class ListSubscriptions(base.Lister):
    """List what the project subscribed to, with the images that it may boot."""

    def take_action(self, _parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        found = self.ims.subscriptions()
        return market_views.SUBSCRIPTIONS, (market_views.subscription_row(each) for each in found)
