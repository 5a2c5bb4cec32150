# SPDX-License-Identifier: Apache-2.0
"""What ``test_deaths`` would find: a revert that does nothing, and anything that is left behind.

A check that passes whatever happens proves nothing.
"""

import re
from collections.abc import Callable

import pytest
from taskflow.task import Task as TaskFlowTask

from ims_glance import flows
from ims_glance.dashboard.jobs import tasks as console
from ims_glance.flows.capture.upload import Upload
from ims_glance.flows.member import Share
from ims_glance.jobs.task import Task
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.unit.flows import explorer as explorers
from tests.unit.flows.direct_cloud import DirectCloud
from tests.unit.flows.explorer import Ending, Explorer, Refusal
from tests.unit.flows.scenarios import SCENARIOS, Scenario

# They make nothing that could be undone.
_ONLY_LOOKS = (model.SCAN_IMAGE,)

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)

explorer = pytest.fixture(scope="module")(explorers.explorers)


def _nothing(_task: Task, **_: object) -> None:
    """A revert that is broken."""


@pytest.mark.parametrize("job_type", flows.JOB_TYPES)
def test_every_broken_revert_is_found(explorer, job_type, monkeypatch):
    """In one scenario at least: in others another task may do the same work.

    And the console, which imports no flow, has a word for each task that is met.
    """
    found: dict[str, bool] = {}
    for scenario in SCENARIOS:
        if scenario.job_type != job_type:
            continue
        usual = explorer.run(scenario, keeps_moments=True)
        for task in explorer.tasks(usual):
            kind = type(task)
            # Without the number of a disk, or the id of an image.
            assert re.sub(r" ([0-9]+|[0-9a-f-]{36})$", "", task.name) in console.TASKS
            if kind.revert is TaskFlowTask.revert or found.get(kind.__name__):
                continue
            with monkeypatch.context() as patched:
                patched.setattr(kind, "revert", _nothing)
                found[kind.__name__] = _is_noticed(explorer, usual, task.name)
    assert bool(found) is (job_type not in _ONLY_LOOKS), "nothing of such a job is ever undone"
    assert [name for name, is_found in found.items() if not is_found] == []


def _is_noticed(explorer: Explorer, usual: Ending, task: str) -> bool:
    """Whether a check fails for a job that was cancelled while a task was at work."""
    for moment in reversed(usual.moments):
        if moment.task != task:
            continue
        try:
            explorer.resume(usual, moment, is_cancelled=True).check()
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize(
    ("job_type", "kind", "method", "broken"),
    [
        # Both would look for what a worker that died has done.
        (model.VOLUME_CREATE_IMAGE, Upload, "find", lambda _self: None),
        (model.ADD_MEMBERS, Share, "there", lambda _self: {}),
    ],
)
def test_what_is_not_done_again_is_found(explorer, job_type, kind, method, broken, monkeypatch):
    """By the death of a worker: without one, all is well."""
    scenario = next(each for each in SCENARIOS if each.job_type == job_type)
    monkeypatch.setattr(kind, method, broken)
    usual = explorer.run(scenario, keeps_moments=True)
    assert _is_right(usual)
    assert any(not _is_right(explorer.resume(usual, moment)) for moment in usual.moments)


def _is_right(ending: Ending) -> bool:
    try:
        ending.check()
    except AssertionError:
        return False
    return ending.job.status is JobStatus.SUCCESS


def _left_image(cloud: DirectCloud) -> None:
    cloud.make(name="left")


def _left_volume(cloud: DirectCloud) -> None:
    cloud.volume(name="left")


def _left_store_file(cloud: DirectCloud) -> None:
    cloud.data["left"] = b"left"


def _left_secret(cloud: DirectCloud) -> None:
    cloud.secrets["left"] = {"name": "left"}


def _left_trust(cloud: DirectCloud) -> None:
    cloud.trust()


def _left_snapshot(cloud: DirectCloud) -> None:
    cloud.machines.snapshots["left"] = {"id": "left", "name": "left", "status": "available"}


def _left_backup(cloud: DirectCloud) -> None:
    # No part of any server backup.
    cloud.backups["left"] = {"id": "left", "name": "left", "status": "available"}


def _left_members(cloud: DirectCloud) -> None:
    cloud.members["left"] = {"left": "pending"}


def _left_server(cloud: DirectCloud) -> None:
    cloud.machines.server([])


LEAKS: dict[str, Callable[[DirectCloud], None]] = {
    "image": _left_image,
    "volume": _left_volume,
    "store file": _left_store_file,
    "secret": _left_secret,
    "trust": _left_trust,
    "snapshot": _left_snapshot,
    "backup": _left_backup,
    "members": _left_members,
    "server": _left_server,
}


# A request without which a job comes to nothing; one that only looks makes few, and what was done to a server
# need not be told.
_LATE = {model.CHECK_IMAGE: 2, model.WHOLE_OF_SERVER: 4, model.SERVER_BACKUP: 4}


@each_scenario
def test_whatever_is_left_behind_is_found(explorer, scenario):
    """By a job that succeeds, and by one that fails: each thing is named, whatever else is left."""
    at = _LATE.get(scenario.job_type, 3)
    # Of whom the images are shared with, each image is looked at by itself.
    kinds = [kind for kind in LEAKS if not (scenario.shares and kind == "members")]

    def watch(cloud: DirectCloud, number: int) -> None:
        if number == 1:
            for kind in kinds:
                LEAKS[kind](cloud)

    for refused in (None, Refusal(at)):
        ending = explorer.run(scenario, refused, watch=watch)
        assert (ending.job.status is JobStatus.FAIL) or refused is None
        with pytest.raises(AssertionError) as found:
            ending.check()
        named = re.findall(r"(?:^|; )([a-z ]+) \S+ is left: ", str(found.value))
        assert set(kinds) <= set(named)


@each_scenario
def test_a_job_that_makes_nothing_is_found(scenario: Scenario, explorer):
    """Its check of a success looks for what the job is for."""
    ending = explorer.run(scenario, Refusal(0))
    assert ending.job.status is JobStatus.FAIL
    with pytest.raises((AssertionError, KeyError, ValueError)):
        scenario.check_success(ending.cloud, ending.before, ending.job)
