# SPDX-License-Identifier: Apache-2.0
"""Standing copies: which images of a project are copied to another region as they become active.

To the API and its clients one is a *replication*. Here are its record, the states of its images, and
how clients see both.
"""

import dataclasses
import datetime
import enum
import fnmatch
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ims_glance.model.image import attributes
from ims_glance.model.job import StoredJob, timestamp

_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 21_600.0
_ORIGIN_PARTS = 3
# What an image made anew has in common with both sends less, and a third one would hardly help.
_BASES = 2
# Of those that are over, how many are looked for at once.
_LOOKED_FOR = 5
_ID = re.compile("[0-9a-f]{32}")


class StandingStatus(enum.StrEnum):
    """What becomes of a standing copy; the last two end it."""

    MAKING = "making"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
    DELETING = "deleting"


SHOWN = (StandingStatus.ACTIVE, StandingStatus.PAUSED, StandingStatus.ENDED)
"""Statuses of those that their owner has."""
CHOSEN = (StandingStatus.ACTIVE, StandingStatus.PAUSED)
"""Statuses that its owner chooses."""


class CopyState(enum.StrEnum):
    """What becomes of an image.

    ``STARTING`` is one whose job may be there or not: who sees it asks for the job once more.
    """

    EXISTING = "existing"
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    PASSED_OVER = "passed over"
    REMOVED = "removed"


UNDER_WAY = (CopyState.STARTING, CopyState.RUNNING)
TO_DO = (CopyState.WAITING, CopyState.FAILED)
OVER = (CopyState.EXISTING, CopyState.PASSED_OVER, CopyState.REMOVED)
"""Nothing is done with them any more; that they are known keeps them from being copied (again)."""
_ONCE_MORE = (*TO_DO, CopyState.STARTING)


@dataclasses.dataclass(frozen=True)
class StandingCopy:
    """A standing copy as the database of the region of its images has it.

    :ivar id: 32 hexadecimal digits
    :ivar region: the other one
    :ivar target_project_id: the project there
    :ivar tag: that an image has to have, as it is kept; ``None`` if it may have any
    :ivar image_name: pattern of its name, as a shell has them; ``None`` if it may have any
    :ivar keep: how many of its copies are kept there; ``None`` for all
    :ivar wishes: of the copies: ``cmk_id``, ``agency_name``
    :ivar reason: with *code*, why nothing is copied, if that is so
    :ivar delegation_id: of what it acts with in the project there
    :ivar source_delegation_id: of what it acts with in its own project
    :ivar generation: how often it was claimed, as of a job
    """

    id: str
    name: str
    project_id: str
    user_id: str
    region: str
    target_project_id: str
    status: StandingStatus = StandingStatus.MAKING
    tag: str | None = None
    image_name: str | None = None
    keep: int | None = None
    wishes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    code: str | None = None
    reason: str | None = None
    created_at: datetime.datetime | None = None
    delegation_id: str | None = None
    source_delegation_id: str | None = None
    generation: int = 0

    @property
    def delegation_ids(self) -> list[str]:
        """Ids of its delegations, in the order in which all transactions take them."""
        given = (self.delegation_id, self.source_delegation_id)
        return sorted(each for each in given if each is not None)


@dataclasses.dataclass(frozen=True)
class StandingImage:
    """An image of a standing copy.

    :ivar created_at: of the image, as Glance writes it: copies are made in this order
    :ivar attempts: how often its copy was begun
    :ivar job_id: of the last attempt
    :ivar copy_id: id of its copy, if that is done
    :ivar reason: with *code*, why the last attempt failed, or what is waited for
    :ivar try_at: when it is tried again at the earliest; seconds since 1970
    """

    image_id: str
    name: str
    created_at: str
    state: CopyState = CopyState.WAITING
    attempts: int = 0
    job_id: str | None = None
    copy_id: str | None = None
    code: str | None = None
    reason: str | None = None
    try_at: float | None = None


@dataclasses.dataclass(frozen=True)
class Reception:
    """The other end of a standing copy, in the region that its copies are made in.

    :ivar id: that of the standing copy
    :ivar project_id: of the copies
    :ivar cmk_id: key of the copies, if one was named
    :ivar delegation_id: of what their jobs act with
    :ivar source_delegation_id: of what they read with in the project of the images
    """

    id: str
    project_id: str
    user_id: str
    source_region: str
    source_project_id: str
    cmk_id: str | None = None
    delegation_id: str | None = None
    source_delegation_id: str | None = None

    @property
    def delegation_ids(self) -> list[str]:
        """As those of :class:`StandingCopy`."""
        given = (self.delegation_id, self.source_delegation_id)
        return sorted(each for each in given if each is not None)


# --- which images ------------------------------------------------------------------------------


def matches(standing: StandingCopy, view: Mapping[str, Any]) -> bool:
    """Whether a standing copy is about an image.

    :param view: as the Image API shows it
    """
    return (
        view.get("status") == "active"
        and view.get("owner") == standing.project_id
        and not view.get("os_hidden")
        and not view.get(attributes.COMPONENT_OF)
        and (standing.tag is None or standing.tag in view.get("tags", ()))
        and (
            standing.image_name is None
            or fnmatch.fnmatchcase(str(view.get("name") or ""), standing.image_name)
        )
    )


def is_from_elsewhere(view: Mapping[str, Any], here: str | None) -> bool:
    """Whether an image is a copy of one of another region.

    Standing copies leave those alone: two that lead to each other's regions, or several in a circle,
    would copy for ever.

    :param here: the name of this one
    """
    parts = str(view.get(attributes.DATA_ORIGIN) or "").split(",")
    return len(parts) == _ORIGIN_PARTS and parts[0] == "image" and parts[1] not in ("", here)


def image_of(view: Mapping[str, Any], state: CopyState = CopyState.WAITING) -> StandingImage:
    """An image that a standing copy found."""
    name, created_at = str(view.get("name") or view["id"]), str(view.get("created_at") or "")
    return StandingImage(str(view["id"]), name, created_at, state)


def is_id(text: str) -> bool:
    """Whether a text looks like the id of a standing copy."""
    return bool(_ID.fullmatch(text))


def job_id(standing_id: str, image_id: str, attempt: int) -> str:
    """Id of the job of an attempt to copy an image: whoever asks for it twice asks for one job."""
    return hashlib.sha256(f"{standing_id}/{image_id}/{attempt}".encode()).hexdigest()[:32]


# --- what to do next -----------------------------------------------------------------------------


def pause_after(attempts: int) -> float:
    """How long to wait after so many failed attempts; seconds, a minute to six hours."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 20))


def next_of(images: Iterable[StandingImage], now: float) -> StandingImage | None:
    """The image whose turn it is: one at a time, the oldest first.

    One that failed holds up none behind it until it is tried again.

    :param now: seconds since 1970
    """
    known = sorted(images, key=_age)
    if any(each.state is CopyState.RUNNING for each in known):
        return None
    starting = [each for each in known if each.state is CopyState.STARTING]
    ready = [each for each in starting or known if each.state in _ONCE_MORE]
    return next((each for each in ready if (each.try_at or 0.0) <= now), None)


def passed_over(images: Iterable[StandingImage], keep: int | None) -> list[StandingImage]:
    """The images that are copied no more, because as many newer ones are there as are kept."""
    if keep is None:
        return []
    newest = _done(images)[:keep]
    if len(newest) < keep:
        return []
    return [each for each in images if each.state in TO_DO and _age(each) < _age(newest[-1])]


def too_many(images: Iterable[StandingImage], keep: int | None) -> list[StandingImage]:
    """The images whose copies are kept no longer; never the newest one."""
    return [] if keep is None else _done(images)[max(1, keep) :]


def bases_of(images: Iterable[StandingImage], image: StandingImage) -> list[str]:
    """Ids of the copies that most of the next one is taken to be in: the newest two before it."""
    done = [each for each in _done(images) if _age(each) <= _age(image)]
    return [each.copy_id for each in done if each.copy_id][:_BASES]


def _done(images: Iterable[StandingImage]) -> list[StandingImage]:
    """Those that have a copy, the newest first."""
    done = [each for each in images if each.state is CopyState.DONE]
    return sorted(done, key=_age, reverse=True)


def _age(image: StandingImage) -> tuple[str, str]:
    return image.created_at, image.image_id


def perhaps_gone(
    images: Iterable[StandingImage], found: Collection[str], turn: int
) -> list[StandingImage]:
    """Those that need not be known any more if there is no such image: a few each turn.

    :param found: ids of images that are there
    """
    over = [each for each in images if each.state in OVER and each.image_id not in found]
    turns = -(-len(over) // _LOOKED_FOR) or 1
    return sorted(over, key=_age)[turn % turns :: turns]


# --- how clients see it --------------------------------------------------------------------------


def view(standing: StandingCopy) -> dict[str, Any]:
    """A standing copy without its images."""
    return {
        "id": standing.id,
        "name": standing.name,
        "status": str(standing.status),
        "region": standing.region,
        "target_project_id": standing.target_project_id,
        "tag": standing.tag,
        "image_name": standing.image_name,
        "keep": standing.keep,
        "cmk_id": standing.wishes.get("cmk_id"),
        "agency_name": standing.wishes.get("agency_name"),
        "created_at": timestamp(standing.created_at),
        "error_code": standing.code,
        "reason": standing.reason,
    }


def images_view(
    region: str, images: Sequence[StandingImage], jobs: Mapping[str, StoredJob]
) -> list[dict[str, Any]]:
    """The images of a standing copy, the oldest first.

    :param region: that they are copied to
    :param jobs: by id, of those that are under way
    """
    return [
        _image_view(region, each, jobs.get(each.job_id or "")) for each in sorted(images, key=_age)
    ]


def _image_view(region: str, image: StandingImage, job: StoredJob | None) -> dict[str, Any]:
    state, copy_id = image.state, image.copy_id
    if state is CopyState.STARTING:
        state = CopyState.WAITING if job is None else CopyState.RUNNING
    percent = 100.0 if state in (CopyState.DONE, CopyState.REMOVED) else None
    if state is CopyState.RUNNING and job is not None:
        percent = job.percent
    return {
        "image_id": image.image_id,
        "image_name": image.name,
        "region": region,
        "state": str(state),
        "process_percent": percent,
        "copy_id": copy_id,
        "job_id": image.job_id,
        "attempts": image.attempts,
        "error_code": image.code,
        "reason": image.reason,
        "try_again_at": _moment(image.try_at) if image.state in _ONCE_MORE else None,
    }


def _moment(seconds: float | None) -> str | None:
    if not seconds:
        return None
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return timestamp(moment.replace(tzinfo=None))
