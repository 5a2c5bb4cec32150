# SPDX-License-Identifier: Apache-2.0
"""Jobs of every type while workers die and neighbours go away: none lost, nothing left.

(Deaths at every single task are in ``test_jobs`` and ``test_flow_*``.)
"""

import json
import os
import random
import secrets
import signal
import threading
import time

import pytest

from ims_glance.model.job import JobStatus
from tests.cloud import jobs, pocket, torture

pytestmark = [pytest.mark.alone, pytest.mark.pocket]

_AWAY = 5.0
# Cinder or Glance forgets what it was doing if it, its database or its queue goes away.
_FORGETS = ("glance-one", "mariadb", "rabbitmq")


@pytest.fixture(scope="module")
def site():
    with torture.site() as made:
        yield made


@pytest.fixture
def service():
    """The neighbour that goes away: none, unless a test has them as its parameters."""
    return ""


@pytest.fixture
def bench(site, service):
    made = jobs.Bench(patience_seconds=40, volume_seconds_per_gib=10)
    before = torture.count(site)
    yield made
    torture.settled(site, made, before, service in _FORGETS)


@pytest.mark.parametrize("number", [1, 2])
def test_workers_die_at_any_moment(site, bench, number):
    # Another one in each run; a run that failed has shown it.
    seed = os.environ.get("TORTURE_SEED") or secrets.token_hex(4)
    print(f"TORTURE_SEED={seed}")
    dice = random.Random(f"{seed} {number}")
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


@pytest.mark.parametrize("service", ["keystone", "barbican", "glance-one", "mariadb", "rabbitmq"])
def test_a_neighbour_is_away(site, bench, service):
    with bench.worker(slow=1.0), bench.worker(slow=1.0):
        round_ = torture.Round(site, bench)
        time.sleep(2.5)
        with pocket.killed(service):
            time.sleep(_AWAY)
        found = round_.ended(300)
    # It may have been away for too long, or have forgotten a volume, if the job says so.
    said = ("IMG.0014", *(["openstack volume set --state"] if service in _FORGETS else []))
    failures = round_.check(found)
    assert [each for each in failures if not any(words in each for words in said)] == []


@pytest.mark.parametrize("service", ["keystone", "barbican", "glance-one"])
def test_a_neighbour_is_away_for_longer_than_the_patience(site, service):
    """The jobs end, say why, and are undone as soon as it is back."""
    bench = jobs.Bench(patience_seconds=2, volume_seconds_per_gib=30)
    before = torture.count(site)
    with bench.worker(slow=1.0), bench.worker(slow=1.0):
        round_ = torture.Round(site, bench)
        time.sleep(2.5)
        with pocket.killed(service):
            time.sleep(_AWAY)
        found = round_.ended(180)
    round_.check(found)
    torture.settled(site, bench, before, service in _FORGETS)


def test_without_a_queue_jobs_are_accepted_and_run(site, bench):
    """They are found by the workers' own look. (A small job: Cinder does nothing without one.)"""
    with bench.worker(), pocket.killed("rabbitmq"):
        begun = time.monotonic()
        accepted = bench.accept(site.tenant)
        assert time.monotonic() - begun < 60
        job = bench.ended(accepted)
    assert job.status is JobStatus.SUCCESS
    site.tenant.image.delete_image(job.image_id)


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
    # Nobody is to think that a worker died because others have the processor.
    patient = {"lease_seconds": 60.0}
    with bench.worker(**patient), bench.worker(**patient), bench.worker(**patient):
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


def test_no_secret_is_in_the_database(site, bench):
    """After all that went through it: no token, and none of the cloud's passwords."""
    round_ = torture.Round(site, bench)
    with bench.worker():
        assert round_.check(round_.ended(120)) == []
    tables = ("jobs", "delegations", "tallies", "logbooks", "flowdetails", "atomdetails")
    text = "\n".join(repr(row) for table in tables for row in bench.rows(table))
    assert "copy data" in text
    assert "gAAAAA" not in text
    known = json.loads((pocket.HOME / "passwords.json").read_text())
    assert [name for name, secret in known.items() if len(secret) > 8 and secret in text] == []
