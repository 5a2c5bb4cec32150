# SPDX-License-Identifier: Apache-2.0
"""What another region answers, as far as it is what was asked for.

Its operator is a stranger, and its version may be another: nothing is taken for what it should be. What
nothing can be done without is refused if it is wrong, and all else is left out; texts are cut.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ims_glance.clouds import rest
from ims_glance.model.job import JobStatus

MOST = 2**63 - 1
"""The largest number that a database takes (ims_glance/db/schema.py)."""

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CODE = re.compile(r"IMG\.\d{4}")
_MAX_REASON = 2000
_MAX_TEXT = 500
_MAX_ID = 64
# Of an attribute of an image (glance/db/sqlalchemy/models.py).
_MAX_VALUE = 65_535
_MOST_ATTRIBUTES = 1000
_MOST_MIN = 2**31 - 1


class AnswerNotUnderstood(rest.ServiceUnavailable):
    """The other region answered, and not as its operation is described."""

    template = (
        "Region {service} gave an answer that this one does not understand: {reason}. Try again later; if "
        "it stays so, the operators of both regions have to see whether their versions of the Image "
        "Management Service fit."
    )


def _number(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value <= MOST else None


def _text(value: Any, most: int = _MAX_TEXT) -> str | None:
    # No database takes a zero byte, and no UTF-8 has half a character.
    if not isinstance(value, str) or "\0" in value:
        return None
    return value[:most].encode(errors="replace").decode() or None


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], str | None]:
    def find(value: Any) -> str | None:
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    return find


_Kinds = Mapping[str, Callable[[Any], Any]]
_JOB: _Kinds = {
    "error_code": _matching(_CODE),
    "fail_reason": lambda value: _text(value, _MAX_REASON),
}
_ENTITIES: _Kinds = {
    "image_id": _matching(_UUID),
    "waiting_for": _text,
    "done_bytes": _number,
    "total_bytes": _number,
    "received_bytes": _number,
    "saved_bytes": _number,
    "bytes_per_second": _number,
}
_PREFLIGHT: _Kinds = {
    "region": _text,
    "project_id": _text,
    "total_bytes": _number,
    "disks": _number,
    "cmk_id": _text,
    "base_image_id": _matching(_UUID),
    "base_holds": _number,
    "base_holds_is": _matching(re.compile("exact|estimated")),
    "bytes_per_second": _number,
    "seconds": _number,
}


def _fitting(values: Any, kinds: _Kinds) -> dict[str, Any]:
    """Of the values those that are known, and are what they should be or ``None``."""
    given = values if isinstance(values, dict) else {}
    return {name: fit(given[name]) for name, fit in kinds.items() if name in given}


def job_id(region: str, answer: Mapping[str, Any]) -> str:
    """The id of the job that a request became.

    :raises AnswerNotUnderstood: if it has none
    """
    found = _matching(_JOB_ID)(answer.get("job_id"))
    if found is None:
        raise AnswerNotUnderstood(service=region, reason="it names no job")
    return found


def job(region: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """A job, with as much of it as is looked at here.

    :returns: ``status``, ``error_code``, ``fail_reason`` and ``entities``, as ``show_job`` answers
    :raises AnswerNotUnderstood: if it has no status of a job
    """
    try:
        status = JobStatus(str(answer.get("status")))
    except ValueError:
        raise AnswerNotUnderstood(service=region, reason="it is no job") from None
    entities = _fitting(answer.get("entities"), _ENTITIES)
    return {**dict.fromkeys(_JOB), **_fitting(answer, _JOB), "status": status, "entities": entities}


def reception(region: str, standing_id: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a region says that receives the copies of a replication.

    :raises AnswerNotUnderstood: if it says it of another one
    """
    if answer.get("id") != standing_id:
        raise AnswerNotUnderstood(
            service=region, reason="it does not say which replication it is of"
        )
    return {"cmk_id": _text(answer.get("cmk_id"), _MAX_ID)}


def preflight(region: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a copy would come to, with as much of it as is known here.

    :raises AnswerNotUnderstood: if it does not tell how many bytes there are
    """
    found = _fitting(answer.get("preflight"), _PREFLIGHT)
    if found.get("total_bytes") is None:
        raise AnswerNotUnderstood(service=region, reason="it does not say what the copy comes to")
    return found


def image(region: str, image_id: str, view: Mapping[str, Any]) -> dict[str, Any]:
    """An image as an Image API shows it, without what no image has.

    :param image_id: that was asked for
    :raises AnswerNotUnderstood: if it is another one, or nobody could say how large it is
    """
    size = view.get("size")
    if view.get("id") != image_id or not isinstance(view.get("status"), str):
        raise AnswerNotUnderstood(service=region, reason=f"it is not image {image_id}")
    if (size is not None and _number(size) is None) or len(view) > _MOST_ATTRIBUTES:
        raise AnswerNotUnderstood(service=region, reason=f"nothing is as large as image {image_id}")
    found = {name: value for name, value in view.items() if _is_value(name, value)}
    tags = view.get("tags")
    given = tags if isinstance(tags, list) else []
    return {**found, "size": size, "tags": [tag for tag in given if _is_text(tag)]}


def _is_value(name: str, value: Any) -> bool:
    """Whether an attribute of an image may have a value; the tags are looked at by themselves."""
    if name in ("min_disk", "min_ram"):
        return (_number(value) or 0) <= _MOST_MIN and _number(value) is not None
    return value is None or isinstance(value, bool) or _is_text(value)


def _is_text(value: Any) -> bool:
    return (
        isinstance(value, str) and _text(value, _MAX_VALUE) in (value, None) and "\0" not in value
    )
