# SPDX-License-Identifier: Apache-2.0
"""What a copy from another region would come to, before anything is sent (``dry_run``)."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.api.ims import lookup, schemas
from ims_glance.api.ims.operation import Call
from ims_glance.model import job as jobs
from ims_glance.model.copy import Digest
from ims_glance.model.image import attributes
from ims_glance.model.image.base import BaseSearch
from ims_glance.model.job import JobStatus, StoredJob
from ims_glance.transfer.frames import PIECE
from ims_glance.transfer.held import HELD_LIMIT

# Images of one name, or of one origin, that are looked at.
_MOST = "100"
_TOLD = (
    "id",
    "name",
    "disk_format",
    "size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    attributes.DATA_ORIGIN,
    attributes.WHOLE_IMAGE,
)

LIKENESS: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "by which an image here is found that much of it is in; of a question only",
    "properties": {
        "id": schemas.UUID,
        "size": {"type": ["integer", "null"], "minimum": 0},
        **{
            name: {"type": ["string", "null"], "maxLength": 255}
            for name in _TOLD
            if name not in ("id", "size", attributes.WHOLE_IMAGE)
        },
    },
    "required": ["id"],
}
ANSWER: dict[str, Any] = {
    "type": "object",
    "description": "the answer if 'dry_run' is true, and nothing refuses the copy",
    "properties": {
        "preflight": {
            "type": "object",
            "properties": {
                "region": {"type": "string"},
                "project_id": {"type": "string"},
                "total_bytes": {"type": "integer", "description": "the most that is sent"},
                "disks": {"type": "integer", "description": "of a whole machine; 0 for others"},
                "cmk_id": {
                    "type": ["string", "null"],
                    "description": "key of the copy; the word for the default key if that is yet to "
                    "be made; null if the copy is not encrypted",
                },
                "base_image_id": {
                    "type": ["string", "null"],
                    "description": "of the image there that equal data is taken from: the first that was "
                    "named, or the newest of the same lineage or name",
                },
                "base_holds": {
                    "type": ["integer", "null"],
                    "description": "bytes of the image that it would save; null if nobody can say",
                },
                "base_holds_is": {
                    "enum": ["exact", "estimated", None],
                    "description": "exact: the two are the same, by their digests, or there is no base; "
                    "estimated: as much as was saved of the last copy that the project received",
                },
                "bytes_per_second": {
                    "type": ["integer", "null"],
                    "description": "of the last copy that the project received",
                },
                "seconds": {"type": ["integer", "null"], "description": "at that rate"},
            },
            "required": ["region", "project_id", "total_bytes"],
        }
    },
    "required": ["preflight"],
}


def likeness(view: lookup.View) -> dict[str, Any]:
    """What the other region is told of an image to find another one there that is like it."""
    told = {name: view[name] for name in _TOLD if view.get(name) is not None}
    short = {name: value[:255] if isinstance(value, str) else value for name, value in told.items()}
    return {**short, "id": view["id"]}


def foreseen(call: Call, key_id: str | None) -> dict[str, Any]:
    """What is known before anything is sent.

    How much the two images have in common is known if they are the same; otherwise it is not read.
    """
    source = call.body["source"]
    last = _last(call)
    rate = None if last is None else _rate(last)
    base = _base(call)
    holds = _holds(source, base, last)
    return {
        "region": call.service.elsewhere.here,
        "project_id": call.project_id,
        "total_bytes": source["size"],
        "disks": source.get("disks") or 0,
        "cmk_id": key_id,
        "base_image_id": None if base is None else str(base["id"]),
        **dict(zip(("base_holds", "base_holds_is"), holds, strict=True)),
        "bytes_per_second": rate,
        "seconds": round(source["size"] / rate) if rate else None,
    }


class _Images:
    """The images of this region, as the caller sees them."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def find(self, image_id: str) -> lookup.View | None:
        with contextlib.suppress(exceptions.NotFound):
            return lookup.get(self._call, image_id)
        return None

    def made_of(self, origin: str, owner: str) -> Iterable[lookup.View]:
        query = {attributes.DATA_ORIGIN: origin, "owner": owner, "sort": "created_at:desc"}
        return self._listed(query)

    def named(self, name: str, owner: str) -> Iterable[lookup.View]:
        return self._listed({"name": name, "owner": owner, "sort": "created_at:desc"})

    def _listed(self, query: Mapping[str, str]) -> list[lookup.View]:
        service, wanted = self._call.service, {**query, "limit": _MOST}
        answer = service.images.call(self._call.context, "GET", "/v2/images", query=wanted)
        return list(answer["images"])


def _base(call: Call) -> Mapping[str, Any] | None:
    """The image that the job would take equal data from."""
    named = [call.body.get("base_image_id"), *(call.body.get("base_image_ids") or ())]
    if first := next(filter(None, named), None):
        return lookup.get(call, first)
    source = call.body["source"]
    like = source.get("likeness")
    if not like:
        return None
    search = BaseSearch.of(source["region"], like, call.body["name"], call.project_id)
    return search.newest(_Images(call))


def _holds(
    source: Mapping[str, Any], base: Mapping[str, Any] | None, last: StoredJob | None
) -> tuple[int | None, str | None]:
    """How much of an image the base has, in bytes, and how far that is known."""
    like, size = source.get("likeness"), source["size"]
    if base is None:
        return (0, "exact") if like else (None, None)
    if like and size and Digest.of(like).agrees(Digest.of(base)):
        # So many pieces can be named to the other region.
        return min(size, HELD_LIMIT * PIECE), "exact"
    saved = None if last is None else last.entities.get("saved_bytes")
    if last is None or not isinstance(saved, int):
        return None, None
    return round(size * min(1.0, saved / last.total_bytes)), "estimated"


def _last(call: Call) -> StoredJob | None:
    """The newest copy that this project received."""
    for job in call.service.jobs.find(call.project_id, JobStatus.SUCCESS):
        if job.type == jobs.RECEIVE_IMAGE and job.total_bytes:
            return job
    return None


def _rate(job: StoredJob) -> int | None:
    """Bytes of an image a second."""
    if job.begin_time is None or job.end_time is None:
        return None
    seconds = (job.end_time - job.begin_time).total_seconds()
    return max(1, round(job.total_bytes / seconds)) if seconds > 0 else None
