# SPDX-License-Identifier: Apache-2.0
"""A Cinder that forgets what it was doing, at whatever moment: jobs end, and name what is left.

That is what a Cinder does that is killed, or whose database is.
"""

from collections.abc import Iterator

import pytest

from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.unit.flows import explorer as explorers
from tests.unit.flows import scenarios
from tests.unit.flows.explorer import Ending, Explorer
from tests.unit.flows.scenarios import SCENARIOS
from tests.unit.flows.slow_cloud import SlowCloud

_WITHOUT_CINDER = {
    model.COPY_IN_REGION,
    model.COPY_CROSS_REGION,
    model.RECEIVE_IMAGE,
    model.IMPORT_IMAGE,
    model.IMPORT_DATA_IMAGE,
    model.REGISTER_IMAGE,
    model.EXPORT_IMAGE,
    model.CHECK_IMAGE,
    model.PUBLISH_IMAGE,
    model.SCAN_IMAGE,
    model.ADD_MEMBERS,
    model.DELETE_MEMBERS,
    model.UPDATE_MEMBERS,
}
# Nova's work, which goes on.
_NOT_FORGOTTEN = ("became", "root_uploaded")
_EVERY = 4
_KINDS = ("volume", "snapshot", "backup")


@pytest.fixture(scope="module")
def explorer() -> Iterator[Explorer]:
    yield from explorers.explorers(SlowCloud)


def _forgets(at: int) -> explorers.Watch:
    def watch(cloud, number):
        if number == at:
            cloud.pending = [each for each in cloud.pending if each[1] in _NOT_FORGOTTEN]

    return watch


def _check_named(ending: Ending, at: int) -> None:
    """What is left, or is not as it was, is named with what an operator has to do."""
    reason = str(ending.job.fail_reason)
    assert " seconds" in reason, (at, reason)
    after = ending.cloud.state()
    for kind in _KINDS:
        before = ending.before[kind]
        for each, now in list(after[kind].items()):
            if now != before.get(each):
                assert each in reason, (at, kind, now, reason)
                assert "--state" in reason
                # What the operator does.
                if each in before:
                    after[kind][each] = before[each]
                else:
                    del after[kind][each]
    scenarios.check_nothing_left(ending.before, after)


@pytest.mark.parametrize(
    "scenario", [each for each in SCENARIOS if each.job_type not in _WITHOUT_CINDER], ids=str
)
def test_cinder_forgets(explorer, scenario):
    usual = explorer.run(scenario)
    ended = []
    for at in range(0, len(usual.requests), _EVERY):
        ending = explorer.run(scenario, watch=_forgets(at))
        ended.append(ending.job.status)
        if ending.job.status is JobStatus.SUCCESS:
            ending.check()
        else:
            _check_named(ending, at)
    assert JobStatus.FAIL in ended
