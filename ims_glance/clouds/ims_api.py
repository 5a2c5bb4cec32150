# SPDX-License-Identifier: Apache-2.0
"""The IMS API of another region of the cloud, beside its Image API."""

from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest, strangers
from ims_glance.clouds.region import Region

_MULTIPLE_CHOICES = 300  # that of a Glance without us, which knows no version 1
_UNKNOWN_PATH = "IMG.0017"


class NoImsThere(exceptions.Conflict):
    """The region's Glance is without the plugin, or has an older one."""

    code = "IMG.0105"
    template = (
        "Region {region} takes no copies: its Image service has no Image Management Service, or an "
        "older one. Ask the operator of that region to install it."
    )


class RefusedThere(rest.Refused):
    """The other region's service refused, with its own code."""

    template = "{service}: {reason}"


class MissingThere(rest.Missing):
    """It does not know what the request names."""

    template = "{service}: {reason}"


class ImsApi:
    """The IMS API of a region.

    Every method raises what :meth:`ims_glance.clouds.rest.Rest.request` raises, with the region's name
    and the code that it answered; ``NoImsThere`` if it has none; ``AnswerNotUnderstood`` if it answers
    something else than what was asked for (:mod:`ims_glance.clouds.strangers`).

    :param region: with its name, as the caller, or a job of theirs, sees it
    """

    def __init__(self, region: Region) -> None:
        self._region = str(region.name)
        self._rest = _Ims(region)

    def receive(self, project_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have it take a copy of an image of this region (``receive_image``).

        :param project_id: that the token is for
        :returns: ``job_id``, or ``preflight`` if it was but a question
        """
        path = f"/v1/{project_id}/images/receive"
        answer = self._rest.json_object("POST", path, json=dict(body))
        if body.get("dry_run"):
            return {"preflight": strangers.preflight(self._region, answer)}
        return {"job_id": strangers.job_id(self._region, answer)}

    def copy_cross_region(self, image_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have this region copy an image to another one (``copy_image_cross_region``).

        :returns: ``job_id``
        """
        path = f"/v1/cloudimages/{image_id}/cross_region_copy"
        answer = self._rest.json_object("POST", path, json=dict(body))
        return {"job_id": strangers.job_id(self._region, answer)}

    def begin_reception(self, project_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have it receive the copies of a replication of this region.

        :returns: ``cmk_id``, that of the key if one was named
        """
        answer = self._rest.json_object("POST", f"/v1/{project_id}/receptions", json=dict(body))
        return strangers.reception(self._region, str(body["id"]), answer)

    def end_reception(self, project_id: str, standing_id: str) -> None:
        """Have it receive no more of them.

        :raises MissingThere: if it receives none
        """
        self._rest.request("DELETE", f"/v1/{project_id}/receptions/{standing_id}")

    def has_replication(self, project_id: str, standing_id: str) -> bool:
        """Whether it has a replication that this region receives the copies of."""
        try:
            self._rest.request("GET", f"/v1/{project_id}/replications/{standing_id}")
        except MissingThere:
            return False
        return True

    def receive_replicated(
        self, project_id: str, standing_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Have it take the copy of one image of a replication; the same again changes nothing.

        :returns: ``job_id``
        """
        path = f"/v1/{project_id}/receptions/{standing_id}/images"
        answer = self._rest.json_object("POST", path, json=dict(body))
        return {"job_id": strangers.job_id(self._region, answer)}

    def copy_replicated(
        self, project_id: str, standing_id: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Have this region begin the copy of one image of a replication; the same again changes nothing.

        :returns: ``job_id``
        """
        path = f"/v1/{project_id}/replications/{standing_id}/images"
        answer = self._rest.json_object("POST", path, json=dict(body))
        return {"job_id": strangers.job_id(self._region, answer)}

    def show_job(self, project_id: str, job_id: str) -> dict[str, Any]:
        """A job there, as ``show_job`` answers.

        :raises MissingThere: if it has no such job
        """
        answer = self._rest.json_object("GET", f"/v1/{project_id}/jobs/{job_id}")
        return strangers.job(self._region, answer)

    def cancel_job(self, project_id: str, job_id: str) -> dict[str, Any]:
        """Ask for a job there to be undone; as it is then. One that has ended stays as it is.

        :raises MissingThere: if it has no such job
        """
        answer = self._rest.json_object("DELETE", f"/v1/{project_id}/jobs/{job_id}")
        return strangers.job(self._region, answer)


class _Ims(rest.Rest):
    def __init__(self, region: Region) -> None:
        self._region = str(region.name)
        super().__init__(region.adapter("image"), f"{self._region} Image", follows=False)

    def _check(self, response: Any) -> None:
        if response.status_code == _MULTIPLE_CHOICES:
            raise NoImsThere(region=self._region)
        try:
            super()._check(response)
        except rest.Refused as error:
            if error.code == _UNKNOWN_PATH or (error.status == 404 and not _is_ours(response)):
                raise NoImsThere(region=self._region) from None
            kind = MissingThere if isinstance(error, rest.Missing) else RefusedThere
            raise kind(error.status, error.code, self._region, error.details["reason"]) from None


def _is_ours(response: Any) -> bool:
    """Whether an answer names an IMS code."""
    return b"IMG." in response.content
