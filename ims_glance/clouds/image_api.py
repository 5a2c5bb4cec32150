# SPDX-License-Identifier: Apache-2.0
"""The Image API v2 as the worker uses it: with the rights of the job's caller.

The session adds the service's own token as well, which lets the job write system attributes
(``etc/ims_glance/property-protections.conf``) and nothing else.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from oslo_utils import units

from ims_glance.clouds import rest, strangers
from ims_glance.clouds.region import Region
from ims_glance.model.copy import EXPECTED_HEADER, RECEIVED_HEADER, Digest

CHUNK = units.Mi
"""Bytes of a download that are in memory at once. From 64 KiB on the size makes no difference in
speed (measured side by side: 205 to 215 MB/s); larger pieces cost less processor time."""

_PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
_OCTETS = "application/octet-stream"
_PARTIAL = 206
_PAGE = 100  # images
# Each wait for Glance to take more of the data, and for its answer; seconds. The first is also that
# for the connection, as urllib3 has one for both, but Glance may have to check tokens and keys before
# it reads, and its store may stand still. After the last byte it may have much to do (assemble parts,
# wait for its disk).
_UPLOAD_TIMEOUT = (120, 300)


class _Body:
    """An upload for ``requests``: because it tells its length, it is not sent in HTTP chunks."""

    def __init__(self, chunks: Iterator[bytes], size: int) -> None:
        self._chunks = chunks
        self.len = size

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


@dataclasses.dataclass(frozen=True)
class Download:
    """Data of an image on its way.

    :ivar size: that Glance announced, in bytes
    :ivar chunks: read once, to the end; raises ``ServiceUnavailable`` if fewer bytes come
    :ivar offset: of the first of them in the image
    """

    size: int
    chunks: Iterator[bytes]
    offset: int = 0


class ImageApi:
    """Glance of one region.

    Every method raises what :meth:`ims_glance.clouds.rest.Rest.request` raises; ``Missing`` if an
    image or a member is not there.

    :param region: as the caller, or a job of theirs, sees it
    """

    def __init__(self, region: Region) -> None:
        self._region = region
        self._rest = region.service("image", "Image")

    def get(self, image_id: str) -> dict[str, Any]:
        """An image as its Image API shows it to the caller."""
        view = self._rest.json_object("GET", f"/v2/images/{image_id}")
        is_ours = self._region.follows
        return view if is_ours else strangers.image(str(self._region.name), image_id, view)

    def find(self, image_id: str) -> dict[str, Any] | None:
        """The image, or ``None`` if there is none."""
        try:
            return self.get(image_id)
        except rest.Missing:
            return None

    def named(self, name: str, owner: str) -> list[dict[str, Any]]:
        """The images of that name that a project owns, hidden ones too, oldest first."""
        query = {"name": name, "owner": owner, "sort": "created_at:asc", "limit": str(_PAGE)}
        found = [*self._listed(query), *self._listed({**query, "os_hidden": "true"})]
        # Jobs delete what they find: never by an answer alone that may have more in it than was asked for.
        return [each for each in found if each.get("name") == name]

    def made_of(self, origin: str, owner: str) -> list[dict[str, Any]]:
        """The newest images that a project owns and that were made of something.

        :param origin: what ``__data_origin`` says (``image,<region>,<image id>``)
        """
        query = {"__data_origin": origin, "owner": owner, "sort": "created_at:desc"}
        return list(self._rest.json("GET", "/v2/images", params=query)["images"])

    def usage(self) -> dict[str, dict[str, int]]:
        """What the caller's project has and may have, by the names of Keystone's limits.

        :returns: ``usage`` and ``limit`` by name; empty where Glance does not ask Keystone
        """
        return dict(self._rest.json("GET", "/v2/info/usage")["usage"])

    def active(self, owner: str, tag: str | None = None) -> Iterator[dict[str, Any]]:
        """The active images that a project owns, but hidden ones, oldest first, page by page.

        :param tag: that they have, as the database compares tags
        """
        query = {"owner": owner, "status": "active", "sort": "created_at:asc", "limit": str(_PAGE)}
        yield from self._listed(query | ({} if tag is None else {"tag": tag}))

    def _listed(self, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The images that are asked for, page by page."""
        following: dict[str, str] | None = dict(query)
        while following is not None:
            answer = self._rest.json("GET", "/v2/images", params=following)
            found = answer["images"]
            is_last = not found or "next" not in answer
            following = None if is_last else {**query, "marker": str(found[-1]["id"])}
            yield from found

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make an image without data; ``id`` in *body* chooses its id.

        :raises Refused: with status 409 if the id was ever used
        """
        return self._rest.json_object("POST", "/v2/images", json=dict(body))

    def update(
        self,
        image_id: str,
        changes: Mapping[str, Any],
        removed: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Set attributes and tags, and remove attributes."""
        operations: list[dict[str, Any]] = [
            {"op": "add", "path": f"/{_pointer(name)}", "value": value}
            for name, value in changes.items()
        ]
        operations += [{"op": "remove", "path": f"/{_pointer(name)}"} for name in removed]
        headers = {"Content-Type": _PATCH_TYPE}
        path = f"/v2/images/{image_id}"
        return self._rest.json_object("PATCH", path, json=operations, headers=headers)

    def delete(self, image_id: str) -> None:
        """Delete an image; that there is none is fine."""
        try:
            self._rest.request("DELETE", f"/v2/images/{image_id}")
        except rest.Missing:
            return
        except rest.Refused:
            # Of two who delete it at once, Cinder whose upload has failed say, Glance tells the second that it
            # cannot go "from deleted to deleted".
            if self.find(image_id) is not None:
                raise

    # --- data ----------------------------------------------------------------------------------

    @contextmanager
    def download(
        self, image_id: str, offset: int = 0, length: int | None = None
    ) -> Iterator[Download]:
        """Open the data of an image, or a part of it.

        Where the store reads from the beginning only, all of it comes.

        :param offset: of the part, in bytes; less than the image has
        :param length: of it, in bytes, at least 1; ``None`` for all that follows
        """
        response = self._opened(image_id, offset, length)
        try:
            size = int(response.headers.get("Content-Length", 0))
            begun = offset if response.status_code == _PARTIAL else 0
            yield Download(size, self._rest.data(response, size, CHUNK, "a download"), begun)
        finally:
            response.close()

    def _opened(self, image_id: str, offset: int, length: int | None) -> Any:
        if offset or length is not None:
            last = "" if length is None else offset + length - 1
            try:
                return self._open(image_id, {"Range": f"bytes={offset}-{last}"})
            except rest.Refused as refused:
                # glance/api/v2/image_data.py: the store cannot; the range is none of the image's.
                if refused.status not in (400, 416):
                    raise
        return self._open(image_id, {})

    def _open(self, image_id: str, headers: dict[str, str]) -> Any:
        response = self._rest.request(
            "GET",
            f"/v2/images/{image_id}/file",
            headers={"Accept-Encoding": "identity", **headers},
            stream=True,
            log=False,
        )
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            # A few bytes could become any number of them.
            response.close()
            raise self._rest.away(f"a download is encoded as {encoding[:50]}")
        return response

    def upload(
        self, image_id: str, chunks: Iterator[bytes], size: int, expected: Digest | None = None
    ) -> str:
        """Send the data of a queued image.

        :param chunks: *size* bytes in all; what it raises breaks the upload off and is raised here
        :param expected: what it has to be, or an image that is encrypted is not made of it
        :returns: what :class:`ims_glance.crypto.passage.Passage` says of what Glance received; empty if it does not say
        """
        told = {EXPECTED_HEADER: expected.to_text()} if expected else {}
        response = self._rest.request(
            "PUT",
            f"/v2/images/{image_id}/file",
            data=_Body(chunks, size) if size else b"",
            headers={"Content-Type": _OCTETS, **told},
            timeout=_UPLOAD_TIMEOUT,
            log=False,
            # The data comes once: it cannot be sent again with another token or to another place.
            allow_reauth=False,
            redirect=False,
        )
        return str(response.headers.get(RECEIVED_HEADER, ""))

    # --- members -------------------------------------------------------------------------------

    def members(self, image_id: str) -> dict[str, str]:
        """The members of a shared image that the caller may see: project id -> status."""
        found = self._rest.json("GET", f"/v2/images/{image_id}/members")["members"]
        return {str(each["member_id"]): str(each["status"]) for each in found}

    def add_member(self, image_id: str, project_id: str) -> None:
        """Share an image; the member's status is ``pending``.

        :raises Refused: with status 409 if it is a member already
        """
        self._rest.request("POST", f"/v2/images/{image_id}/members", json={"member": project_id})

    def set_member_status(self, image_id: str, project_id: str, status: str) -> None:
        """Set ``accepted``, ``rejected`` or ``pending``, as the member's project."""
        path = f"/v2/images/{image_id}/members/{project_id}"
        self._rest.request("PUT", path, json={"status": status})

    def delete_member(self, image_id: str, project_id: str) -> None:
        """Stop sharing with a project; that it is no member is fine."""
        try:
            self._rest.request("DELETE", f"/v2/images/{image_id}/members/{project_id}")
        except rest.Missing:
            return


def _pointer(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
