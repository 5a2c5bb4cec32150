# SPDX-License-Identifier: Apache-2.0
"""Images: found, made, changed and deleted."""

import contextlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openstack import exceptions

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.image import Image, changes
from ims_glance.client.resources.job import Job
from ims_glance.client.resources.tag import ImageTag, pairs

# Shares that the list of images leaves out: the receiver has not accepted them.
_NOT_ACCEPTED = ("pending", "rejected")
# Images that are asked for by their ids at once.
_PAGE = 100


class ImageOperations(Operations):
    """Images."""

    def images(self, max_items: int | None = None, **query: Any) -> Iterator[Image]:
        """List images: own, public, and shared ones that were accepted.

        :param max_items: at most so many
        :param query: filters by the names of :class:`Image`, and ``sort_key``, ``sort_dir``,
            ``marker`` (the id of the last image seen), ``limit`` (images a page)
        """
        Image.query(query)
        return self._some(Image, max_items, **query)

    def images_csv(self, **query: Any) -> Iterator[bytes]:
        """The list of images as the service writes it in CSV, piece by piece.

        :param query: as of :meth:`images`
        """
        response = self.get(
            Image.base_path,
            params=Image.query(query),
            headers={"Accept": "text/csv"},
            stream=True,
        )
        pieces: Iterator[bytes] = response.iter_content(64 * 1024)
        return pieces

    def get_image(self, image: str | Image) -> Image:
        """One image.

        :raises errors.NotFound: if there is none, or the caller does not see it
        """
        image_id = Image._get_id(image)
        found = next(self.images(id=image_id, max_items=1), None)
        if found is not None:
            return found
        # A share that was not accepted is in no list, and yet can be used by its id.
        return self._unlisted(image_id)

    def disks_of(self, image: Image) -> dict[str, Image]:
        """The hidden images of a whole machine's disks, by id; without those that are gone."""
        found = {}
        for disk in image.mapping if image.kind == "whole" else ():
            with contextlib.suppress(exceptions.NotFoundException):
                disk_id = str(disk.get("image_id"))
                found[disk_id] = self._unlisted(disk_id)
        return found

    def images_of(self, image_ids: Iterable[str]) -> dict[str, Image]:
        """Images by their ids, a hundred a request; without those that the caller has in no list."""
        ids = sorted(set(image_ids))
        found: dict[str, Image] = {}
        for first in range(0, len(ids), _PAGE):
            named = ",".join(ids[first : first + _PAGE])
            wanted = {"id": f"in:{named}", "limit": _PAGE}
            listed = self.get("/v2/images", params=wanted).json()["images"]
            found.update((str(each["id"]), self._existing(each)) for each in listed)
        return found

    def _unlisted(self, image_id: str) -> Image:
        return self._existing(self.get(f"/v2/images/{segment(image_id)}").json())

    def _existing(self, answer: dict[str, Any]) -> Image:
        answer.pop("self", None)
        return Image.existing(connection=self._get_connection(), **answer)

    def find_image(self, name_or_id: str, is_offered: bool = False) -> Image:
        """The image of that id or name.

        :param is_offered: look among pending and rejected shares as well
        :raises openstack.exceptions.NotFoundException: if there is none
        :raises openstack.exceptions.DuplicateResource: if several have the name; says which
        """
        found = self._by_id(name_or_id) or self._by_name(name_or_id, is_offered)
        if not found:
            raise exceptions.NotFoundException(
                f"There is no image of the name or id '{name_or_id}' that you can see."
            )
        if len(found) > 1:
            raise exceptions.DuplicateResource(_ambiguous(name_or_id, found))
        return found[0]

    def _by_id(self, name_or_id: str) -> list[Image]:
        if not is_uuid(name_or_id):
            return []
        try:
            return [self.get_image(name_or_id)]
        except exceptions.NotFoundException:
            return []

    def _by_name(self, name: str, is_offered: bool) -> list[Image]:
        found = {image.id: image for image in self.images(name=name)}
        for status in _NOT_ACCEPTED if is_offered else ():
            offers = self.images(name=name, visibility="shared", member_status=status)
            found.update((image.id, image) for image in offers)
        return list(found.values()) or self._hidden(name)

    def _hidden(self, name: str) -> list[Image]:
        """The hidden images of a name, which no list of IMS has."""
        # What stands before a colon is an operator to Glance.
        wanted = f"eq:{name}" if ":" in name else name
        query = {"name": wanted, "os_hidden": "true"}
        listed = self.get("/v2/images", params=query).json()["images"]
        return [self._existing(each) for each in listed]

    def create_image(self, name: str, tags: Iterable[str | ImageTag] = (), **source: Any) -> Job:
        """Begin to make a private image (``create_image``).

        :param source: ``instance_id``; or ``volume_id`` and ``os_version``; or ``image_url``
            (``bucket:object``) and ``min_disk`` (GB); or what else the operation takes, by the names of
            the IMS API
        """
        return self._begin("POST", "/v2/cloudimages/action", _creation(name, tags, source))

    def create_data_image(
        self, name: str, tags: Iterable[str | ImageTag] = (), **source: Any
    ) -> Job:
        """Begin to make an image of a data disk in a file (``create_data_image``).

        :param source: ``image_url`` (``bucket:object``) and ``min_disk`` (GB), and what else the operation
            takes, by the names of the IMS API
        """
        wanted = {each: value for each, value in source.items() if each != "type"}
        path = "/v1/cloudimages/dataimages/action"
        return self._begin("POST", path, _creation(name, tags, wanted))

    def import_image_quick(
        self, name: str, tags: Iterable[str | ImageTag] = (), **source: Any
    ) -> Job:
        """Begin to make an image of a large file (``import_image_quick``).

        :param source: ``image_url`` (``bucket:object``), ``min_disk`` (GB), and ``os_version`` or ``type``
            (``DataImage``), and what else the operation takes, by the names of the IMS API
        """
        path = "/v2/cloudimages/quickimport/action"
        return self._begin("POST", path, _creation(name, tags, source))

    def create_whole_image(
        self, name: str, tags: Iterable[str | ImageTag] = (), **source: Any
    ) -> Job:
        """Begin to make an image of a server with all its disks (``create_whole_image``).

        :param source: ``instance_id``, ``backup_id`` or ``image_url`` (of a manifest), and what else the operation takes, by the
            names of the IMS API: ``no_pause`` lets the server run, ``cmk_id`` encrypts all disks,
            ``with_backup`` keeps a backup of the server with the image
        """
        path = "/v1/cloudimages/wholeimages/action"
        return self._begin("POST", path, _creation(name, tags, source))

    def export_image(
        self,
        image: str | Image,
        bucket_url: str,
        file_format: str | None = None,
        access_key: str | None = None,
    ) -> Job:
        """Begin to write an image into a bucket (``export_image``); an encrypted one in the clear, or sealed.

        :param bucket_url: ``bucket:object``; what the names of all objects begin with, if there is one of each disk
        :param file_format: ``qcow2``, ``vhd``, ``vmdk``, ``zvhd``, ``raw`` or ``sealed``, of each disk of a whole machine, or
            ``ova`` with all disks; ``None`` for a quick export (zvhd2)
        :param access_key: of an EC2 credential of the caller, for a bucket of S3
        """
        path = f"/v1/cloudimages/{segment(Image._get_id(image))}/file"
        how: dict[str, Any] = (
            {"file_format": file_format} if file_format else {"is_quick_export": True}
        )
        body = {"bucket_url": bucket_url, **how}
        if access_key:
            body["access_key"] = access_key
        return self._begin("POST", path, body)

    def register_image(
        self,
        image: str | Image,
        image_url: str,
        access_key: str | None = None,
        unseal_key: str | None = None,
    ) -> Job:
        """Begin to give a queued image its data from a file (``register_image``).

        :param image_url: ``bucket:object``
        :param access_key: of an EC2 credential of the caller, to read it from S3
        :param unseal_key: id of the key that opens a sealed image, if it has another one here
        """
        path = f"/v1/cloudimages/{segment(Image._get_id(image))}/upload"
        return self._begin("PUT", path, _file(image_url, access_key, unseal_key))

    def check_image(self, image: str | Image) -> Job:
        """Begin to look into an image, of which nothing is changed; the job has the report."""
        body = {"image_id": Image._get_id(image)}
        return self._begin("POST", "/v1/cloudimages/check/action", body)

    def check_file(
        self, image_url: str, access_key: str | None = None, unseal_key: str | None = None
    ) -> Job:
        """The same of a file in a bucket; see :meth:`register_image`."""
        body = _file(image_url, access_key, unseal_key)
        return self._begin("POST", "/v1/cloudimages/check/action", body)

    def get_image_report(self, image: str | Image) -> dict[str, Any]:
        """What was found in the system of an image, and what was done to it: ``report``, and ``made_at``.

        :raises errors.NotFound: if nobody has looked
        """
        path = f"/v1/cloudimages/{segment(Image._get_id(image))}/report"
        return dict(self.get(path).json())

    def image_actions(self, image: str | Image) -> list[dict[str, Any]]:
        """What may be done to an image: ``name``, ``allowed``, and, of what may not, ``error_code`` and ``reason``."""
        path = f"/v1/cloudimages/{segment(Image._get_id(image))}/actions"
        return list(self.get(path).json()["actions"])

    def image_history(self, image: str | Image, limit: int = 20) -> list[dict[str, Any]]:
        """What the project has done to an image, the newest first: ``time``, ``name``, ``outcome``, ``user_name``, ...

        :param limit: at most so many, 1 to 100
        """
        path = f"/v1/cloudimages/{segment(Image._get_id(image))}/history"
        return list(self.get(path, params={"limit": limit}).json()["events"])

    def copy_image(
        self,
        image: str | Image,
        name: str,
        description: str | None = None,
        cmk_id: str | None = None,
        enterprise_project_id: str | None = None,
    ) -> Job:
        """Begin to copy an image within the region (``copy_image_in_region``).

        :param cmk_id: the key that the copy is encrypted with; without one it is not encrypted
        """
        path = f"/v1/cloudimages/{segment(Image._get_id(image))}/copy"
        given = {
            "description": description,
            "cmk_id": cmk_id,
            "enterprise_project_id": enterprise_project_id,
        }
        body = {key: value for key, value in given.items() if value is not None}
        return self._begin("POST", path, {"name": name, **body})

    def copy_image_cross_region(
        self, image: str | Image, name: str, region: str, project: str | None = None, **wishes: Any
    ) -> Job:
        """Begin to copy an image to another region (``copy_image_cross_region``).

        :param project: name or id of a project there; ``None`` for the one of the caller's token
        :param wishes: ``agency_name``, ``description``, ``cmk_id`` (without one an encrypted image
            gets the default key there), ``base_image_id``, ``base_image_ids``, ``enterprise_project_id``
        """
        return self._begin("POST", *self._cross_region(image, name, region, project, wishes))

    def foresee_copy_cross_region(
        self, image: str | Image, name: str, region: str, project: str | None = None, **wishes: Any
    ) -> dict[str, Any]:
        """What such a copy would come to, by the names of the IMS API; nothing is begun.

        :raises errors.Refused: what would refuse it
        """
        path, body = self._cross_region(image, name, region, project, {**wishes, "dry_run": True})
        return dict(self.post(path, json=body).json()["preflight"])

    def _cross_region(
        self,
        image: str | Image,
        name: str,
        region: str,
        project: str | None,
        wishes: Mapping[str, Any],
    ) -> tuple[str, dict[str, Any]]:
        path = f"/v1/cloudimages/{segment(Image._get_id(image))}/cross_region_copy"
        given = {key: value for key, value in wishes.items() if value is not None}
        where = {"region": region, "project_name": project or self._project()}
        return path, {"name": name, **where, **given}

    def update_image(
        self,
        image: str | Image,
        remove: Iterable[str] = (),
        attributes: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Image:
        """Change attributes of an active image.

        :param remove: attributes to take away, by the names of the IMS API (``__description``)
        :param attributes: attributes to set, by the names of the IMS API
        :param values: attributes to set, by the names of :class:`Image` (``description``)
        :returns: the image afterwards
        """
        path = f"{Image.base_path}/{segment(Image._get_id(image))}"
        body = changes({**Image.on_wire(values), **(attributes or {})}, remove)
        return self._existing(self.patch(path, json=body).json())

    def delete_image(self, image: str | Image, delete_backup: bool = False) -> None:
        """Delete an image.

        :param delete_backup: also the backup that a whole-machine image was made with
        """
        body = {"json": {"delete_backup": True}} if delete_backup else {}
        self.delete(f"/v2/images/{segment(Image._get_id(image))}", **body)


def _file(image_url: str, access_key: str | None, unseal_key: str | None) -> dict[str, Any]:
    given = {"image_url": image_url, "access_key": access_key, "unseal_key": unseal_key}
    return {name: value for name, value in given.items() if value}


def _creation(
    name: str, tags: Iterable[str | ImageTag], source: Mapping[str, Any]
) -> dict[str, Any]:
    named = pairs(tags)
    return {"name": name, **source, **({"image_tags": named} if named else {})}


def is_uuid(text: str) -> bool:
    """Whether a text looks like the id of an image."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _ambiguous(name: str, found: Iterable[Image]) -> str:
    lines = [
        f"\n  {image.id}  {image.status}, {image.type_for_me}, created {image.created_at}, "
        f"project {image.owner}"
        for image in found
    ]
    return f"Several images are named '{name}'; give the id of the one you mean:{''.join(lines)}"
