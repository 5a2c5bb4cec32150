# SPDX-License-Identifier: Apache-2.0
"""``conn.ims``: the operations of the IMS API."""

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import requests
from openstack import exceptions, proxy, resource

from ims_glance.client import errors, waiting
from ims_glance.client.resources.backup import Backup
from ims_glance.client.resources.image import Image, changes
from ims_glance.client.resources.job import Job
from ims_glance.client.resources.member import Member
from ims_glance.client.resources.os_version import OSVersion
from ims_glance.client.resources.quota import Quota
from ims_glance.client.resources.tag import Tag, TagKey

_Listed = TypeVar("_Listed", bound=resource.Resource)

# Images a page, as the service has it by default (reference: list_images).
_PAGE = 500
# How a page is refused that is to begin after what is gone. The filters were fine on the first one.
_MARKER_REFUSED = (errors.BadRequest, errors.Forbidden, errors.NotFound)
# Shares that the list of images leaves out: the receiver has not accepted them.
_NOT_ACCEPTED = ("pending", "rejected")


class Proxy(proxy.Proxy):
    """The service.

    An image, a job or a tag can be given as the resource or as its id (a tag: ``KEY=VALUE``).
    What the service refuses is an :class:`ims_glance.client.errors.Refused`, an
    ``openstack.exceptions.HttpException`` with the IMS code.
    """

    skip_discovery = True

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request.

        :raises errors.Refused: if it is refused, or fails
        """
        response = super().request(url, method, *args, **kwargs)
        if response.status_code >= 300:
            raise errors.of(response)
        return response

    # --- images ------------------------------------------------------------------------------

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

    def _unlisted(self, image_id: str) -> Image:
        return self._existing(self.get(f"/v2/images/{_segment(image_id)}").json())

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

    def create_image(self, name: str, tags: Iterable[str | Tag] = (), **source: Any) -> Job:
        """Begin to make a private image (``create_image``).

        :param source: ``instance_id``; or ``volume_id`` and ``os_version``; or what else the
            operation takes, by the names of the IMS API
        """
        return self._begin("POST", "/v2/cloudimages/action", _creation(name, tags, source))

    def create_whole_image(self, name: str, tags: Iterable[str | Tag] = (), **source: Any) -> Job:
        """Begin to make an image of a server with all its disks (``create_whole_image``).

        :param source: ``instance_id`` or ``backup_id``, and what else the operation takes, by the
            names of the IMS API: ``no_pause`` lets the server run, ``cmk_id`` encrypts all disks,
            ``with_backup`` keeps a backup of the server with the image
        """
        path = "/v1/cloudimages/wholeimages/action"
        return self._begin("POST", path, _creation(name, tags, source))

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
        path = f"/v1/cloudimages/{_segment(Image._get_id(image))}/copy"
        given = {
            "description": description,
            "cmk_id": cmk_id,
            "enterprise_project_id": enterprise_project_id,
        }
        body = {key: value for key, value in given.items() if value is not None}
        return self._begin("POST", path, {"name": name, **body})

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
        path = f"{Image.base_path}/{_segment(Image._get_id(image))}"
        body = changes({**Image.on_wire(values), **(attributes or {})}, remove)
        return self._existing(self.patch(path, json=body).json())

    def delete_image(self, image: str | Image, delete_backup: bool = False) -> None:
        """Delete an image.

        :param delete_backup: also the backup that a whole-machine image was made with
        """
        body = {"json": {"delete_backup": True}} if delete_backup else {}
        self.delete(f"/v2/images/{_segment(Image._get_id(image))}", **body)

    # --- backups of servers --------------------------------------------------------------------

    def backups(self, max_items: int | None = None, **query: Any) -> Iterator[Backup]:
        """The project's backups of servers, the newest first.

        :param max_items: at most so many
        :param query: filters ``name``, ``server_id``, ``status``
        """
        return self._some(Backup, max_items, project_id=self._project(), **query)

    def get_backup(self, backup: str | Backup) -> Backup:
        """A backup, as it is now.

        :raises errors.NotFound: if there is none
        """
        backup_id = Backup._get_id(backup)
        return self._get(Backup, backup_id, project_id=self._project(), skip_cache=True)

    def find_backup(self, name_or_id: str) -> Backup:
        """The backup of that id or name.

        :raises openstack.exceptions.NotFoundException: if there is none
        :raises openstack.exceptions.DuplicateResource: if several have the name
        """
        known = list(self.backups())
        found = [each for each in known if each.id == name_or_id.lower()]
        found = found or [each for each in known if each.name == name_or_id]
        if not found:
            raise exceptions.NotFoundException(
                f"There is no backup of the name or id '{name_or_id}' in your project."
            )
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise exceptions.DuplicateResource(
                f"Several backups are named '{name_or_id}'; give the id of the one you mean: {ids}"
            )
        return found[0]

    def create_backup(self, name: str, server_id: str, **wishes: Any) -> Job:
        """Begin to back up all disks of a server.

        :param wishes: ``description``; ``no_pause`` lets the server run
        """
        body = {"name": name, "server_id": server_id, **wishes}
        return self._begin("POST", f"/v1/{self._project()}/server-backups", body)

    def delete_backup(self, backup: str | Backup) -> None:
        """Delete a backup; an image that was made of it stays."""
        path = f"/v1/{self._project()}/server-backups/{_segment(Backup._get_id(backup))}"
        self.delete(path)

    # --- shares ------------------------------------------------------------------------------

    def share_images(self, images: Iterable[str | Image], projects: Iterable[str]) -> Job:
        """Begin to share each image with each project: all of it, or nothing."""
        return self._change_members("POST", images, projects=list(projects))

    def unshare_images(self, images: Iterable[str | Image], projects: Iterable[str]) -> Job:
        """Begin to take shares back: all of them, or none."""
        return self._change_members("DELETE", images, projects=list(projects))

    def answer_shares(self, images: Iterable[str | Image], status: str) -> Job:
        """Begin to accept or reject images that others share with the caller's project.

        :param status: ``accepted`` or ``rejected``
        """
        return self._change_members("PUT", images, project_id=self._project(), status=status)

    def members(self, image: str | Image) -> Iterator[Member]:
        """The projects that an image is shared with."""
        return self._some(Member, None, image_id=Image._get_id(image), project_id=self._project())

    def get_member(self, image: str | Image, project_id: str) -> Member:
        """One of them."""
        return self._get(
            Member, project_id, image_id=Image._get_id(image), project_id=self._project()
        )

    def _change_members(self, method: str, images: Iterable[str | Image], **rest: Any) -> Job:
        ids = [Image._get_id(image) for image in images]
        return self._begin(method, "/v1/cloudimages/members", {"images": ids, **rest})

    # --- tags --------------------------------------------------------------------------------

    def image_tags(self, image: str | Image) -> list[Tag]:
        """The tags of an image."""
        answer = self.get(self._tags_path(image)).json()
        return [Tag.existing(**each) for each in answer["tags"]]

    def project_tags(self) -> list[TagKey]:
        """The keys of all tags of the project's images, with their values."""
        answer = self.get(f"/v2/{self._project()}/images/tags").json()
        return [TagKey.existing(**each) for each in answer["tags"]]

    def add_tags(self, image: str | Image, tags: Iterable[str | Tag]) -> None:
        """Give an image tags; a key that it has already gets the new value."""
        self._act_on_tags(image, "create", tags)

    def remove_tag(self, image: str | Image, key: str) -> None:
        """Take a tag away by its key.

        :raises errors.NotFound: if the image has none of that key
        """
        self.delete(f"{self._tags_path(image)}/{_segment(key)}")

    def set_tags(self, image: str | Image, tags: Iterable[str | Tag]) -> None:
        """Give an image exactly these tags.

        That is two requests: what goes is taken away first, so that there is room for the new.
        """
        wanted = {pair["key"]: pair for pair in _pairs(tags)}
        present = self.image_tags(image)
        surplus = [tag for tag in present if tag.key not in wanted]
        if surplus:
            self._act_on_tags(image, "delete", surplus)
        if wanted:
            self._act_on_tags(image, "create", [Tag.new(**pair) for pair in wanted.values()])

    def _act_on_tags(self, image: str | Image, action: str, tags: Iterable[str | Tag]) -> None:
        body = {"action": action, "tags": _pairs(tags)}
        self.post(f"{self._tags_path(image)}/action", json=body)

    def _tags_path(self, image: str | Image) -> str:
        return f"/v2/{self._project()}/images/{_segment(Image._get_id(image))}/tags"

    # --- quotas and operating systems --------------------------------------------------------

    def quotas(self) -> list[Quota]:
        """The project's limits, and how much of them is used."""
        answer = self.get("/v1/cloudimages/quota").json()
        return [Quota.existing(**each) for each in answer["quotas"]["resources"]]

    def os_versions(self, tag: str | None = None) -> list[OSVersion]:
        """The operating systems that images can have.

        :param tag: only those for ``bms``, ``uefi``, ``arm`` or ``x86``
        """
        query = {"tag": tag} if tag else {}
        answer = self.get("/v1/cloudimages/os_version", params=query).json()
        return [
            OSVersion.existing(**version) for group in answer for version in group["version_list"]
        ]

    # --- jobs --------------------------------------------------------------------------------

    def jobs(
        self, status: str | None = None, max_items: int | None = None, marker: str | None = None
    ) -> Iterator[Job]:
        """The project's jobs.

        :param status: only those in INIT, RUNNING, SUCCESS or FAIL
        :param marker: only those after the job of this id
        """
        given = {"status": status, "marker": marker}
        query = {key: value for key, value in given.items() if value is not None}
        return self._some(Job, max_items, project_id=self._project(), **query)

    def get_job(self, job: str | Job) -> Job:
        """A job, as it is now."""
        return self._get(Job, Job._get_id(job), project_id=self._project(), skip_cache=True)

    def cancel_job(self, job: str | Job) -> Job:
        """Ask for the end of a job. It undoes what it has done and ends in FAIL.

        :return: the job as it was then; one that has ended stays as it is
        """
        path = f"/v1/{self._project()}/jobs/{_segment(Job._get_id(job))}"
        return Job.existing(
            connection=self._get_connection(),
            project_id=self._project(),
            **self.request(path, "DELETE").json(),
        )

    def wait_for_job(
        self,
        job: str | Job,
        timeout: float | None = None,
        callback: Callable[[Job], None] | None = None,
    ) -> Job:
        """Wait until a job has ended well.

        :param timeout: seconds; ``None`` waits as long as it takes
        :param callback: called with the job each time that it was looked at
        :raises waiting.JobFailed: if it fails, or was cancelled
        :raises waiting.StillRunning: if it takes longer; it goes on nevertheless
        """
        return waiting.wait(lambda: self.get_job(job), callback, timeout)

    def _begin(self, method: str, path: str, body: Mapping[str, Any]) -> Job:
        """Ask for a job; of what is given back only the id is known yet."""
        answer = self.request(path, method, json=body).json()
        return Job.existing(
            connection=self._get_connection(),
            job_id=answer["job_id"],
            project_id=self._project(),
        )

    def _some(self, kind: type[_Listed], max_items: int | None, **query: Any) -> Iterator[_Listed]:
        """A list, page by page; no page is asked for that is not needed."""
        if max_items is not None:
            query.setdefault("limit", min(max_items, _PAGE))
        return itertools.islice(self._all(kind, query), max_items)

    def _all(self, kind: type[_Listed], query: dict[str, Any]) -> Iterator[_Listed]:
        """A list that goes on when what its next page begins after is gone.

        The service knows the places of deleted images, but not of those that others share no more.
        """
        seen: dict[str, None] = {}
        refused: set[str] = set()
        following = query
        while True:
            try:
                yield from self._new(kind, following, seen)
            except _MARKER_REFUSED:
                # It was the last one of a page, or the one that was tried instead.
                usable = [each for each in seen if each not in refused]
                if not usable:
                    raise
                refused.add(usable.pop())
                following = {**query, "marker": usable[-1]} if usable else query
            else:
                return

    def _new(
        self, kind: type[_Listed], query: dict[str, Any], seen: dict[str, None]
    ) -> Iterator[_Listed]:
        """What a list has beside what was seen, where it is noted."""
        for each in self._list(kind, **query):
            if each.id not in seen:
                seen[each.id] = None
                yield each

    def _project(self) -> str:
        """The project of the caller's token."""
        project_id = self.get_project_id()
        if not project_id:
            raise exceptions.ConfigException(
                "Images belong to projects: log in to one (project_name or project_id)."
            )
        return str(project_id)


def _segment(text: str) -> str:
    """One segment of a path."""
    return quote(text, safe="")


def _pairs(tags: Iterable[str | Tag]) -> list[dict[str, str]]:
    return [(Tag.parse(tag) if isinstance(tag, str) else tag).pair() for tag in tags]


def _creation(name: str, tags: Iterable[str | Tag], source: Mapping[str, Any]) -> dict[str, Any]:
    pairs = _pairs(tags)
    return {"name": name, **source, **({"image_tags": pairs} if pairs else {})}


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
