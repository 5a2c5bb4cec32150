# SPDX-License-Identifier: Apache-2.0
"""Cinder, as a caller or a job of theirs uses it: volumes, snapshots, and images made of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import tenacity

from ims_glance.clouds import rest
from ims_glance.clouds.region import Region

# The first version that takes the visibility of the new image (before, it is "shared").
_UPLOAD_VERSION = {"OpenStack-API-Version": "volume 3.1"}
# From 3.31 on Cinder refuses what it does not filter by (``/etc/cinder/resource_filters.json``). Before,
# it left that out of the question, and answered with all things of the project.
_FILTERS_VERSION = {"OpenStack-API-Version": "volume 3.34"}
# So often a list is begun.
_LISTS = 5
# The first version that tells why an asynchronous action failed.
_MESSAGES_VERSION = {"OpenStack-API-Version": "volume 3.5"}
# What Cinder says if it cannot reach Glance (``cinder/exception.py``, GlanceConnectionFailed).
_GLANCE_IS_AWAY = "Connection to glance failed"


class VolumeApi:
    """Cinder of one region.

    Every method raises what :meth:`ims_glance.clouds.rest.Rest.request` raises; ``Missing`` if the
    volume is not there, or belongs to another project.

    :param region: as the caller, or a job of theirs, sees it
    """

    def __init__(self, region: Region) -> None:
        self._rest = region.service("block-storage", "Volume")

    def get(self, volume_id: str) -> dict[str, Any]:
        """A volume; ``size`` is in GiB."""
        return dict(self._rest.json("GET", f"/volumes/{volume_id}")["volume"])

    def named(self, name: str) -> list[dict[str, Any]]:
        """The caller's volumes of exactly that name, whatever Cinder filters by."""
        return self._named("volumes", name)

    def create_from_snapshot(self, snapshot_id: str, name: str, gibibytes: int) -> str:
        """Have a volume made of a snapshot, of the same type; its id."""
        wanted = {"snapshot_id": snapshot_id, "name": name, "size": gibibytes}
        return self._create(wanted)

    def create_from_image(self, image_id: str, name: str, gibibytes: int) -> str:
        """Have a volume made of an image, of the default type; its id."""
        wanted = {"imageRef": image_id, "name": name, "size": gibibytes}
        return self._create(wanted)

    def create_empty(self, name: str, gibibytes: int, volume_type: str | None) -> str:
        """Have a volume made that reads as zeros; its id.

        :param volume_type: ``None`` for the default one
        """
        wanted = {"name": name, "size": gibibytes}
        return self._create(wanted | ({"volume_type": volume_type} if volume_type else {}))

    def types(self) -> set[str]:
        """The names of the types of volumes that the caller may have."""
        return {str(each["name"]) for each in self._rest.json("GET", "/types")["volume_types"]}

    def _create(self, wanted: Mapping[str, Any]) -> str:
        made = self._rest.json("POST", "/volumes", json={"volume": dict(wanted)})
        return str(made["volume"]["id"])

    def set_image_metadata(self, volume_id: str, metadata: Mapping[str, str]) -> None:
        """Set properties that an image made of the volume gets."""
        body = {"os-set_image_metadata": {"metadata": dict(metadata)}}
        self._rest.request("POST", f"/volumes/{volume_id}/action", json=body)

    def delete(self, volume_id: str) -> None:
        """Delete a volume, which is gone a moment later; that there is none is fine."""
        self._delete(f"/volumes/{volume_id}")

    # --- snapshots -----------------------------------------------------------------------------

    def create_snapshot(self, volume_id: str, name: str) -> str:
        """Have a snapshot made of a volume, attached or not; its id."""
        wanted = {"volume_id": volume_id, "name": name, "force": True}
        answer = self._rest.json("POST", "/snapshots", json={"snapshot": wanted})
        return str(answer["snapshot"]["id"])

    def get_snapshot(self, snapshot_id: str) -> dict[str, Any]:
        """A snapshot."""
        return dict(self._rest.json("GET", f"/snapshots/{snapshot_id}")["snapshot"])

    def snapshots_named(self, name: str) -> list[dict[str, Any]]:
        """The caller's snapshots of exactly that name, whatever Cinder filters by."""
        return self._named("snapshots", name)

    def rename_snapshot(self, snapshot_id: str, name: str) -> None:
        """Give a snapshot another name."""
        body = {"snapshot": {"name": name}}
        self._rest.request("PUT", f"/snapshots/{snapshot_id}", json=body)

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Delete a snapshot, which is gone a moment later; that there is none is fine."""
        self._delete(f"/snapshots/{snapshot_id}")

    def _named(self, kind: str, name: str) -> list[dict[str, Any]]:
        try:
            found = self._listed(kind, {"name": name})
        except rest.Refused as refused:
            if refused.status != 400:
                raise
            # This cloud's operator has taken names from what is filtered by.
            found = self._listed(kind, {})
        # Jobs delete what they find: never by an answer alone that may have more in it than was asked for.
        return [each for each in found if each.get("name") == name]

    def _listed(self, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """What there is; begun anew if the last one of a page is deleted before the next page is asked for."""
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(rest.Missing),
            stop=tenacity.stop_after_attempt(_LISTS),
            reraise=True,
        )
        return again(lambda: list(self._pages(kind, query)))

    def _pages(self, kind: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """What there is, page by page."""
        path, following = f"/{kind}/detail", dict(query)
        while True:
            answer = self._rest.json("GET", path, params=following, headers=_FILTERS_VERSION)
            yield from answer[kind]
            # Not by the page's length: osapi_max_limit of Cinder may have shortened it.
            if not answer.get(f"{kind}_links") or not answer[kind]:
                return
            following["marker"] = str(answer[kind][-1]["id"])

    def _delete(self, path: str) -> None:
        try:
            self._rest.request("DELETE", path)
        except rest.Missing:
            return

    # --- images --------------------------------------------------------------------------------

    def upload_to_image(self, volume_id: str, image_name: str) -> str:
        """Have an image made of a volume that is ``available``; the id of the image.

        Cinder makes the image, answers, and copies the data afterwards. Meanwhile the volume is
        ``uploading``. If that fails, Cinder deletes the image.

        :raises Refused: with status 400 if the volume is in another state
        :raises ServiceUnavailable: also if Glance does not answer Cinder, which has done nothing then
        """
        wanted = {
            "image_name": image_name,
            "disk_format": "raw",
            "container_format": "bare",
            "visibility": "private",
        }
        try:
            answer = self._rest.json(
                "POST",
                f"/volumes/{volume_id}/action",
                json={"os-volume_upload_image": wanted},
                headers=_UPLOAD_VERSION,
            )
        except rest.Refused as refused:
            # Whatever happens, Cinder answers 400 (cinder/api/contrib/volume_actions.py).
            if _GLANCE_IS_AWAY in str(refused):
                raise self._rest.away(refused) from None
            raise
        return str(answer["os-volume_upload_image"]["image_id"])

    def last_message(self, volume_id: str) -> str:
        """What Cinder told last about a failed action on the volume; empty if it told nothing."""
        try:
            listed = self._rest.json(
                "GET",
                "/messages",
                params={"resource_uuid": volume_id, "limit": 1, "sort": "created_at:desc"},
                headers=_MESSAGES_VERSION,
            )
        except rest.Refused:
            return ""
        return next((str(each["user_message"]) for each in listed["messages"]), "")
