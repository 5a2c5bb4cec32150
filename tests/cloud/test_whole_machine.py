# SPDX-License-Identifier: Apache-2.0
"""Whole machines, from a guest that counts on its disks to one that is booted elsewhere."""

import contextlib
import json
import secrets
import time

import pytest
from huaweicloudsdkims import v2
from openstack import exceptions
from pocket_cloud.cloud import Cloud
from pocket_cloud.setup import base

from ims_glance import client
from ims_glance.client import comparison, errors, waiting
from ims_glance.model import job as model
from ims_glance.model.image import attributes
from tests.cloud import captures, flow_jobs, huawei, jobs, login, machines, pocket, servers, tenants

pytestmark = pytest.mark.pocket

PATIENCE = 400


@pytest.fixture(scope="class")
def local(tenant, guest):
    with machines.local_root(tenant, guest, disks=1) as server:
        yield server


@pytest.fixture(scope="class")
def on_volumes(tenant, guest):
    with machines.volume_root(tenant, guest, disks=1) as server:
        yield server


@pytest.fixture
def nothing_left(tenant):
    """To be used behind the fixture of the server that is captured."""
    before = captures.left(tenant)
    yield
    jobs.eventually(lambda: captures.left(tenant), before)


def captured(tenant, server, **wishes):
    """The whole-machine image of a server, as its job made it."""
    job = tenant.ims.create_whole_image("whole", instance_id=server.id, **wishes)
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    return tenant.ims.get_image(ended.image_id)


def components(tenant, image):
    """The hidden images that are its disks, by their number."""
    listed = tenant.image.get("/images", params={"os_hidden": "true"}).json()["images"]
    found = [each for each in listed if each.get(attributes.COMPONENT_OF) == image.id]
    return sorted(found, key=lambda each: each["name"])


def counts_after_boot(connection, image_id):
    """What the disks of a new server of the image hold."""
    with machines.booted(connection, image_id=image_id) as server:
        return machines.counters(connection, server)


def mapped(tenant, image):
    """The disks as Nova reads them of a whole-machine image."""
    return json.loads(flow_jobs.view(tenant, image.id)["block_device_mapping"])


def check_what_nova_refuses(tenant, image, volume_type):
    """Nova says at once why it cannot build a server, and builds nothing."""

    def refused(reason):
        with pytest.raises(exceptions.BadRequestException, match=reason):
            stack.enter_context(machines.booted(tenant, image_id=image.id))

    with contextlib.ExitStack() as stack:
        tenant.ims.update_image(image.id, min_ram=1 << 20)
        refused("memory is too small")
        tenant.ims.update_image(image.id, min_ram=0)
        with without(components(tenant, image)[1]["id"]) as gone:
            refused(f"failed to get image {gone}")
            with pytest.raises(errors.ServiceRefused, match=gone) as refusal:
                tenant.ims.copy_image(image, "copy")
            assert refusal.value.code == "IMG.0027"
        storage = login.connect("admin").block_storage
        storage.delete_type(storage.find_type(volume_type))
        refused(f"Volume type {volume_type} could not be found")


@contextlib.contextmanager
def without(image_id):
    """Without an image, as if somebody who may do that had deleted it."""
    cloud = Cloud.from_environment()
    change = "UPDATE glance_one.images SET status = '{}', deleted = {} WHERE id = '{}';"
    base.sql(cloud, change.format("deleted", 1, image_id))
    try:
        yield image_id
    finally:
        base.sql(cloud, change.format("active", 0, image_id))


def root_is_read(tenant, job):
    """Whether Nova has made its image of the root disk."""
    query = {"os_hidden": "true", "name": model.disk_name(job.id, 0), "status": "active"}
    return bool(tenant.image.get("/images", params=query).json()["images"])


def check_one_instant(tenant, server):
    """A running server with two disks, captured and booted elsewhere."""
    image = captured(tenant, server)
    assert tenant.compute.get_server(server.id).status == "ACTIVE"
    shown = flow_jobs.view(tenant, image.id)
    assert shown[attributes.CAPTURE] == "paused"
    assert int(shown[attributes.STANDSTILL]) > 0
    assert (shown["size"], shown[attributes.DATA_ORIGIN]) == (0, f"instance,{server.id}")
    disks = components(tenant, image)
    assert [(each["protected"], each["os_hidden"]) for each in disks] == [(True, True)] * 2
    counts = counts_after_boot(tenant, image.id)
    assert len(counts) == 2
    assert counts[0] > 1
    assert machines.are_of_one_instant(counts), counts
    tenant.ims.delete_image(image.id)


def check_single_disks(tenant, server):
    """Images of the system disk and of a data disk of a server."""
    attached = tenant.compute.get(f"/servers/{server.id}/os-volume_attachments").json()
    volumes = sorted(attached["volumeAttachments"], key=lambda each: each["device"])
    data = {"name": "data", "volume_id": volumes[-1]["volumeId"]}
    job = tenant.ims.create_image("system", instance_id=server.id, data_images=[data])
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    system = flow_jobs.view(tenant, ended.image_id)
    assert (system["name"], system["os_hidden"]) == ("system", False)
    [of_system, of_data] = ended.sub_jobs
    assert of_system["entities"]["image_id"] == system["id"]
    image = flow_jobs.view(tenant, of_data["entities"]["image_id"])
    assert (image["name"], image[attributes.VIRTUAL_ENV_TYPE]) == ("data", "DataImage")
    # It boots, from a disk on the host.
    assert len(counts_after_boot(tenant, system["id"])) == 1
    for each in (system, image):
        tenant.ims.delete_image(each["id"])


@pytest.mark.usefixtures("local", "nothing_left")
class TestLocalRoot:
    def test_all_disks_are_of_one_instant(self, tenant, local):
        check_one_instant(tenant, local)

    def test_without_the_pause_they_are_not(self, tenant, local):
        """Cinder is slow: its snapshots are taken when Nova has read the root disk already."""
        with pocket.frozen("cinder-volume"):
            job = tenant.ims.create_whole_image("whole", instance_id=local.id, no_pause=True)
            servers.wait_until(lambda: root_is_read(tenant, job))
            # For the guest's next rounds.
            time.sleep(3 * machines.SLOW / 1e6)
        ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
        assert flow_jobs.view(tenant, ended.image_id)[attributes.CAPTURE] == "running"
        counts = machines.counters_in(tenant, ended.image_id)
        assert counts[0] < counts[1], counts
        assert not machines.are_of_one_instant(counts)
        tenant.ims.delete_image(ended.image_id)

    def test_the_system_disk_and_a_data_disk(self, tenant, local):
        check_single_disks(tenant, local)


@pytest.fixture
def volume_type():
    """Name of a volume type that others may use too, until it is deleted."""
    storage = login.connect("admin").block_storage
    name = f"type-{secrets.token_hex(4)}"
    made = storage.create_type(name=name, extra_specs={"volume_backend_name": "rbd"})
    yield name
    storage.delete_type(made)


def check_copy_in_another_region(tenant, image):
    """Each disk is there, in its place, under that region's key."""
    job = tenant.ims.copy_image_cross_region(image, "there", "RegionTwo")
    copy_id = tenant.ims.wait_for_job(job, timeout=PATIENCE).image_id
    auth = tenant.config.config["auth"]
    named = {name: auth[name] for name in ("username", "password", "project_name")}
    there = client.register(login.connect("admin-two", named))
    copy = there.ims.get_image(copy_id)
    assert copy.is_encrypted
    compared = comparison.compare_disks(tenant.ims.data_of(image), there.ims.data_of(copy))
    assert [each.result for each in compared] == [comparison.Comparison.SAME] * 2
    assert [disk["volume_size"] for disk in mapped(there, copy)] == [1, 1]
    there.ims.delete_image(copy_id)
    assert components(there, copy) == []


@pytest.mark.usefixtures("nothing_left")
def test_encrypted_and_shared_after_the_server_is_gone(tenant, guest, volume_type):
    key_id = login.make_key(tenant)
    with machines.volume_root(tenant, guest, disks=1, data_type=volume_type) as server:
        image = captured(tenant, server, cmk_id=key_id)
    assert image.is_encrypted
    assert [disk.get("volume_type") for disk in mapped(tenant, image)] == ["rbd", volume_type]
    assert [each[attributes.CMK_ID] for each in components(tenant, image)] == [key_id] * 2
    check_copy_in_another_region(tenant, image)
    with tenants.tenant() as receiver:
        client.register(receiver)
        receiver.authorize()
        project = receiver.current_project_id
        share = {"member": project}
        assert tenant.image.post(f"/images/{image.id}/members", json=share).status_code == 200
        assert machines.are_of_one_instant(counts_after_boot(receiver, image.id))
        job = tenant.ims.unshare_images([image.id], [project])
        tenant.ims.wait_for_job(job, timeout=PATIENCE)
        check_what_nova_refuses(tenant, image, volume_type)
        seen = [image.id, *(each["id"] for each in components(tenant, image))]
        assert {receiver.image.get(f"/images/{each}").status_code for each in seen} == {404}
    tenant.ims.delete_image(image.id)
    tenant.key_manager.delete_secret(key_id)


@pytest.mark.usefixtures("on_volumes", "nothing_left")
class TestOnVolumes:
    def test_all_disks_are_of_one_instant(self, tenant, on_volumes):
        check_one_instant(tenant, on_volumes)

    def test_the_system_disk_and_a_data_disk(self, tenant, on_volumes):
        check_single_disks(tenant, on_volumes)

    def test_a_stopped_server(self, tenant, on_volumes):
        tenant.compute.stop_server(on_volumes)
        tenant.compute.wait_for_server(on_volumes, "SHUTOFF", wait=240)
        image = captured(tenant, on_volumes)
        assert flow_jobs.view(tenant, image.id)[attributes.CAPTURE] == "stopped"
        assert tenant.compute.get_server(on_volumes.id).status == "SHUTOFF"
        tenant.ims.delete_image(image.id)
        tenant.compute.start_server(on_volumes)
        tenant.compute.wait_for_server(on_volumes, wait=240)

    def _refused(self, tenant, code, server_id, **wishes):
        with pytest.raises(errors.ServiceRefused) as refused:
            tenant.ims.create_whole_image("whole", instance_id=server_id, **wishes)
        assert refused.value.code == code

    def test_a_paused_server(self, tenant, on_volumes):
        tenant.compute.pause_server(on_volumes)
        tenant.compute.wait_for_server(on_volumes, "PAUSED", wait=240)
        self._refused(tenant, "IMG.0126", on_volumes.id)
        tenant.compute.unpause_server(on_volumes)
        tenant.compute.wait_for_server(on_volumes, wait=240)

    def test_a_locked_server(self, tenant, on_volumes):
        tenant.compute.lock_server(on_volumes)
        self._refused(tenant, "IMG.0010", on_volumes.id)
        tenant.compute.unlock_server(on_volumes)

    def test_another_projects_server(self, tenant, on_volumes):
        other = client.register(login.connect("other"))
        self._refused(other, "IMG.0005", on_volumes.id)
        admin = client.register(login.connect("admin"))
        self._refused(admin, "IMG.0005", on_volumes.id)

    def test_by_huaweis_client(self, tenant, on_volumes):
        """And its disks are left alone."""
        ims = huawei.client(tenant)
        body = v2.CreateWholeImageRequestBody(
            name="whole", instance_id=on_volumes.id, image_tags=[v2.TagKeyValue("a", "b")]
        )
        job_id = ims.create_whole_image(v2.CreateWholeImageRequest(body)).job_id
        result = huawei.done(ims, job_id, "imsCreateWholeImageByInstanceJob")
        [listed] = ims.list_images(v2.ListImagesRequest(id=result.image_id)).images
        assert (listed.name, listed.status, listed.tags) == ("whole", "active", ["a=b"])
        image = tenant.ims.get_image(result.image_id)
        [first, *_] = components(tenant, image)
        path = f"/images/{first['id']}"
        assert tenant.image.delete(path).status_code == 409
        assert tenant.image.post(f"{path}/members", json={"member": "0" * 32}).status_code == 409
        with pytest.raises(exceptions.HttpException):
            tenant.image.update_image(image.id, block_device_mapping="[]")
        tenant.ims.delete_image(image.id)

    def test_no_room_for_the_volumes(self, tenant, on_volumes):
        """What Cinder refuses half-way is undone."""
        admin = login.connect("admin")
        project = tenant.current_project_id
        one_more = len(list(tenant.block_storage.volumes())) + 1
        admin.block_storage.update_quota_set(project, volumes=one_more)
        job = tenant.ims.create_whole_image("whole", instance_id=on_volumes.id)
        with pytest.raises(waiting.JobFailed, match="VolumeLimitExceeded"):
            tenant.ims.wait_for_job(job, timeout=PATIENCE)
        assert "could not be undone" not in tenant.ims.get_job(job).fail_reason
        assert tenant.compute.get_server(on_volumes.id).status == "ACTIVE"
        admin.block_storage.update_quota_set(project, volumes=40)
