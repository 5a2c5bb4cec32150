# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image create|copy``."""

import argparse
import sys
from collections.abc import Callable
from typing import Any, cast

from osc_lib import exceptions

from ims_glance.client import regions
from ims_glance.client.operations.image import is_uuid
from ims_glance.client.resources.image import Image
from ims_glance.client.resources.job import Job
from ims_glance.client.shell import base, files, pause, views
from ims_glance.client.shell.files import LocalFile
from ims_glance.client.waiting import JobFailed

_DEFAULT_KEY = "ims/default"
_MAX_NAME = 128


class CreateImage(base.ShowOne):
    """Make a private image of a server, of its disks, of a backup of it, of a volume, or of a file in a bucket.

    Examples:
    openstack ims image create --server web --wait web-system
    openstack ims image create --server web --prepare --wait web-ready
    openstack ims image create --server web --whole --key ims/default --wait web-all
    openstack ims image create --backup before-upgrade --wait web-before
    openstack ims image create --data-volume web-data --wait web-data-image
    openstack ims image create --volume disk --os-version "Ubuntu 22.04 server 64bit" --wait mine
    openstack ims image create --file images:debian.vmdk --min-disk 40 --key ims/default --wait mine
    openstack ims image create --file images:debian.vmdk --min-disk 40 --prepare --wait ready
    openstack ims image create --file images:secret.ims --min-disk 40 --wait secret-again
    openstack ims image create --file images:web.ova --min-disk 40 --wait web-all
    openstack ims image create --file images:web.json --wait web-all
    openstack ims image create --file images:a.vmdk --min-disk 40 --data-file images:b.vmdk 100 mine
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "name", metavar="<name>", help="Name of the image (1 to 128 characters)"
        )
        _add_sources(parser)
        parser.add_argument(
            "--for",
            dest="type",
            choices=list(files.PURPOSES),
            help="Servers that an image of a volume or a file is for: virtual (ecs, the default) or bare "
            "metal (bms). With --file also a data disk (data) or a CD (iso)",
        )
        parser.add_argument(
            "--min-ram", metavar="<MB>", type=base.positive, help="RAM needed at least, in MB"
        )
        parser.add_argument(
            "--max-ram", metavar="<MB>", type=base.positive, help="RAM allowed at most, in MB"
        )
        parser.add_argument(
            "--key",
            metavar="<key>",
            help="Encrypt the image of a server or a file with the key of this id; "
            f"'{_DEFAULT_KEY}' is the project's own",
        )
        files.add_options(parser)
        _add_common(parser)
        parser.add_argument(
            "--tag",
            metavar="<key[=value]>",
            action="append",
            default=[],
            help="Tag of the image (repeat for more, up to 10). Example: env=test",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        _check_combination(parsed_args)
        server = None
        if parsed_args.server:
            server = self.cloud.compute.find_server(parsed_args.server, ignore_missing=False)
        given: dict[str, Any] = {
            "os_version": parsed_args.os_version,
            "type": files.PURPOSES.get(parsed_args.type),
            "min_ram": parsed_args.min_ram,
            "max_ram": parsed_args.max_ram,
            "description": parsed_args.description,
            "enterprise_project_id": parsed_args.enterprise_project,
            "cmk_id": parsed_args.key,
            "is_config": parsed_args.prepare or None,
            **self._source(parsed_args, server),
        }
        source = {key: value for key, value in given.items() if value is not None}
        said = ""
        if parsed_args.whole:
            said = pause.announced(self.cloud, server, parsed_args.no_pause)
        local = files.local(self.cloud, parsed_args)
        if local is not None:
            return self._upload(local, source, parsed_args)
        job = self._begin(source, parsed_args, parsed_args.file)
        self.tell(said)
        return self.show_job(job, parsed_args)

    def _begin(
        self, source: dict[str, Any], parsed_args: argparse.Namespace, url: str | None
    ) -> Job:
        """Ask for the image; of the file that *url* names, if it is one."""
        of_file = files.wishes(parsed_args, url) if url else {}
        wanted = source | {key: value for key, value in of_file.items() if value is not None}
        begin = self._operation(parsed_args)
        return begin(parsed_args.name, tags=parsed_args.tag, **wanted)

    def _upload(
        self, local: LocalFile, source: dict[str, Any], parsed_args: argparse.Namespace
    ) -> views.Shown:
        """Upload a file, have an image made of it, and delete it in the bucket when nobody needs it."""
        parsed_args.wait = True
        is_needed = False
        try:
            local.send(sys.stderr)
            job = self._begin(source, parsed_args, local.url)
            is_needed = True
            shown = self.show_job(job, parsed_args)
            is_needed = False
        except JobFailed:
            is_needed = False
            raise
        finally:
            if is_needed:
                self.tell(
                    f"The file is in {local.url} until you delete it there; the job needs it."
                )
            else:
                local.delete()
        return shown

    def _operation(self, parsed_args: argparse.Namespace) -> Callable[..., Job]:
        is_machine = files.is_manifest(parsed_args.file or "")
        if parsed_args.whole or parsed_args.backup or is_machine:
            found = self.ims.create_whole_image
        elif parsed_args.quick:
            found = self.ims.import_image_quick
        elif parsed_args.type == "data":
            found = self.ims.create_data_image
        else:
            found = self.ims.create_image
        return cast(Callable[..., Job], found)

    def _source(self, parsed_args: argparse.Namespace, server: Any) -> dict[str, Any]:
        """What the image is made of, by the names of the IMS API."""
        found: dict[str, Any] = {}
        if parsed_args.volume:
            found["volume_id"] = self._volume(parsed_args.volume)
        if server is not None:
            found["instance_id"] = server.id
        if parsed_args.data_volume:
            found["data_images"] = [
                {"name": name, "volume_id": self._volume(volume)}
                for volume, name in _data_names(parsed_args)
            ]
        if parsed_args.backup:
            found["backup_id"] = self.ims.find_backup(parsed_args.backup).id
        if parsed_args.whole:
            found["no_pause"] = parsed_args.no_pause or None
            found["with_backup"] = parsed_args.with_backup or None
        return found

    def _volume(self, name_or_id: str) -> str:
        volume = self.cloud.block_storage.find_volume(name_or_id, ignore_missing=False)
        return str(volume.id)


def _add_sources(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--server", metavar="<server>", help="Name or id of a server: image of its system disk"
    )
    source.add_argument("--volume", metavar="<volume>", help="Name or id of a volume")
    source.add_argument(
        "--backup",
        metavar="<backup>",
        help="Name or id of a backup of a server: image of the whole server. One backup makes one "
        "image",
    )
    files.add_sources(source)
    parser.add_argument(
        "--whole",
        action="store_true",
        help="Image of the whole server: its system disk and all its volumes",
    )
    parser.add_argument(
        "--no-pause",
        action="store_true",
        help="With --whole: let the server run meanwhile. The image is then not of one instant",
    )
    parser.add_argument(
        "--with-backup",
        action="store_true",
        help="With --whole: keep a backup of the server with the image, called "
        "backup_for_image_<id>",
    )
    parser.add_argument(
        "--data-volume",
        metavar="<volume>",
        action="append",
        default=[],
        help="Data disk of a server to make an image of, too or alone (repeat for more). Of "
        "several images, the second and further ones are called <name>-2, ...",
    )
    parser.add_argument(
        "--os-version",
        metavar="<os>",
        help="With --volume or --file: operating system on it, as in 'openstack ims os list'. Example: "
        "'CentOS 7.3 64bit', 'Other Linux(64 bit)'",
    )


def _check_combination(parsed_args: argparse.Namespace) -> None:
    """Check what argparse does not know of.

    :raises CommandError: says what to change
    """
    named = (parsed_args.server, parsed_args.volume, parsed_args.backup, parsed_args.data_volume)
    if not any(named) and parsed_args.file is None and parsed_args.from_file is None:
        raise exceptions.CommandError("Say what to make an image of: --server, --volume, ...")
    files.check(parsed_args)
    is_disk = parsed_args.volume or parsed_args.file or parsed_args.from_file
    wrong = {
        "--whole needs --server.": parsed_args.whole and not parsed_args.server,
        "--no-pause needs --whole.": parsed_args.no_pause and not parsed_args.whole,
        "--with-backup needs --whole.": parsed_args.with_backup and not parsed_args.whole,
        "--backup takes all disks: leave out --data-volume.": parsed_args.backup
        and parsed_args.data_volume,
        "--whole takes all volumes: leave out --data-volume.": parsed_args.whole
        and parsed_args.data_volume,
        "--volume needs --os-version (see 'openstack ims os list').": parsed_args.volume
        and not parsed_args.os_version,
        "--os-version needs --volume or --file: that of a server is known.": parsed_args.os_version
        and not is_disk,
        "--for needs --volume or --file.": parsed_args.type and not is_disk,
        "--data-volume goes with --server or alone.": is_disk and parsed_args.data_volume,
        "--prepare needs --file, --volume or --server, without --whole.": parsed_args.prepare
        and (parsed_args.whole or not (is_disk or parsed_args.server)),
    }
    for reason, applies in wrong.items():
        if applies:
            raise exceptions.CommandError(reason)


def _data_names(parsed_args: argparse.Namespace) -> list[tuple[str, str]]:
    """Volumes of data images, and the names of those images."""
    first = 2 if parsed_args.server else 1
    return [
        (volume, parsed_args.name if number == 1 else f"{parsed_args.name}-{number}")
        for number, volume in enumerate(parsed_args.data_volume, first)
    ]


class CopyImage(base.ShowOne):
    """Copy an image; that way encryption is added, changed or removed, or the image is in another region.

    Examples:
    openstack ims image copy plain --name secret --key ims/default --wait
    openstack ims image copy golden --region RegionTwo --dry-run
    openstack ims image copy golden --region RegionTwo --project web --wait
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        parser.add_argument(
            "--name", metavar="<name>", help="Name of the copy (default: copy_<name>)"
        )
        encryption = parser.add_mutually_exclusive_group()
        encryption.add_argument(
            "--key",
            metavar="<key>",
            help="Encrypt the copy with the key of this id (a 256-bit AES secret of the key "
            f"manager); '{_DEFAULT_KEY}' is the project's own, made when it is first used",
        )
        encryption.add_argument(
            "--decrypt",
            action="store_true",
            help="Make an unencrypted copy of an encrypted image; without this or --key such an "
            "image is not copied within the region",
        )
        _add_region(parser)
        _add_common(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        _check_region(parsed_args)
        image = self.ims.find_image(parsed_args.image)
        if parsed_args.region:
            return self._copy_to_region(image, parsed_args)
        if image.is_encrypted and not (parsed_args.key or parsed_args.decrypt):
            raise exceptions.CommandError(
                f"Image {image.id} is encrypted. Name a key for the copy (--key; its own is "
                f"{image.cmk_id}), or say --decrypt for a copy that everybody with access to the "
                "store could read."
            )
        job = self.ims.copy_image(
            image,
            _name_of_copy(image, parsed_args),
            description=parsed_args.description,
            cmk_id=parsed_args.key,
            enterprise_project_id=parsed_args.enterprise_project,
        )
        return self.show_job(job, parsed_args)

    def _copy_to_region(self, image: Image, parsed_args: argparse.Namespace) -> views.Shown:
        wished = {
            "agency_name": parsed_args.agency,
            "description": parsed_args.description,
            "cmk_id": parsed_args.key,
            **self._bases(parsed_args),
            "enterprise_project_id": parsed_args.enterprise_project,
        }
        name = _name_of_copy(image, parsed_args)
        where = parsed_args.region, parsed_args.project
        if parsed_args.dry_run:
            return views.preflight(
                self.ims.foresee_copy_cross_region(image, name, *where, **wished)
            )
        job = self.ims.copy_image_cross_region(image, name, *where, **wished)
        return self.show_job(job, parsed_args)

    def _bases(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """The images there whose data is not sent again; one that was named by an id is taken as it is.

        More than one only if there are, which older services do not know.
        """
        names: list[str] = parsed_args.base
        if all(map(is_uuid, names)):
            found = names
        else:
            project = parsed_args.project
            login = regions.as_project(self.cloud, project) if project else self.cloud
            there = regions.connect(login, parsed_args.region)
            found = [n if is_uuid(n) else str(there.ims.find_image(n).id) for n in names]
        first, more = next(iter(found), None), found[1:]
        return {"base_image_id": first, "base_image_ids": more or None}


def _add_region(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--region",
        metavar="<region>",
        help="Copy the image to this other region. What is encrypted stays encrypted there, with --key or "
        f"that region's '{_DEFAULT_KEY}'",
    )
    parser.add_argument(
        "--project",
        metavar="<project>",
        help="With --region: name or id of a project of yours there (default: the project of your login)",
    )
    parser.add_argument(
        "--agency",
        metavar="<name>",
        help="With --region: name of an application credential of yours in that project, whose roles are "
        "all that the copy is made with",
    )
    parser.add_argument(
        "--base",
        metavar="<image>",
        action="append",
        default=[],
        help="With --region: name or id of an image there, such as an older version; what it has already is not "
        "sent again. May be given several times (default: the newest two copies of the same image, or of the same "
        "name)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="With --region: show what would refuse the copy, or what it would come to, and begin nothing",
    )


def _check_region(parsed_args: argparse.Namespace) -> None:
    """Refuse what has no meaning together."""
    if not parsed_args.region:
        for option in ("project", "agency", "base", "dry_run"):
            if getattr(parsed_args, option):
                name = option.replace("_", "-")
                raise exceptions.CommandError(f"--{name} goes with --region.")
    elif parsed_args.decrypt:
        raise exceptions.CommandError(
            "An encrypted image stays encrypted in another region. Leave out --decrypt; there the copy can "
            "be copied again with it."
        )
    elif parsed_args.dry_run and parsed_args.wait:
        raise exceptions.CommandError("--dry-run begins nothing that could be waited for.")


def _name_of_copy(image: Image, parsed_args: argparse.Namespace) -> str:
    return str(parsed_args.name or f"copy_{image.name}"[:_MAX_NAME].rstrip())


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--description", metavar="<text>", help="Description (up to 1024 characters, no < or >)"
    )
    parser.add_argument(
        "--enterprise-project", metavar="<id>", help="Enterprise project that it belongs to"
    )
    base.add_waiting(parser)
