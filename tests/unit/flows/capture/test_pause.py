# SPDX-License-Identifier: Apache-2.0
"""Servers that stand still, and always go on."""

import contextlib
import re
import time

import pytest

from ims_glance.clouds.compute import ComputeApi
from ims_glance.clouds.region import Region
from ims_glance.flows.capture import pause
from ims_glance.flows.capture.pause import Standstill
from ims_glance.jobs.context import Abandoned, Cancelled
from ims_glance.jobs.lease import clock
from ims_glance.model.server import ServerBusy, ServerLocked, ServerUnfit
from tests.unit.flows import small_world
from tests.unit.jobs import job_bench


class Bench:
    def __init__(self, tables, server):
        self.server_id = server.machines.server([server.volume()])
        self.view = server.machines.servers[self.server_id]
        self.job = job_bench.context(tables)
        tables.conf.set_override("patience_seconds", 1.0, "ims_jobs")
        self.held = Standstill(self.job, ComputeApi(Region(server.session())), self.server_id, 1.0)

    @property
    def status(self):
        return self.view["status"]


@pytest.fixture
def bench(tables, server, monkeypatch):
    small_world.still_time(monkeypatch)
    return Bench(tables, server)


def test_it_stands_still_and_goes_on(bench):
    with bench.held.hold() as still:
        assert bench.status == "PAUSED"
        bench.job.pause(0.25)
    assert bench.status == "ACTIVE"
    assert still.milliseconds == 250


@pytest.mark.parametrize("error", [KeyError, Cancelled, KeyboardInterrupt])
def test_whatever_goes_wrong_it_goes_on(bench, error):
    with pytest.raises(error), bench.held.hold():
        raise error
    assert bench.status == "ACTIVE"


def test_a_worker_that_is_told_to_stop_lets_it_go(bench):
    with pytest.raises(Abandoned), bench.held.hold():
        bench.job.lease.end()
        bench.job.check()
    assert bench.status == "ACTIVE"


def test_a_cancelled_job_lets_it_go(bench):
    with pytest.raises(Cancelled), bench.held.hold():
        bench.job.lease.cancel()
        bench.job.pause(5)
    assert bench.status == "ACTIVE"


def test_a_pause_that_is_still_coming_is_waited_for(bench, server):
    """Nova answers at once, and until the hypervisor has paused it the server is ``ACTIVE``."""
    looks = []

    def before(request):
        if not re.fullmatch("GET /servers/[^/]+", request):
            return
        looks.append(request)
        if len(looks) == 1:
            bench.view.update({"status": "ACTIVE", "OS-EXT-STS:task_state": "pausing"})
            bench.job.lease.cancel()
        if len(looks) == 4:
            bench.view.update({"status": "PAUSED", "OS-EXT-STS:task_state": None})

    server.before = before
    with pytest.raises(Cancelled), bench.held.hold():
        raise AssertionError("it was held")
    assert (len(looks) > 4, bench.status) == (True, "ACTIVE")


def test_another_job_pauses_it_for_itself(bench, server, tables):
    """Its disks would be of two instants: the guest went on in between. The other pause is left alone."""
    again = job_bench.again(tables, job_bench.context(tables, 2))
    other = Standstill(again, ComputeApi(Region(server.session())), bench.server_id, 1.0)
    with other.hold():
        pass
    others = contextlib.ExitStack()
    with pytest.raises(pause.NotStill, match="it is PAUSED after it went on"), bench.held.hold():
        other._may_hold = True
        other.let_go()
        others.enter_context(other.hold())
    assert bench.status == "PAUSED"
    bench.held.let_go()
    assert bench.status == "PAUSED"
    others.close()
    assert bench.status == "ACTIVE"


def test_to_let_it_go_on_has_failed(bench, server):
    """Nova notes that it was asked to, and nobody else lets it go on then."""
    done = server.machines.actions
    with pytest.raises(pause.NotStill, match="it is PAUSED after it went on"), bench.held.hold():
        status, tasks = bench.status, bench.view["OS-EXT-STS:task_state"]
        ComputeApi(Region(server.session())).unpause(bench.server_id)
        bench.view.update({"status": status, "OS-EXT-STS:task_state": tasks})
    assert bench.status == "ACTIVE"
    assert done


def test_a_cloud_that_does_not_tell_what_was_done(bench, server):
    server.failures["GET /servers/.*/os-instance-actions"] = [403, 403]
    with bench.held.hold():
        assert bench.status == "PAUSED"
    assert bench.status == "ACTIVE"


def test_somebody_else_lets_it_go(bench):
    with pytest.raises(pause.NotStill, match="somebody"), bench.held.hold():
        bench.view["status"] = "ACTIVE"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"OS-EXT-STS:task_state": "rebooting"}, ServerBusy, "busy \\(rebooting\\)"),
        ({"status": "SUSPENDED"}, ServerUnfit, "is SUSPENDED"),
        ({"status": "SHUTOFF"}, ServerUnfit, "is SHUTOFF now.*: ACTIVE will do"),
    ],
)
def test_a_server_that_cannot_be_paused(bench, changes, error, said):
    bench.view.update(changes)
    with pytest.raises(error, match=said), bench.held.hold():
        raise AssertionError("it was held")


@pytest.mark.parametrize(
    ("locked", "error", "said"),
    [(True, ServerLocked, "Unlock it"), (False, ServerBusy, "as the test wants it")],
)
def test_nova_refuses_and_it_is_active(bench, server, locked, error, said):
    bench.view["locked"] = locked
    server.failures["POST /servers/.*/action"] = [409]
    with pytest.raises(error, match=said), bench.held.hold():
        raise AssertionError("it was held")


def test_nova_does_not_pause_it(bench, server):
    def before(request):
        if re.fullmatch("GET /servers/[^/]+", request):
            bench.view["status"] = "ERROR"

    server.before = before
    with pytest.raises(pause.NotStill, match="ERROR"), bench.held.hold():
        raise AssertionError("it was held")


def test_nova_takes_too_long_to_pause_it(bench, server, tables):
    def before(_request):
        bench.view.update({"status": "ACTIVE", "OS-EXT-STS:task_state": None})

    tables.conf.set_override("patience_seconds", 0.1, "ims_jobs")
    server.before = before
    with pytest.raises(pause.NotHeldStill, match="ACTIVE"), bench.held.hold():
        raise AssertionError("it was held")


def test_nova_does_not_let_it_go(bench):
    with pytest.raises(pause.NotLetGo, match="openstack server unpause"), bench.held.hold():
        bench.view["OS-EXT-STS:task_state"] = "image_uploading"


def test_the_deadline_is_the_jobs(bench):
    """Whoever comes late tries for a while, and says for how long the job has waited."""
    bench.job.record_wait("unpaused", time.time() - 3600.0)
    begun = clock()
    with pytest.raises(pause.NotLetGo, match=r"36\d\d seconds"), bench.held.hold():
        bench.view["OS-EXT-STS:task_state"] = "image_uploading"
    assert clock() - begun > 1.0


def test_a_busy_nova_is_waited_for(bench, server):
    asked = []

    def before(request):
        asked.append(request)
        if len(asked) > 8:
            bench.view["OS-EXT-STS:task_state"] = None

    with bench.held.hold():
        bench.view["OS-EXT-STS:task_state"] = "image_uploading"
        server.before = before
    assert bench.status == "ACTIVE"
