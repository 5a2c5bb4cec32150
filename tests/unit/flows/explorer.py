# SPDX-License-Identifier: Apache-2.0
"""Every moment at which the worker of a job may die, and every request that may be refused.

A job is run once, and each moment that others could tell from the one before is kept. Then another
worker goes on from each of them. The time is the test's: waiting costs nothing, and patience ends.
"""

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests

from ims_glance import flows
from ims_glance.flows.replication import receive
from ims_glance.jobs import task as jobs_task
from ims_glance.jobs import worker as jobs_worker
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.delegations import GivenDelegations
from ims_glance.jobs.engine import Runner
from ims_glance.jobs.lease import Lease, clock
from ims_glance.jobs.task import Task
from ims_glance.jobs.worker import Worker
from ims_glance.model import job as model
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus, StoredJob
from tests.unit.flows import small_world
from tests.unit.flows.direct_cloud import DirectCloud, DirectIdentity, Serve, State, refusal
from tests.unit.flows.scenarios import Scenario
from tests.unit.flows.small_world import Saved, World

# No job here makes as many requests, with all that is done twice.
_LONGEST = 2000
_SECONDS = 3600.0
# What tells how long something took, or when it was.
_TIMES = frozenset(
    {
        *("created_at", "begin_time", "end_time"),
        *("standstill_ms", "ims_standstill_ms", attributes.STANDSTILL),
        # What a worker has not told when it dies is not counted.
        *(receive.RECEIVED, receive.SAVED, receive.RATE),
    }
)
_JOB_ID = f"{1:032x}"
_IMAGE_ID = "55555555-0000-4000-8000-555555555555"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Of ids, which are others each time.
_PROOF = re.compile(r"(?<=\")([\w.:-]*)[0-9a-f]{64}(?=\")")
# What may be an id, in data; and how much data is told by its digest, if there is nothing like it.
_IDS_IN_DATA = re.compile(rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})")
_LARGE = 1000
_END_OF_ID = re.compile(r"(?<=[0-9a-f]{4})[0-9a-f-]{20,}")

Watch = Callable[[DirectCloud, int], None]


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A neighbour that refuses something, until the job is undone: then nobody could undo it.

    :ivar at: number of the first request that is refused; later ones like it are, too
    :ivar status: of the answers
    """

    at: int
    status: int = 403


@dataclasses.dataclass
class Moment:
    """When the worker may die.

    :ivar names: all that lies between this moment and the next, each of which is not done yet
    :ivar task: which was begun last
    :ivar count: of the requests that were made by then
    :ivar refused: what is being refused
    """

    names: list[str]
    task: str | None
    count: int
    refused: str | None
    saved: Saved

    def __str__(self) -> str:
        return f"before {' or '.join(self.names)}"


@dataclasses.dataclass
class Ending:
    """How a job ended.

    :ivar before: what there was when the job was accepted, without its trust
    :ivar requests: ``METHOD path`` of each that it made, by all workers
    :ivar moments: at which the worker might have died, if that was asked for
    """

    scenario: Scenario
    cloud: DirectCloud = dataclasses.field(repr=False)
    before: State = dataclasses.field(repr=False)
    job: StoredJob = dataclasses.field(repr=False)
    requests: list[str] = dataclasses.field(repr=False)
    moments: list[Moment] = dataclasses.field(repr=False)

    def check(self) -> None:
        """Check that the job did all, or nothing, and left nothing.

        :raises AssertionError: if not
        """
        assert self.cloud.faults == []
        if self.job.status is JobStatus.SUCCESS:
            self.scenario.check_success(self.cloud, self.before, self.job)
        else:
            self.check_undone()

    def check_undone(self) -> None:
        """Check that the job failed, says why, and left nothing.

        :raises AssertionError: if not
        """
        job = self.job
        assert job.status is JobStatus.FAIL
        reason = str(job.fail_reason)
        assert re.fullmatch(r"IMG\.\d{4}", str(job.error_code)), job.error_code
        assert "could not be undone" not in reason, reason
        assert "internal error" not in reason, reason
        told = [each["status"] for each in job.entities.get("results", [])]
        assert "running" not in told, told
        self.scenario.check_undone(self.before, self.cloud.state())
        self.scenario.undone(self.cloud, job)

    @functools.cached_property
    def result(self) -> Any:
        """What the job made and says, without ids and moments: the same each time."""
        after = self.cloud.state()
        told = model.view(self.job)["entities"]
        found = _without_times({"made": after, "told": told})
        text = json.dumps(found, default=_shown, sort_keys=True)
        for name, label in self._labels(after).items():
            text = text.replace(name, label)
        text = _PROOF.sub("a proof", text)
        result = json.loads(_UUID.sub("something that is gone", text))
        # Pairs of an image and a project are told in the order in which they were done.
        result["told"].get("results", []).sort(key=str)
        return result

    def _labels(self, after: State) -> Mapping[str, str]:
        labels = {self.job.id: "job", model.id_of_backup(self.job.id): "backup of job"}
        for state, origin in ((self.before, "old"), (after, "new")):
            for kind, things in state.items():
                for number, (name, view) in enumerate(sorted(things.items(), key=_order)):
                    labels.setdefault(name, f"{origin} {kind} {number} {_title(view)}")
        return labels


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(each) for name, each in value.items() if name not in _TIMES}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def _shown(value: Any) -> str:
    """What is no JSON."""
    return _told(value) if isinstance(value, bytes) and len(value) > _LARGE else repr(value)


@functools.lru_cache(maxsize=64)
def _told(data: bytes) -> str:
    """Large data: to look for ids in all of it, where there are few, takes longer than the job."""
    parts = [
        f"{len(each)} bytes, {hashlib.sha256(each).hexdigest()[:32]}"
        if len(each) > _LARGE
        else each
        for each in _IDS_IN_DATA.split(data)
    ]
    return repr(parts)


def _title(view: Any) -> str:
    return str(view.get("name", "")) if isinstance(view, Mapping) else ""


def _order(thing: tuple[str, Any]) -> str:
    """The same order each time, of things with ids that differ."""
    _name, view = thing
    if not isinstance(view, Mapping):
        return repr(view)
    number = (view.get("metadata") or {}).get("ims_disk")
    return f"{_title(view)} {number} {view.get('size')}"


class Explorer:
    """Runs jobs by real workers, one after the other, each in a world of its own.

    :param kind: of the clouds
    """

    def __init__(self, kind: type[DirectCloud] = DirectCloud) -> None:
        self.world = World(kind)
        self.worker = Worker(self.world.tables.conf, flows.JOB_TYPES)
        # The database is in memory, and has one connection.
        self.worker._jobs = self.world.jobs
        self.worker._runner = Runner(self.world.tables.database, self.world.jobs, flows.JOB_TYPES)

    def run(
        self,
        scenario: Scenario,
        refused: Refusal | None = None,
        watch: Watch | None = None,
        keeps_moments: bool = False,
    ) -> Ending:
        """Bring a job to its end.

        :param watch: called before each request is served, with its number
        """
        self.world.clear()
        arguments = scenario.prepare(self.world.cloud)
        self.world.keep_reports()
        before = self.world.cloud.state()
        _accept(self.world, scenario, arguments)
        run = _Run(self, refused, watch, keeps_moments)
        run.go_on(is_cancelled=False)
        return run.ending(scenario, before, [])

    def tasks(self, ending: Ending) -> list[Task]:
        """The tasks of a job whose moments were kept, in their order."""
        self.world.restore(ending.moments[0].saved)
        job = _Run(self, None, None, False).begun()
        return [task for task, _ in flows.JOB_TYPES[job.job.type](job).iter_nodes()]

    def resume(
        self, ending: Ending, moment: Moment, is_cancelled: bool = False, is_heard: bool = True
    ) -> Ending:
        """Have another worker bring a job to its end, from a moment of it.

        :param ending: how the job ended by itself
        :param is_cancelled: whether the job is to be undone
        :param is_heard: whether the worker's heartbeat told it of that in time
        """
        self.world.restore(moment.saved)
        run = _Run(self, None, None, False)
        run.refused = moment.refused
        run.go_on(is_cancelled, is_heard)
        return run.ending(ending.scenario, ending.before, ending.requests[: moment.count])


def _accept(world: World, scenario: Scenario, arguments: Mapping[str, Any]) -> None:
    tables = world.tables
    delegation_id, made = tables.delegation(world.cloud.trust())
    reads = [tables.delegation(world.cloud.trust())] if "source_region" in arguments else []
    job = StoredJob(
        _JOB_ID,
        scenario.job_type,
        "demo",
        "user",
        arguments=arguments,
        image_id=_IMAGE_ID if scenario.creates_image else None,
        creates_image=scenario.creates_image,
        delegation_id=delegation_id,
        source_delegation_id=next((each for each, _made in reads), None),
    )
    tables.jobs.create(job, 10, made, *(each for _id, each in reads))


class _Run:
    """What one worker does for a job."""

    def __init__(
        self, explorer: Explorer, refusal_: Refusal | None, watch: Watch | None, keeps: bool
    ) -> None:
        self._world = explorer.world
        self._worker = explorer.worker
        self._refusal = refusal_
        self._watch = watch
        self._requests: list[str] = []
        self._moments: list[Moment] | None = [] if keeps else None
        self._context: JobContext | None = None
        self.refused: str | None = None

    def go_on(self, is_cancelled: bool, is_heard: bool = True) -> None:
        """Claim the job if it is unfinished, and bring it to its end."""
        world, worker = self._world, self._worker
        worker._identity = DirectIdentity(world.tables.conf, world.cloud)
        worker._delegations = GivenDelegations(
            world.tables.conf, world.tables.delegations, worker._identity
        )
        world.cloud.around = self._around
        world.watch = self._keep
        if not world.tables.jobs.get(_JOB_ID).is_finished:
            context = self.begun()
            if is_cancelled:
                world.tables.jobs.request_cancel(_JOB_ID, "demo")
            if is_cancelled and is_heard:
                context.lease.cancel()
            worker._take_thread()
            worker._running.add(context)
            worker._go_on(context)
            worker._give_thread_back(context)
        worker._delegations.give_back()

    def begun(self) -> JobContext:
        """The job, claimed."""
        tables = self._world.tables
        job = tables.jobs.get(_JOB_ID)
        if job.worker is not None:
            # As if the lease of the one that died had run out.
            tables.jobs.release(job)
        claimed = tables.jobs.claim(_JOB_ID, "worker", _SECONDS)
        assert claimed is not None
        lease = Lease(clock() + 1e9)
        identity = self._worker._identity
        self._context = JobContext(tables.conf, claimed, self._world.jobs, identity, lease)
        return self._context

    def ending(self, scenario: Scenario, before: State, earlier: list[str]) -> Ending:
        """How it ended."""
        world = self._world
        world.cloud.settle()
        world.cloud.reports = world.reports()
        job = world.tables.jobs.get(_JOB_ID)
        assert job.is_finished, job
        made = [*earlier, *self._requests]
        return Ending(scenario, world.cloud, before, job, made, self._moments or [])

    def _around(self, request: str, serve: Serve) -> requests.Response:
        number = len(self._requests)
        assert number < _LONGEST, request
        name = f"request {number}, {_END_OF_ID.sub('..', request)}"
        self._keep(name)
        self._requests.append(request)
        if self._is_refused(number, request):
            return refusal(self._refusal.status if self._refusal else 403)
        if self._watch is not None:
            self._watch(self._world.cloud, number)
        answer = serve()
        self._keep(f"the answer to {name}")
        return answer

    def _is_refused(self, number: int, request: str) -> bool:
        if self._refusal is not None and number == self._refusal.at:
            self.refused = request
            return True
        # Nobody undoes anything while all is refused; and a trust is given back later.
        is_reverting = self._context is None or self._context.is_reverting
        return request == self.refused and not is_reverting and "/trusts/" not in request

    def _keep(self, name: str) -> None:
        """Keep the moment before something, unless nothing has happened since the last one."""
        if self._moments is None:
            return
        saved = self._world.saved()
        last = self._moments[-1] if self._moments else None
        if (
            last is not None
            and last.saved.is_as(saved, self._world.cloud)
            and last.refused == self.refused
        ):
            last.names.append(name)
        else:
            task = self._world.tables.jobs.get(_JOB_ID).current_task
            made = len(self._requests)
            self._moments.append(Moment([name], task, made, self.refused, saved))


def explorers(kind: type[DirectCloud] = DirectCloud) -> Iterator[Explorer]:
    """One with a time of its own.

    :param kind: of its clouds
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        small_world.still_time(monkeypatch)
        # Hundreds of jobs fail, as they should: their log helps nobody.
        for module in (jobs_task, jobs_worker):
            monkeypatch.setattr(module.LOG, "disabled", True)
        explorer = Explorer(kind)
        small_world.remember(monkeypatch, explorer.world)
        small_world.equip(monkeypatch, explorer.world)
        yield explorer
