# SPDX-License-Identifier: Apache-2.0
"""Cinder as the worker uses it: volumes of the job's caller, and images made of them."""

from typing import Any

from ims_glance.clouds import rest

# The first version that takes the visibility of the new image (before, it is "shared").
_UPLOAD_VERSION = {"OpenStack-API-Version": "volume 3.1"}
# The first version that tells why an asynchronous action failed.
_MESSAGES_VERSION = {"OpenStack-API-Version": "volume 3.5"}


class VolumeApi:
    """Cinder of one region.

    Every method raises what :meth:`ims_glance.clouds.rest.Rest.request` raises; ``Missing`` if the
    volume is not there, or belongs to another project.

    :param session: see :class:`ims_glance.clouds.rest.Rest`
    :param endpoint: of version 3 of the API, if not the catalogue's
    """

    def __init__(
        self, session: Any, region_name: str | None = None, endpoint: str | None = None
    ) -> None:
        self._rest = rest.Rest(session, "block-storage", "Volume", region_name, endpoint)

    def get(self, volume_id: str) -> dict[str, Any]:
        """A volume; ``size`` is in GiB."""
        return dict(self._rest.json("GET", f"/volumes/{volume_id}")["volume"])

    def upload_to_image(self, volume_id: str, image_name: str) -> str:
        """Have an image made of a volume that is ``available``; the id of the image.

        Cinder makes the image, answers, and copies the data afterwards. Meanwhile the volume is
        ``uploading``. If that fails, Cinder deletes the image.

        :raises Refused: with status 400 if the volume is in another state
        """
        wanted = {
            "image_name": image_name,
            "disk_format": "raw",
            "container_format": "bare",
            "visibility": "private",
        }
        answer = self._rest.json(
            "POST",
            f"/volumes/{volume_id}/action",
            json={"os-volume_upload_image": wanted},
            headers=_UPLOAD_VERSION,
        )
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
