# SPDX-License-Identifier: Apache-2.0
"""What ``ims-manage job`` and ``ims-manage worker`` show. No secret is in it, nor what leads to one."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oslo_config import cfg
from oslo_serialization import jsonutils
from oslo_utils import timeutils

from ims_glance.db.supervision import ShownDelegation, SupervisedJob, SupervisedWorker
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
# What a worker says of a step that nobody could undo (JobContext.leave_behind).
_LEFT_BEHIND = "could not be undone"
# In entities, for the code alone; shown by other names.
_INTERNAL = (model.WAITS, model.BEFORE_RESET)


def document(found: SupervisedJob) -> dict[str, Any]:
    """A job for a list of them, as JSON has it."""
    job = found.job
    return {
        "id": job.id,
        "type": job.type,
        "state": str(job.status),
        "current_task": job.current_task,
        "begin_time": model.timestamp(job.begin_time),
        "end_time": model.timestamp(job.end_time),
        "age_seconds": round(_age(job.begin_time, job.end_time)),
        "worker": job.worker,
        "lease_seconds_left": None if found.lease is None else round(found.lease, 1),
        "attempts": job.attempts,
        "cancel_requested": job.cancel_requested,
        "project_id": job.project_id,
    }


def details(found: SupervisedJob) -> dict[str, Any]:
    """What is shown of a single job besides, as JSON has it; sizes are in bytes."""
    job = found.job
    return {
        "user_id": job.user_id,
        "error_code": job.error_code,
        "fail_reason": job.fail_reason and printable(job.fail_reason),
        "percent": job.percent,
        "done_bytes": job.done_bytes,
        "total_bytes": job.total_bytes,
        "image_id": job.image_id,
        "backup_id": job.backup_id,
        "waits": [
            {"what": printable(what), "since": _moment(since), "seconds": round(_since(since))}
            for what, since in _waits(job)
        ],
        # Never its id, nor that of its trust.
        "delegation": _delegation(found.delegation),
        "source_delegation": _delegation(found.source_delegation),
        "arguments": job.arguments,
        "entities": {name: value for name, value in job.entities.items() if name not in _INTERNAL},
    }


def _delegation(shown: ShownDelegation | None) -> dict[str, str] | None:
    return None if shown is None else {"state": shown.state, "expires_at": shown.expires_at}


def lines(conf: cfg.ConfigOpts, told: Mapping[str, Any]) -> Iterator[str]:
    """A job for people, of what is shown as JSON."""
    yield f"Job {told['id']} ({told['type']}): {told['state']}"
    yield f"  task:       {told['current_task'] or 'none yet'}"
    ended = f", ended {told['end_time']}" if told["end_time"] else ""
    took = f"{duration(told['age_seconds'])} {'long' if ended else 'ago'}"
    yield f"  begun:      {told['begin_time']}, {took}{ended}"
    yield f"  project:    {told['project_id']}, user {told['user_id']}"
    yield f"  worker:     {_holder(told['worker'], told['lease_seconds_left'])}"
    yield f"  attempts:   {told['attempts']} of {conf.ims_jobs.attempts}"
    yield f"  progress:   {told['percent']} % ({told['done_bytes']} of {told['total_bytes']} bytes)"
    for name, label in (("image_id", "image"), ("backup_id", "backup")):
        if told[name]:
            yield f"  {label + ':':<11} {told[name]}"
    if told["cancel_requested"]:
        yield "  cancelled:  yes"
    for wait in told["waits"]:
        yield f"  waited for: {wait['what']}, since {wait['since']} ({duration(wait['seconds'])})"
    if told["error_code"] or told["fail_reason"]:
        yield f"  failure:    {told['error_code']}: {told['fail_reason']}"
    for name, label in (("delegation", "delegation"), ("source_delegation", "reads by")):
        if told[name]:
            yield f"  {label + ':':<11} {told[name]['state']}, until {told[name]['expires_at']}"
    for name in ("arguments", "entities"):
        yield f"  {name + ':':<11} {_json(told[name])}"
    for text in told["advice"]:
        yield f"  > {text}"


def advice(conf: cfg.ConfigOpts, found: SupervisedJob) -> Iterator[str]:
    """What an operator can do about a job."""
    job = found.job
    if job.is_finished:
        yield _advice_after(job)
        return
    if job.attempts > conf.ims_jobs.attempts:
        yield (
            "Workers began it more often than [ims_jobs] attempts allows, so it is undone: the log "
            f"of ims-worker says more under its id. 'ims-manage job reset {job.id}' before it ends "
            "lets them try again."
        )
    if job.cancel_requested:
        yield "It was cancelled, and is undone."
    if (job.delegation_id is not None and found.delegation is None) or (
        job.source_delegation_id is not None and found.source_delegation is None
    ):
        yield "Its delegation is gone, so it fails (IMG.0087): its owner has to ask for it anew."
    if found.is_held:
        yield from _advice_while_held(job)
    else:
        yield (
            "No worker has it now. One with a free thread takes it within [ims_jobs] scan_seconds "
            f"({conf.ims_jobs.scan_seconds:g}), once what it had before is let go; 'ims-manage "
            "worker list' shows which run. If none was heard of lately, see to it that ims-worker runs and "
            "reaches the database."
        )


def _advice_after(job: model.StoredJob) -> str:
    if job.status is JobStatus.SUCCESS:
        return "Nothing is to be done."
    if _LEFT_BEHIND in (job.fail_reason or ""):
        return (
            "The failure names what could not be undone: delete that by hand once it can be "
            "('openstack volume set --state', 'openstack volume delete', ...)."
        )
    return "It was undone; its owner may ask for it anew once the reason is mended."


def _advice_while_held(job: model.StoredJob) -> Iterator[str]:
    if job.entities.get(model.WAITS):
        yield (
            "It has waited for a neighbour, the latest wait being told last. If that does not end "
            "by itself, mend it there (a volume, snapshot or backup that stays 'creating', "
            "'deleting' or 'restoring-backup': 'openstack volume set --state error', then the job "
            "goes on or is undone); the job looks again within seconds."
        )
    yield (
        f"If its worker does not get on with it: 'ims-manage job reset {job.id}' gives it to any, "
        f"which goes on after the last finished step; 'ims-manage job cancel {job.id}' has it "
        "undone."
    )


def duration(seconds: float) -> str:
    """A time span with its two largest units: ``3 h 12 min``."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"


def row(found: SupervisedJob) -> tuple[str, ...]:
    """A job for a list of them, for people."""
    job = found.job
    state = f"{job.status}, cancelled" if job.cancel_requested else str(job.status)
    age = duration(_age(job.begin_time, None))
    worker = _holder(job.worker, found.lease, is_short=True)
    task = printable(job.current_task or "-")
    return job.id, job.type, state, task, age, worker, str(job.attempts), job.project_id


def _holder(worker: str | None, lease: float | None, is_short: bool = False) -> str:
    if worker is None or lease is None:
        return "-" if is_short else "none"
    host, process = SupervisedWorker(worker).place
    if is_short:
        return f"{host}:{process}" if lease > 0 else f"lost by {host}:{process}"
    if lease > 0:
        return f"{host}, process {process} (its lease holds for {duration(lease)} unless renewed)"
    return f"none; {host}, process {process}, lost it when its lease ran out {duration(-lease)} ago"


def worker(found: SupervisedWorker, lease_seconds: float) -> dict[str, Any]:
    """A worker, as JSON has it.

    :param lease_seconds: for which it renews its leases
    """
    host, process = found.place
    return {
        "name": found.name,
        "host": host,
        "pid": process,
        "threads": found.threads,
        "jobs": found.jobs,
        "lost_jobs": found.lost,
        "heard_of_seconds_ago": round(found.heard_of(lease_seconds), 1),
    }


def _waits(job: model.StoredJob) -> list[tuple[str, float]]:
    """What a job waited for, and since when (seconds since 1970); the latest last."""
    waits: Mapping[str, float] = job.entities.get(model.WAITS, {})
    return sorted(waits.items(), key=lambda each: each[1])


def _age(begin: datetime.datetime | None, end: datetime.datetime | None) -> float:
    return (((end or timeutils.utcnow()) - begin).total_seconds()) if begin else 0.0


def _since(moment: float) -> float:
    return timeutils.utcnow_ts(microsecond=True) - moment


def _moment(seconds: float) -> str | None:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return model.timestamp(moment)


def print_json(value: Any) -> None:
    """Print something as JSON, for programs."""
    print(_json(value, indent=2))


def _json(value: Any, **options: Any) -> str:
    # Users' own words are recorded as they are, and may have a token in them.
    return model.without_tokens(jsonutils.dumps(value, **options))


def printable(text: str) -> str:
    """A text on one line, without a token and without what a terminal obeys."""
    plain = "".join(each if each.isprintable() else " " for each in text)
    return model.without_tokens(plain)


def print_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows in columns that are as wide as they have to be."""
    table = [heads, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
