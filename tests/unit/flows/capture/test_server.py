# SPDX-License-Identifier: Apache-2.0
"""Captures of servers in a small cloud, by workers that die between any two requests."""

import re

import pytest

from ims_glance.flows.capture.disks import MakeVolumes
from ims_glance.flows.capture.server import TakeSnapshots
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import JobStatus
from tests.unit.flows import small_world
from tests.unit.flows.machine import Machine
from tests.unit.jobs import job_bench

KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture(params=[True, False], ids=["local", "on volumes"])
def machine(request, server):
    return Machine(server, request.param)


def whole_machine(cloud, machine, dies_at=0, cancels_at=0, number=1, **more):
    wishes = [DiskToCapture(disk) for disk in machine.disks]
    arguments = machine.arguments(wishes, **{"stands_still": True, **more})
    return cloud.run(model.WHOLE_OF_SERVER, dies_at, cancels_at, number, **arguments)


def is_undone(machine, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert "could not be undone" not in job.fail_reason
    assert machine.made == set()
    machine.check_tidy()


@pytest.mark.parametrize("broken", [1, 3, 99])
def test_uploads_that_break_are_begun_again(cloud, server, machine, broken):
    """Each of the disks', a few times."""
    server.broken_uploads = broken
    job = whole_machine(cloud, machine)
    if broken == 99:
        is_undone(machine, job, "IMG.0014")
        return
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    machine.check_tidy()
    parts = whole_image.components(server.images[job.image_id])
    assert machine.made == {job.image_id, *(part.image_id for part in parts)}
    assert job.in_making == {part.image_id for part in parts}


@pytest.mark.parametrize("dies_at", range(0, 60, 5))
def test_a_whole_machine(cloud, server, machine, dies_at):
    job = whole_machine(cloud, machine, dies_at, cmk_id=KEY)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    machine.check_tidy()
    image = server.images[job.image_id]
    assert (image["size"], image["name"], image["tags"]) == (0, "mine", ["a=b"])
    assert image["hw_firmware_type"] == "uefi"
    assert image[attributes.CMK_ID] == KEY
    assert (image[attributes.CAPTURE], image[attributes.WHOLE_IMAGE]) == ("paused", "true")
    [first, second] = whole_image.components(image)
    assert (first.disk.number, second.disk.volume_type) == (0, "fast")
    assert machine.made == {job.image_id, first.image_id, second.image_id}
    for each in (first, second):
        view = server.images[each.image_id]
        assert (view["os_hidden"], view["protected"]) == (True, True)
        assert view[attributes.COMPONENT_OF] == job.image_id
        assert view[attributes.CMK_ID] == KEY
        assert "base_image_ref" not in view


@pytest.mark.parametrize("dies_at", (0, 40))
def test_only_what_the_job_had_made_is_deleted(cloud, server, machine, dies_at):
    """Also where Cinder's operator lets nobody filter by names, and tells those who do of all there is."""
    server.machines.filters_names = False
    others = {server.volume(name="of its owner"), server.volume(status="in-use")}
    snapshot = server.machines.snapshots["kept"] = {"id": "kept", "status": "available"}
    job = whole_machine(cloud, machine, dies_at)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert set(server.volumes) == {*machine.volumes, *others}
    assert server.machines.snapshots == {"kept": snapshot}


@pytest.mark.parametrize("dies_at", (0, 11, 17))
def test_no_snapshot_that_counts_was_taken_of_a_running_server(cloud, server, machine, dies_at):
    whole_machine(cloud, machine, dies_at)
    assert set(server.machines.taken) == {"PAUSED"}


@pytest.mark.parametrize("cancels_at", range(1, 50, 7))
def test_cancelled(cloud, machine, cancels_at):
    job = whole_machine(cloud, machine, cancels_at=cancels_at)
    if job.status is JobStatus.FAIL:
        is_undone(machine, job, "IMG.0018")


def test_a_job_that_an_earlier_version_began(cloud, server, machine, monkeypatch):
    """It had recorded no ids of snapshots and volumes."""
    assert whole_machine(cloud, machine).status is JobStatus.SUCCESS
    actions = [at for at, each in enumerate(server.requests) if "/volumes/" in each]
    dies_at = next(at for at in actions if server.requests[at].endswith("/action"))
    take, make = TakeSnapshots.execute, MakeVolumes.execute

    def taken(task, is_running):
        return {key: each for key, each in take(task, is_running).items() if key != "snapshots"}

    def made(task, instant):
        make(task, instant)

    with monkeypatch.context() as earlier:
        earlier.setattr(TakeSnapshots, "execute", taken)
        earlier.setattr(MakeVolumes, "execute", made)
        earlier.setattr(MakeVolumes, "default_provides", ())

        def watch(request):
            if re.fullmatch("POST /volumes/.*/action", request):
                earlier.undo()

        cloud.watch = watch
        job = whole_machine(cloud, machine, dies_at, number=2)
    assert (job.status, job.fail_reason, job.generation) == (JobStatus.SUCCESS, None, 2)
    machine.check_tidy()


def test_without_the_pause(cloud, server, machine):
    job = whole_machine(cloud, machine, stands_still=False)
    assert server.images[job.image_id][attributes.CAPTURE] == "running"
    assert "ACTIVE" in server.machines.taken


def test_a_stopped_server(cloud, server, machine):
    server.machines.servers[machine.id]["status"] = "SHUTOFF"
    job = whole_machine(cloud, machine)
    assert server.images[job.image_id][attributes.CAPTURE] == "stopped"
    assert (
        f"POST /servers/{machine.id}/action" not in server.requests
        or machine.disks[0].volume_id is None
    )


def test_a_stopped_server_that_is_started_meanwhile(cloud, server, machine):
    """Its disks would be of several instants, and be called ``stopped``."""
    view = server.machines.servers[machine.id]
    view["status"] = "SHUTOFF"

    def watch(request):
        if request == "POST /snapshots":
            view["status"] = "ACTIVE"

    cloud.watch = watch
    is_undone(machine, whole_machine(cloud, machine), "IMG.0126")
    view["status"] = "SHUTOFF"
    job = whole_machine(cloud, machine, stands_still=False, number=2)
    assert server.images[job.image_id][attributes.CAPTURE] == "running"


def test_a_server_that_somebody_else_paused_stays_paused(cloud, server, machine):
    """By its owner, or by another job, which would fail if this one let it go on."""
    view = server.machines.servers[machine.id]

    def watch(request):
        if request.endswith("/action") and view["status"] == "ACTIVE":
            view["status"] = "PAUSED"

    cloud.watch = watch
    job = whole_machine(cloud, machine)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0126")
    assert machine.status == "PAUSED"


def test_a_server_goes_on_though_glance_does_not_delete(tables, server):
    """A worker died while it stood still."""
    machine = Machine(server, is_local=True)
    arguments = machine.arguments(
        [DiskToCapture(disk) for disk in machine.disks], stands_still=True
    )
    job = job_bench.again(tables, job_bench.context(tables, project_id="demo", arguments=arguments))
    job.session = server.session()
    server.machines.servers[machine.id]["status"] = "PAUSED"
    server.failures["GET /v2/images"] = [403]
    TakeSnapshots(job).revert(is_running=True)
    assert machine.status == "ACTIVE"
    assert "could not be undone" in tables.jobs.get(job.id).fail_reason


def test_snapshots_are_deleted_though_nova_does_not_let_the_server_go(tables, server, monkeypatch):
    small_world.still_time(monkeypatch)
    tables.conf.set_override("patience_seconds", 1.0, "ims_jobs")
    tables.conf.set_override("volume_seconds_per_gib", 0.0, "ims_jobs")
    machine = Machine(server, is_local=False)
    arguments = machine.arguments(
        [DiskToCapture(disk) for disk in machine.disks], stands_still=True
    )
    job = job_bench.again(tables, job_bench.context(tables, project_id="demo", arguments=arguments))
    job.session = server.session()
    task = TakeSnapshots(job)
    for disk in task.disks:
        task.volumes.create_snapshot(str(disk.volume_id), task.called(disk))
    # nova-compute has died while it was at it.
    stuck = {"status": "PAUSED", "OS-EXT-STS:task_state": "unpausing"}
    server.machines.servers[machine.id].update(stuck)
    task.revert(is_running=True)
    assert "could not be unpaused" in tables.jobs.get(job.id).fail_reason
    assert server.machines.snapshots == {}


def test_a_server_that_its_owner_paused_after_the_snapshots_stays_paused(tables, server):
    """Another worker undoes the job, hours later."""
    machine = Machine(server, is_local=True)
    arguments = machine.arguments(
        [DiskToCapture(disk) for disk in machine.disks], stands_still=True
    )
    job = job_bench.again(tables, job_bench.context(tables, project_id="demo", arguments=arguments))
    job.session = server.session()
    server.machines.servers[machine.id]["status"] = "PAUSED"
    taken = {"capture": "paused", "standstill": 7, "root_image": None}
    TakeSnapshots(job).revert(is_running=True, result=taken)
    assert machine.status == "PAUSED"
    assert tables.jobs.get(job.id).fail_reason is None


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ("POST /servers/.*/action", 403, "IMG.0099"),
        ("POST /snapshots", 413, "IMG.0099"),
        ("POST /volumes", 413, "IMG.0099"),
        ("POST /volumes/.*/action", 400, "IMG.0099"),
        ("PATCH /v2/images/.*", 403, "IMG.0099"),
        ("POST /v2/images", 403, "IMG.0099"),
    ],
)
def test_what_a_neighbour_refuses(cloud, server, machine, request_, status, code):
    server.failures[request_] = [status]
    is_undone(machine, whole_machine(cloud, machine), code)


@pytest.mark.parametrize(
    "request_",
    ["POST /snapshots", "POST /servers/.*/action", "GET /servers/[^/]*", "POST /volumes"],
)
def test_a_neighbour_that_is_away_for_a_moment(cloud, server, machine, request_):
    server.failures[request_] = [503]
    assert whole_machine(cloud, machine).status is JobStatus.SUCCESS
    machine.check_tidy()


def test_a_server_that_changed(cloud, server, machine):
    server.machines.attached[machine.id].pop()
    is_undone(machine, whole_machine(cloud, machine), "IMG.0126")


def test_a_server_that_is_gone(cloud, server, machine):
    gone = server.machines.servers.pop(machine.id)
    job = whole_machine(cloud, machine)
    server.machines.servers[machine.id] = gone
    is_undone(machine, job, "IMG.0005")


@pytest.mark.parametrize("request_", ["POST /snapshots", "POST /servers/[^/]*/action"])
def test_a_server_that_is_deleted_meanwhile(cloud, machine, request_):
    machine.delete_at(cloud, request_)
    is_undone(machine, whole_machine(cloud, machine), "IMG.0005")


def test_a_volume_that_is_gone_is_no_server_that_is_gone(cloud, server, machine):
    server.failures["POST /snapshots"] = [404]
    is_undone(machine, whole_machine(cloud, machine), "IMG.0099")


def test_an_image_of_the_system_disk_alone_is_done_in_the_end(cloud, machine):
    job = cloud.run(
        model.IMAGE_OF_SERVER, **machine.arguments([DiskToCapture(machine.disks[0], "mine")])
    )
    assert job.status is JobStatus.SUCCESS
    assert job.done_bytes == job.total_bytes > 0


@pytest.mark.parametrize("dies_at", range(0, 40, 9))
def test_images_of_single_disks(cloud, server, machine, dies_at):
    wishes = [
        DiskToCapture(machine.disks[0], "mine"),
        DiskToCapture(machine.disks[1], "data", "said", ("c=d",)),
    ]
    arguments = machine.arguments(wishes)
    job = cloud.run(model.IMAGE_OF_SERVER, dies_at, **arguments)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    machine.check_tidy()
    system = server.images[job.image_id]
    assert (system["name"], system["os_hidden"], system["min_disk"]) == ("mine", False, 1)
    [of_system, of_data] = model.view(job)["entities"]["sub_jobs_result"]
    assert of_system["entities"]["image_id"] == job.image_id
    data = server.images[of_data["entities"]["image_id"]]
    assert (data["name"], data[attributes.VIRTUAL_ENV_TYPE]) == ("data", "DataImage")
    assert (data["tags"], data[attributes.DESCRIPTION]) == (["c=d"], "said")
    assert machine.made == {system["id"], data["id"]}
