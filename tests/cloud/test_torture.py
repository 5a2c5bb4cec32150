# SPDX-License-Identifier: Apache-2.0
"""Jobs of every type while workers die and neighbours go away: none lost, nothing left.

(Deaths at every single task are in ``test_jobs`` and ``test_flow_*``.)
"""

import random
import signal
import threading
import time

import pytest

from tests.cloud import jobs, pocket, torture

_AWAY = 10.0


@pytest.fixture(scope="module")
def site():
    with torture.site() as made:
        yield made


@pytest.fixture
def bench(site):
    made = jobs.Bench(patience_seconds=120)
    before = torture.count(site)
    yield made
    torture.settled(site, made, before)


@pytest.mark.parametrize("seed", [1, 2])
def test_workers_die_at_any_moment(site, bench, seed):
    dice = random.Random(seed)
    round_ = torture.Round(site, bench)
    workers = [bench.start(slow=0.5) for _ in range(2)]
    deaths, end = 0, time.monotonic() + 240
    try:
        while not round_.is_over:
            assert time.monotonic() < end
            time.sleep(dice.uniform(3.0, 7.0))
            victim = dice.randrange(2)
            deaths += workers[victim].lives
            workers[victim].kill()
            workers[victim] = bench.start(slow=0.5)
    finally:
        for worker in workers:
            worker.kill()
    assert round_.check(round_.ended(5)) == []
    assert deaths


@pytest.mark.parametrize("service", ["keystone", "barbican", "glance-one"])
def test_a_neighbour_is_away(site, bench, service):
    with bench.worker(slow=1.0), bench.worker(slow=1.0):
        round_ = torture.Round(site, bench)
        time.sleep(2.5)
        with pocket.killed(service):
            time.sleep(_AWAY)
        found = round_.ended(240)
    # It may have been away for too long, if the job says so.
    assert [each for each in round_.check(found) if "IMG.0014" not in each] == []


def test_the_callers_token_is_revoked(site, bench):
    round_ = torture.Round(site, bench)
    for connection in (site.tenant, site.receiver):
        token = connection.auth_token
        connection.session.delete(
            "/auth/tokens",
            endpoint_filter={"service_type": "identity", "interface": "public"},
            headers={"X-Subject-Token": token},
        )
        connection.session.invalidate()
    with bench.worker():
        found = round_.ended(120)
    assert round_.check(found) == []


def test_all_is_offered_to_all_workers(site, bench):
    round_ = torture.Round(site, bench)
    with bench.worker(), bench.worker(), bench.worker():
        found = round_.ended(120)
    assert round_.check(found) == []
    assert {job.generation for job in found.values()} == {1}


def test_frozen_workers(site, bench):
    """Each worker is frozen for longer than its leases, again and again."""
    with bench.worker(slow=0.5) as one, bench.worker(slow=0.5) as two:
        round_ = torture.Round(site, bench)
        is_over = threading.Event()

        def freeze() -> None:
            while not is_over.is_set():
                for worker in (one, two):
                    worker.signal(signal.SIGSTOP)
                    time.sleep(4.5)
                    worker.signal(signal.SIGCONT)
                    time.sleep(1.0)

        thread = threading.Thread(target=freeze)
        thread.start()
        try:
            found = round_.ended(300)
        finally:
            is_over.set()
            thread.join()
    assert round_.check(found) == []
