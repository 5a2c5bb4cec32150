# SPDX-License-Identifier: Apache-2.0
"""Nova, as a caller or a job of theirs uses it: servers, and what holds them still."""

from collections.abc import Iterator, Mapping
from typing import Any

from ims_glance.clouds.region import Region

# From 2.47 on a server shows its flavor, from 2.79 on an attachment says whether the volume goes
# with the server; 2.45 brought the image's id into the answer to createImage.
_VERSION = {"OpenStack-API-Version": "compute 2.79"}
# Nova waits a minute for the guest to be frozen (``rpc_response_timeout``), and then begins with a
# snapshot of each disk before it answers; seconds.
_IMAGE_TIMEOUT = (10, 180)
_PAGE = 500  # servers


def snapshot_name(image_name: str) -> str:
    """What Nova calls the snapshots that come with an image of a server on volumes.

    Source: ``nova/compute/api.py``, ``snapshot_volume_backed``.
    """
    return f"snapshot for {image_name}"


class ComputeApi:
    """Nova of one region.

    Every method raises what :meth:`ims_glance.clouds.rest.Rest.request` raises; ``Missing`` if the
    server is not there, or belongs to another project.

    :param region: as the caller, or a job of theirs, sees it
    """

    def __init__(self, region: Region) -> None:
        self._rest = region.service("compute", "Compute")

    def get(self, server_id: str) -> dict[str, Any]:
        """A server; sizes in its ``flavor`` are GiB (``swap``: MiB)."""
        return dict(self._json("GET", f"/servers/{server_id}")["server"])

    def attachments(self, server_id: str) -> list[dict[str, Any]]:
        """Its volumes: ``volumeId`` and ``device`` of each."""
        path = f"/servers/{server_id}/os-volume_attachments"
        return list(self._json("GET", path)["volumeAttachments"])

    def of_all_projects(self, changed_since: str | None = None) -> Iterator[dict[str, Any]]:
        """The servers of all projects, for an administrator, page by page.

        :param changed_since: those alone that changed since then (ISO 8601), and those that were deleted
            since then, too
        """
        query = {"all_tenants": "1", "limit": str(_PAGE), "sort_key": "uuid", "sort_dir": "asc"}
        if changed_since is not None:
            query["changes-since"] = changed_since
        following: dict[str, str] | None = query
        while following is not None:
            path = "/servers/detail"
            answer = self._rest.json("GET", path, headers=_VERSION, params=following)
            found = answer["servers"]
            yield from found
            # Nova may give fewer than it was asked for (``[api] max_limit``), and says if there are more.
            is_last = not found or "servers_links" not in answer
            following = None if is_last else {**query, "marker": str(found[-1]["id"])}

    def actions(self, server_id: str) -> list[dict[str, Any]]:
        """What was done to a server, newest first.

        Of each: ``action``, ``request_id``, ``start_time`` and ``updated_at``.
        """
        path = f"/servers/{server_id}/os-instance-actions"
        return list(self._json("GET", path)["instanceActions"])

    def pause(self, server_id: str) -> None:
        """Have a running server stand still; it does a moment later.

        :raises Refused: with status 409 if it does something else
        """
        self._act(server_id, {"pause": None})

    def unpause(self, server_id: str) -> None:
        """Have a paused server go on; it does a moment later.

        :raises Refused: with status 409 if it is not paused, or does something else
        """
        self._act(server_id, {"unpause": None})

    def create_image(self, server_id: str, name: str, metadata: Mapping[str, str]) -> str:
        """Have an image made of the root disk; the id of the image.

        Nova makes the image, answers, and copies the data afterwards. If the root disk is a volume,
        Nova has snapshots made of all volumes instead (:func:`snapshot_name`), which the image's
        ``block_device_mapping`` names; they are not finished when it answers.

        :param metadata: properties that the image has from the beginning
        :raises Refused: with status 409 if the server does something else, or its guest cannot be
            frozen and has to be
        """
        wanted = {"createImage": {"name": name, "metadata": dict(metadata)}}
        return str(self._act(server_id, wanted, timeout=_IMAGE_TIMEOUT).json()["image_id"])

    def _act(self, server_id: str, action: Mapping[str, Any], **request: Any) -> Any:
        path = f"/servers/{server_id}/action"
        return self._rest.request("POST", path, json=action, headers=_VERSION, **request)

    def _json(self, method: str, path: str) -> Any:
        return self._rest.json(method, path, headers=_VERSION)
