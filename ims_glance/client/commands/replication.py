# SPDX-License-Identifier: Apache-2.0
"""``openstack ims replication create|list|show|set|pause|resume|delete``."""

import argparse

from ims_glance.client.resources.replication import Replication
from ims_glance.client.shell import base, replication_views, views


class CreateReplication(base.ShowOne):
    """Copy images to another region as they become active.

    Each image of the project that has the tag, or a name of the pattern, is copied once, one after the
    other. What is encrypted stays encrypted there. It ends when it is deleted.

    Examples:
    openstack ims replication create releases --tag release=stable --region RegionTwo --keep 3
    openstack ims replication create web --image-name 'web-*' --region RegionTwo --project web
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "name", metavar="<name>", help="Name of the replication (1 to 128 characters)"
        )
        parser.add_argument(
            "--tag", metavar="<key[=value]>", help="Tag that an image has, now or later"
        )
        parser.add_argument(
            "--image-name",
            metavar="<pattern>",
            help="Pattern of an image's name, such as 'web-*'; with --tag both have to fit",
        )
        parser.add_argument(
            "--region", metavar="<region>", required=True, help="Region that images are copied to"
        )
        parser.add_argument(
            "--project",
            metavar="<project>",
            help="Name or id of a project of yours there (default: the project of your login)",
        )
        parser.add_argument(
            "--agency",
            metavar="<name>",
            help="Name of an application credential of yours in that project, whose roles are all that "
            "copies are made with. When it ends, so does the replication",
        )
        parser.add_argument(
            "--key",
            metavar="<key>",
            help="Encrypt all copies with the key of this id of that region's key manager",
        )
        parser.add_argument(
            "--keep",
            metavar="<number>",
            type=base.positive,
            help="Keep so many of its copies there, and delete older ones that are not protected "
            "(default: all)",
        )
        parser.add_argument(
            "--existing",
            action="store_true",
            help="Copy images that are there already, too (default: only those that become active, or "
            "get the tag, from now on)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Create."""
        made = self.ims.create_replication(
            parsed_args.name,
            parsed_args.region,
            parsed_args.tag,
            parsed_args.image_name,
            project_name=parsed_args.project,
            agency_name=parsed_args.agency,
            cmk_id=parsed_args.key,
            keep=parsed_args.keep,
            existing=parsed_args.existing or None,
        )
        return replication_views.replication(made)


class ListReplications(base.Lister):
    """List the project's replications."""

    def take_action(self, _parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        found = self.ims.replications()
        return replication_views.LIST, (replication_views.row(each) for each in found)


class _OfOne(base.ShowOne):
    """A command about one replication."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "replication", metavar="<replication>", help="Name or id of the replication"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Do it, and show what it is then."""
        known = self.ims.find_replication(parsed_args.replication)
        return replication_views.replication(self.done(known, parsed_args))

    def done(self, known: Replication, parsed_args: argparse.Namespace) -> Replication:
        """The replication when it is done."""
        raise NotImplementedError


class ShowReplication(_OfOne):
    """Show a replication, and what became of each image."""

    def done(self, known: Replication, _parsed_args: argparse.Namespace) -> Replication:
        """It with its images."""
        return self.ims.get_replication(known)


class SetReplication(_OfOne):
    """Change a replication."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", metavar="<name>", help="New name")
        kept = parser.add_mutually_exclusive_group()
        kept.add_argument(
            "--keep",
            metavar="<number>",
            type=base.positive,
            help="Keep so many of its copies there",
        )
        kept.add_argument("--keep-all", action="store_true", help="Keep all its copies")
        return parser

    def done(self, known: Replication, parsed_args: argparse.Namespace) -> Replication:
        """It as it was changed."""
        values = {"name": parsed_args.name, "keep": parsed_args.keep}
        given = {name: value for name, value in values.items() if value is not None}
        if parsed_args.keep_all:
            given["keep"] = None
        return self.ims.update_replication(known, **given) if given else known


class PauseReplication(_OfOne):
    """Begin no more copies. What is being copied comes to its end."""

    def done(self, known: Replication, _parsed_args: argparse.Namespace) -> Replication:
        """It paused."""
        return self.ims.pause_replication(known)


class ResumeReplication(_OfOne):
    """Go on with a replication that was paused, also with what became active meanwhile."""

    def done(self, known: Replication, _parsed_args: argparse.Namespace) -> Replication:
        """It resumed."""
        return self.ims.resume_replication(known)


class DeleteReplications(base.Command):
    """Delete replications. Their copies stay, and what is being copied comes to its end."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "replication",
            metavar="<replication>",
            nargs="+",
            help="Names or ids of the replications",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete."""

        def delete(name: str) -> None:
            self.ims.delete_replication(self.ims.find_replication(name))

        summary = "{failed} of {total} replications were not deleted."
        self.each(parsed_args.replication, delete, summary)
