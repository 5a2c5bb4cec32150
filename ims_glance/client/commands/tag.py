# SPDX-License-Identifier: Apache-2.0
"""``openstack ims tag list|add|remove|set``."""

import argparse

from osc_lib.cli import format_columns

from ims_glance.client.shell import base, views

_FORM = "<key[=value]>"
_RULE = "up to 36 letters, digits, - and _ in the key, 43 in the value"


class ListTags(base.Lister):
    """List the tags of an image, or all tags of the project's images."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", nargs="?", help="Name or id of the image")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        if parsed_args.image:
            image = self.ims.find_image(parsed_args.image)
            return ("Key", "Value"), ((tag.key, tag.value) for tag in self.ims.image_tags(image))
        rows = (
            (tag.key, format_columns.ListColumn(tag.tag_values)) for tag in self.ims.project_tags()
        )
        return ("Key", "Values"), rows


class AddTags(base.Command):
    """Give an image tags. A key that it has already gets the new value."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument(
            "tag", metavar=_FORM, nargs="+", help=f"Tags ({_RULE}). Example: env=test"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Add."""
        self.ims.add_tags(self.ims.find_image(parsed_args.image), parsed_args.tag)


class RemoveTags(base.Command):
    """Take tags of an image away. Goes on when it has not one of them, and fails in the end."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument("key", metavar="<key>", nargs="+", help="Keys of the tags")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Remove."""
        image = self.ims.find_image(parsed_args.image)
        self.each(
            parsed_args.key,
            lambda key: self.ims.remove_tag(image, key),
            "{failed} of {total} tags were not removed.",
        )


class SetTags(base.Command):
    """Give an image exactly these tags; without any, none."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument(
            "tag", metavar=_FORM, nargs="*", help=f"Tags ({_RULE}). Example: env=test"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Set."""
        self.ims.set_tags(self.ims.find_image(parsed_args.image), parsed_args.tag)
