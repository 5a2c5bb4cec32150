# SPDX-License-Identifier: Apache-2.0
"""Servers that stand still, and always go on."""

import pytest

from ims_glance.clouds.compute import ComputeApi
from ims_glance.flows import standstill
from ims_glance.flows.context import Abandoned, Cancelled
from ims_glance.flows.standstill import Standstill
from ims_glance.model.servers import ServerUnfit
from tests.unit.flows import flow_bench


class Bench:
    def __init__(self, tables, server):
        self.server_id = server.machines.server([server.volume()])
        self.view = server.machines.servers[self.server_id]
        self.job = flow_bench.context(tables)
        tables.conf.set_override("patience_seconds", 1.0, "ims_jobs")
        self.held = Standstill(self.job, ComputeApi(server.session()), self.server_id, 1.0)

    @property
    def status(self):
        return self.view["status"]


@pytest.fixture
def bench(tables, server):
    return Bench(tables, server)


def test_it_stands_still_and_goes_on(bench):
    with bench.held.hold() as still:
        assert bench.status == "PAUSED"
    assert bench.status == "ACTIVE"
    assert still.milliseconds > 0


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


def test_somebody_else_lets_it_go(bench):
    with pytest.raises(standstill.NotStill, match="somebody"), bench.held.hold():
        bench.view["status"] = "ACTIVE"


def test_a_server_that_does_something_else(bench):
    bench.view["OS-EXT-STS:task_state"] = "rebooting"
    with pytest.raises(ServerUnfit), bench.held.hold():
        raise AssertionError("it was held")


def test_nova_does_not_pause_it(bench, server):
    def before(request):
        if request.startswith("GET /servers"):
            bench.view["status"] = "ERROR"

    server.before = before
    with pytest.raises(standstill.NotHeldStill), bench.held.hold():
        raise AssertionError("it was held")


def test_nova_does_not_let_it_go(bench):
    with pytest.raises(standstill.NotLetGo, match="openstack server unpause"), bench.held.hold():
        bench.view["OS-EXT-STS:task_state"] = "image_uploading"


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
