# SPDX-License-Identifier: Apache-2.0
"""Jobs: long work of the service (``GET /v1/{project_id}/jobs/{job_id}``)."""

from typing import Any

from openstack import resource

from ims_glance.client.resources.paging import Paged

SUCCESS, FAIL = "SUCCESS", "FAIL"
STATUSES = ("INIT", "RUNNING", SUCCESS, FAIL)


class Job(Paged):
    """A job."""

    base_path = "/v1/%(project_id)s/jobs"
    resources_key = "jobs"
    allow_list = True
    allow_fetch = True
    allow_delete = True

    _query_mapping = resource.QueryParameters("status", "job_type")

    #: the project whose job it is
    project_id: str = resource.URI("project_id")
    #: also as ``id``
    job_id: str = resource.Body("job_id", alternate_id=True)
    #: INIT, RUNNING, SUCCESS or FAIL
    status: str = resource.Body("status")
    #: such as ``imsCopyImageInRegionJob``
    type: str = resource.Body("job_type")
    begin_time: str = resource.Body("begin_time")
    end_time: str = resource.Body("end_time")
    #: the IMS code of a failure
    error_code: str = resource.Body("error_code")
    fail_reason: str = resource.Body("fail_reason")
    #: what it is about
    entities: dict[str, Any] = resource.Body("entities", type=dict)

    def _entity(self, name: str) -> Any:
        return (self.entities or {}).get(name)

    def _text(self, name: str) -> str | None:
        found = self._entity(name)
        return None if found is None else str(found)

    def _number(self, name: str) -> int | None:
        found = self._entity(name)
        return None if found is None else int(found)

    @property
    def is_finished(self) -> bool:
        """Whether it ended, well or not."""
        return self.status in (SUCCESS, FAIL)

    @property
    def image_id(self) -> str | None:
        """The image that it makes or changes."""
        return self._text("image_id")

    @property
    def image_name(self) -> str | None:
        """The name of that image."""
        return self._text("image_name")

    @property
    def backup_id(self) -> str | None:
        """The backup of a server that it makes, or makes an image of."""
        return self._text("backup_id")

    @property
    def backup_name(self) -> str | None:
        """The name of a backup that it makes."""
        return self._text("backup_name")

    @property
    def quiesce_refused(self) -> str | None:
        """Why it paused a server whose guest agent was to hold it still."""
        return self._text("quiesce_refused")

    @property
    def report(self) -> dict[str, Any] | None:
        """What it found in the system of an image or a file, and what it did to it."""
        found = self._entity("report")
        return dict(found) if isinstance(found, dict) else None

    @property
    def scan(self) -> dict[str, Any] | None:
        """What it found in an image that is to be sold."""
        found = self._entity("scan")
        return dict(found) if isinstance(found, dict) else None

    @property
    def guest_step(self) -> str | None:
        """What is being done to that system."""
        step = self._entity("guest_step")
        if not isinstance(step, dict):
            return None
        return f"{step.get('name')} ({step.get('number')} of {step.get('of')})"

    @property
    def current_task(self) -> str | None:
        """What it is doing."""
        return self._text("current_task")

    @property
    def done_bytes(self) -> int:
        """Bytes that are done."""
        return int(self._entity("done_bytes") or 0)

    @property
    def total_bytes(self) -> int:
        """Bytes that there are to do; 0 if that is not known or the job moves none."""
        return int(self._entity("total_bytes") or 0)

    @property
    def percent(self) -> float | None:
        """How much is done, 0 to 100; ``None`` if the service does not say."""
        if self.status == SUCCESS:
            return 100.0
        if self.total_bytes:
            return min(100.0, 100.0 * self.done_bytes / self.total_bytes)
        given = self._entity("process_percent")
        return None if given is None else float(given)

    @property
    def region(self) -> str | None:
        """The other region that an image is copied to; there is what the job makes."""
        return self._text("region")

    @property
    def target_project_id(self) -> str | None:
        """The project there."""
        return self._text("target_project_id")

    @property
    def target_job_id(self) -> str | None:
        """The job there, which does the work."""
        return self._text("target_job_id")

    @property
    def source_region(self) -> str | None:
        """The region that an image is copied from."""
        return self._text("source_region")

    @property
    def received_bytes(self) -> int | None:
        """Bytes that went over the link between two regions."""
        return self._number("received_bytes")

    @property
    def saved_bytes(self) -> int | None:
        """Bytes of the image that did not have to."""
        return self._number("saved_bytes")

    @property
    def bytes_per_second(self) -> int | None:
        """How fast the link is."""
        return self._number("bytes_per_second")

    @property
    def remaining_seconds(self) -> int | None:
        """How long it will take if it goes on like that."""
        return self._number("remaining_seconds")

    @property
    def waiting_for(self) -> str | None:
        """Why it waits, if it does: the other region is away."""
        return self._text("waiting_for")

    @property
    def results(self) -> list[dict[str, Any]]:
        """Of a job about members: each image and project, and what became of the pair."""
        return list(self._entity("results") or [])

    @property
    def sub_jobs(self) -> list[dict[str, Any]]:
        """The jobs that it consists of."""
        return list(self._entity("sub_jobs_result") or [])
