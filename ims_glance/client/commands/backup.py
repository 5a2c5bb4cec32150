# SPDX-License-Identifier: Apache-2.0
"""``openstack ims backup create|list|show|delete``."""

import argparse

from ims_glance.client.resources.backup import STATUSES
from ims_glance.client.shell import base, pause, views


class CreateBackup(base.ShowOne):
    """Back up all disks of a server at one instant.

    A whole-machine image can be made of it.

    Examples:
    openstack ims backup create --server web --wait before-upgrade
    openstack ims image create --backup before-upgrade --wait web-before
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "name", metavar="<name>", help="Name of the backup (1 to 128 characters)"
        )
        parser.add_argument(
            "--server", metavar="<server>", required=True, help="Name or id of the server"
        )
        parser.add_argument(
            "--no-pause",
            action="store_true",
            help="Let the server run meanwhile. Its disks are then not of one instant",
        )
        parser.add_argument(
            "--description", metavar="<text>", help="Description (up to 255 characters)"
        )
        base.add_waiting(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        server = self.cloud.compute.find_server(parsed_args.server, ignore_missing=False)
        said = pause.announced(self.cloud, server, parsed_args.no_pause)
        given = {
            "description": parsed_args.description,
            "no_pause": parsed_args.no_pause or None,
        }
        more = {key: value for key, value in given.items() if value is not None}
        job = self.ims.create_backup(parsed_args.name, server.id, **more)
        self.tell(said)
        return self.show_job(job, parsed_args)


class ListBackups(base.Lister):
    """List the project's backups of servers."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--server", metavar="<server>", help="Only of this server: name or id")
        parser.add_argument("--name", metavar="<name>", help="Only of this name")
        parser.add_argument("--status", choices=STATUSES, help="Only in this status")
        parser.add_argument(
            "--limit", metavar="<number>", type=base.positive, help="At most so many backups"
        )
        parser.add_argument("--long", action="store_true", help="Show more columns")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        query = {"name": parsed_args.name, "status": parsed_args.status}
        if parsed_args.server:
            query["server_id"] = self._server_id(parsed_args.server)
        given = {key: value for key, value in query.items() if value is not None}
        found = self.ims.backups(parsed_args.limit, **given)
        columns = views.BACKUP_LIST + (views.BACKUP_LONG if parsed_args.long else ())
        return columns, (views.backup_row(backup, parsed_args.long) for backup in found)

    def _server_id(self, name_or_id: str) -> str:
        """Id of a server; a backup may be all that is left of it, so an id need not be known."""
        server = self.cloud.compute.find_server(name_or_id, ignore_missing=True)
        return str(server.id) if server else name_or_id


class ShowBackup(base.ShowOne):
    """Show a backup of a server."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("backup", metavar="<backup>", help="Name or id of the backup")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Show."""
        return views.backup(self.ims.find_backup(parsed_args.backup))


class DeleteBackups(base.Command):
    """Delete backups of servers. Images that were made of them stay."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "backup", metavar="<backup>", nargs="+", help="Names or ids of the backups"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete."""

        def delete(name: str) -> None:
            self.ims.delete_backup(self.ims.find_backup(name))

        self.each(parsed_args.backup, delete, "{failed} of {total} backups were not deleted.")
