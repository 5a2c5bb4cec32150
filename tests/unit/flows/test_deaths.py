# SPDX-License-Identifier: Apache-2.0
"""At whatever moment of a job its worker dies, or a neighbour refuses something: all or nothing.

Each test goes through all requests of its job, and through all that is recorded about it; a failure
names those at which it happened.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import pytest

from ims_glance import flows
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.unit.flows import explorer as explorers
from tests.unit.flows.explorer import Ending, Explorer, Refusal
from tests.unit.flows.scenarios import SCENARIOS, Scenario
from tests.unit.flows.slow_cloud import SlowCloud

# So many moments before the end of a job, most of what it does has been done.
_LAST = 12

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)


@pytest.fixture(scope="module")
def explorer() -> Iterator[Explorer]:
    """What runs the jobs, where Nova and Cinder take their time."""
    yield from explorers.explorers(SlowCloud)


@pytest.fixture(scope="module")
def undisturbed(explorer: Explorer) -> Callable[[Scenario], Ending]:
    """How a job ends when nothing goes wrong."""
    known: dict[Scenario, Ending] = {}

    def ending(scenario: Scenario) -> Ending:
        if scenario not in known:
            known[scenario] = explorer.run(scenario, keeps_moments=True)
        return known[scenario]

    return ending


def explore(
    endings: Iterable[tuple[object, Ending]], check: Callable[[Ending], None] = Ending.check
) -> None:
    """Check what a job comes to, in each of many ways.

    :param endings: each with what a failure is to name
    :raises AssertionError: if a check fails; it names all for which it does
    """
    count, failures = 0, []
    for name, ending in endings:
        count += 1
        try:
            ending.check()
            check(ending)
        except AssertionError as error:
            failures.append(f"{name}: {ending.job.status} ({ending.job.fail_reason}); {error}")
    assert not failures, "\n".join([f"{len(failures)} of {count}", *failures])


def test_every_type_of_job_has_a_scenario() -> None:
    assert {scenario.job_type for scenario in SCENARIOS} == set(flows.JOB_TYPES)


@each_scenario
def test_without_trouble(explorer, undisturbed, scenario):
    usual = undisturbed(scenario)
    assert (usual.job.status, usual.job.fail_reason) == (JobStatus.SUCCESS, None)
    usual.check()
    assert explorer.run(scenario).result == usual.result


@each_scenario
def test_every_request_is_explored(undisturbed, scenario):
    usual = undisturbed(scenario)
    names = [name for moment in usual.moments for name in moment.names]
    assert sum(name.startswith("request") for name in names) == len(usual.requests)
    assert sum(name.startswith("the answer") for name in names) == len(usual.requests)


@each_scenario
def test_the_worker_dies(explorer, undisturbed, scenario):
    """Before a request is sent, when its answer is still on its way, or before it is recorded."""
    usual = undisturbed(scenario)

    def check(ending: Ending) -> None:
        assert ending.job.status is JobStatus.SUCCESS
        assert ending.result == usual.result

    explore(((each, explorer.resume(usual, each)) for each in usual.moments), check)


@pytest.mark.parametrize("job_type", [model.VOLUME_CREATE_IMAGE, model.IMAGES_OF_VOLUMES])
def test_an_upload_breaks_off_and_the_worker_dies(explorer, job_type):
    scenario = next(each for each in SCENARIOS if each.job_type == job_type)

    def prepare(cloud):
        cloud.broken_uploads = 2
        return scenario.prepare(cloud)

    usual = explorer.run(dataclasses.replace(scenario, prepare=prepare), keeps_moments=True)
    usual.check()
    assert sum(each.endswith("/action") for each in usual.requests) > 2

    def check(ending: Ending) -> None:
        assert ending.job.status is JobStatus.SUCCESS
        assert ending.result == usual.result

    explore(((each, explorer.resume(usual, each)) for each in usual.moments), check)


@pytest.fixture(scope="module", params=[model.IMAGE_OF_SERVER, model.WHOLE_OF_SERVER])
def reading(request, explorer: Explorer) -> Ending:
    """How an image of a server ends whose root disk Nova reads for long."""
    of_type = (each for each in SCENARIOS if each.job_type == request.param)
    scenario = next(each for each in of_type if each.name == "local root")

    def prepare(cloud):
        cloud.reading = 30
        return scenario.prepare(cloud)

    ending = explorer.run(dataclasses.replace(scenario, prepare=prepare), keeps_moments=True)
    ending.check()
    return ending


def test_the_worker_dies_while_nova_reads_a_root_disk(explorer, reading):
    def check(ending: Ending) -> None:
        assert ending.job.status is JobStatus.SUCCESS
        assert ending.result == reading.result

    explore(((each, explorer.resume(reading, each)) for each in reading.moments), check)


def test_a_neighbour_is_away_for_a_moment_while_nova_reads_a_root_disk(explorer, reading):
    def away(at):
        def watch(cloud, number):
            if number == at:
                cloud.failures[".*"] = [503]

        return explorer.run(reading.scenario, watch=watch)

    def check(ending: Ending) -> None:
        assert ending.job.status is JobStatus.SUCCESS

    made = enumerate(reading.requests)
    explore(((f"request {at}, {request}", away(at)) for at, request in made), check)


@each_scenario
def test_the_worker_dies_and_the_job_is_cancelled(explorer, undisturbed, scenario):
    usual = undisturbed(scenario)
    cancelled = ((each, explorer.resume(usual, each, is_cancelled=True)) for each in usual.moments)
    ended = []

    def check(ending: Ending) -> None:
        assert ending.job.error_code in ("IMG.0018", None)
        ended.append(ending.job.status)

    explore(cancelled, check)
    # From some moment on all is done, and nothing is left to be cancelled.
    assert ended == sorted(ended)
    assert ended.count(JobStatus.SUCCESS) < 10


@each_scenario
def test_cancelled_at_the_end_and_no_heartbeat_has_told_of_it(explorer, undisturbed, scenario):
    """All is done by then; it was promised to be undone all the same."""
    usual = undisturbed(scenario)
    ended = []

    def check(ending: Ending) -> None:
        assert (ending.job.status is JobStatus.FAIL) is ending.job.cancel_requested
        ended.append(ending.job.status)

    last = usual.moments[-_LAST:]
    explore(
        ((each, explorer.resume(usual, each, is_cancelled=True, is_heard=False)) for each in last),
        check,
    )
    assert set(ended) == {JobStatus.FAIL, JobStatus.SUCCESS}


@each_scenario
@pytest.mark.parametrize("status", [403, 409, 500])
def test_a_neighbour_refuses(explorer, undisturbed, scenario, status):
    made = enumerate(undisturbed(scenario).requests)
    # Nothing is in the way of a look.
    refusable = [(at, each) for at, each in made if status != 409 or not each.startswith("GET")]
    explore(
        (f"request {at}, {request}", explorer.run(scenario, Refusal(at, status)))
        for at, request in refusable
    )


@each_scenario
def test_the_worker_dies_while_it_undoes_the_job(explorer, undisturbed, scenario):
    failed = failed_last(explorer, undisturbed(scenario))

    ended = []

    def check(ending: Ending) -> None:
        # Another worker makes some things anew, under ids that are not refused.
        assert ending.job.error_code in (failed.job.error_code, None)
        ended.append(ending.job.status)

    undoing = [moment for moment in failed.moments if moment.refused]
    explore(((each, explorer.resume(failed, each)) for each in undoing), check)
    # Once it is recorded that the task has failed, the job fails.
    assert ended.count(JobStatus.SUCCESS) < 3 < len(ended)


def failed_last(explorer: Explorer, usual: Ending) -> Ending:
    """How the job ends if the last request is refused that it cannot do without."""
    for at in reversed(range(len(usual.requests))):
        if explorer.run(usual.scenario, Refusal(at)).job.status is JobStatus.FAIL:
            return explorer.run(usual.scenario, Refusal(at), keeps_moments=True)
    raise AssertionError("nothing can fail")
