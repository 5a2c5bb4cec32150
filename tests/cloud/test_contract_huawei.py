# SPDX-License-Identifier: Apache-2.0
"""What IMS adds to the Image API, called by Huawei's own client: its results and refusals."""

import re
import secrets
from pathlib import Path

import openstack.exceptions
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkims import v2

from ims_glance import client
from tests.cloud import client_shell, huawei, login
from tests.cloud.huawei import LINUX, NOBODY, refused


@pytest.fixture(scope="module")
def ims(demo):
    return huawei.client(demo)


@pytest.fixture(scope="module")
def theirs(other):
    return huawei.client(other)


@pytest.fixture(scope="module")
def image(demo):
    """An image that nobody changes for good."""
    with client_shell.image(demo, f"contract-{secrets.token_hex(4)}") as image_id:
        yield demo.image.get_image(image_id)


@pytest.fixture
def fresh(demo):
    with client_shell.image(demo, f"contract-{secrets.token_hex(4)}") as image_id:
        yield demo.image.get_image(image_id)


# --- images ----------------------------------------------------------------------------------


def _is_marketplace(conn):
    try:
        next(client.register(conn).ims.products(), None)
    except openstack.exceptions.HttpException:
        return False
    return True


def _list(ims, **query):
    return ims.list_images(v2.ListImagesRequest(**query))


def test_list_images(ims, demo, image):
    (found,) = _list(ims, id=image.id).images
    assert (found.id, found.name, found.status) == (image.id, image.name, "active")
    assert (found.imagetype, found.visibility) == ("private", "private")
    assert found.owner == demo.current_project_id
    assert (found.isregistered, found.os_type, found.os_bit) == ("true", "Linux", "64")
    assert found.os_version == "Other Linux(64 bit)"
    assert found.virtual_env_type == "FusionCompute"
    assert found.image_size == str(client_shell.MIB)
    assert found.protected is False
    # Nothing is in the way of selling it, where anything is sold.
    assert found.system_support_market is _is_marketplace(demo)


def test_list_images_by_filters(ims, image):
    mine = {"imagetype": "private", "isregistered": "true", "name": image.name}
    for more in (
        {"os_type": "Linux", "os_bit": "64", "virtual_env_type": "FusionCompute"},
        {"visibility": "private", "owner": image.owner, "protected": False},
        {"container_format": "bare", "disk_format": "raw", "status": "active"},
        {"created_at": "gte:2020-01-01T00:00:00Z", "updated_at": "lt:2999-01-01T00:00:00Z"},
        {"architecture": "x86"},
        {"enterprise_project_id": "0"},
    ):
        assert [one.id for one in _list(ims, **mine, **more).images] == [image.id], more
    for more in (
        {"os_type": "Windows"},
        {"imagetype": "gold"},
        {"visibility": "public"},
        {"status": "queued"},
        {"protected": True},
        {"created_at": "lt:2020-01-01T00:00:00Z"},
        {"architecture": "arm"},
        {"disk_format": "qcow2"},
    ):
        assert _list(ims, **{**mine, **more}).images == [], more


def test_list_images_by_pages(ims, demo, image, fresh):
    query = {"owner": image.owner, "sort_key": "created_at", "sort_dir": "asc"}
    seen, marker = [], None
    while True:
        page = _list(ims, **query, limit=1, marker=marker)
        assert len(page.images) <= 1
        seen += [(one.created_at, one.id) for one in page.images]
        marker = page.page_info and page.page_info.next_marker
        if not marker:
            break
        assert marker == seen[-1][1]
    assert len(set(seen)) == len(seen)
    # Made within one second, they come in any order.
    moments = [moment for moment, _id in seen]
    assert moments == sorted(moments)
    assert {image.id, fresh.id} <= {image_id for _moment, image_id in seen}


@pytest.mark.parametrize(
    "query",
    [
        {"sort_key": "owner"},
        {"sort_dir": "up"},
        {"limit": -1},
        {"marker": NOBODY},
        {"created_at": "yesterday"},
        {"member_status": "maybe", "visibility": "shared"},
    ],
)
def test_list_images_refuses(ims, query):
    with refused():
        _list(ims, **query)


def _update(ims, image_id, *changes):
    body = [v2.UpdateImageRequestBody(*change) for change in changes]
    return ims.update_image(v2.UpdateImageRequest(image_id=image_id, body=body))


def test_update_image(ims, fresh):
    name = f"{fresh.name}-new"
    whole = _update(
        ims,
        fresh.id,
        ("replace", "/name", name),
        ("add", "/__description", "说明"),
        ("replace", "/min_ram", 1024),
        ("add", "/max_ram", "4096"),
        ("add", "/hw_vif_multiqueue_enabled", "true"),
        ("add", "/hw_firmware_type", "uefi"),
        ("add", "/os_shutdown_timeout", "90"),
        ("add", "/__support_amd", "true"),
        ("add", "/own_word", "mine"),
    )
    assert (whole.id, whole.name, whole.description) == (fresh.id, name, "说明")
    assert (whole.min_ram, whole.max_ram) == (1024, "4096")
    assert (whole.hw_vif_multiqueue_enabled, whole.hw_firmware_type) == ("true", "uefi")
    assert (whole.os_shutdown_timeout, whole.support_amd) == ("90", "true")
    assert whole.image_size == str(client_shell.MIB)
    whole = _update(
        ims, fresh.id, ("remove", "/__description", None), ("remove", "/own_word", None)
    )
    assert whole.description is None
    assert _list(ims, name=name).images[0].min_ram == 1024


def test_update_image_refuses(ims, theirs, demo, image):
    with refused("IMG.0035"):
        _update(ims, image.id, ("replace", "/__description", "not there yet"))
    for code, path, value in (
        ("IMG.0002", "/name", "x" * 129),
        ("IMG.0003", "/name", " blank in front"),
        ("IMG.0013", "/name", ""),
        ("IMG.0004", "/__description", "x" * 1025),
        ("IMG.0054", "/__description", "<b>"),
        ("IMG.0141", "/hw_firmware_type", "coreboot"),
    ):
        with refused(code):
            _update(ims, image.id, ("add", path, value))
    for path, value in (
        ("/os_shutdown_timeout", "59"),
        ("/Capital", "x"),
        ("/deep/path", "x"),
        ("/min_ram", "-1"),
    ):
        with refused():
            _update(ims, image.id, ("add", path, value))
    for path in ("/__imagetype", "/__system__cmkid", "/owner", "/status", "/__image_size"):
        with refused():
            _update(ims, image.id, ("add", path, "x"))
    with refused("IMG.0027", 404):
        _update(ims, NOBODY, ("replace", "/name", "x"))
    with refused("IMG.0027", 404):
        _update(theirs, image.id, ("replace", "/name", "x"))
    queued = demo.image.create_image(name="contract-queued", disk_format="raw", allow_duplicates=1)
    try:
        with refused("IMG.0046"):
            _update(ims, queued.id, ("replace", "/name", "x"))
    finally:
        demo.image.delete_image(queued)


# --- copies and images of volumes --------------------------------------------------------------


def _copy(ims, image_id, **body):
    request = v2.CopyImageInRegionRequest(image_id, v2.CopyImageInRegionRequestBody(**body))
    return ims.copy_image_in_region(request).job_id


def _copy_safely(ims, image_id, **body):
    request = v2.CopyImageInRegionInSafeModeRequest(
        image_id, v2.CopyImageInRegionRequestBody(**body)
    )
    return ims.copy_image_in_region_in_safe_mode(request).job_id


@pytest.mark.parametrize("copy", [_copy, _copy_safely])
def test_copy_image_in_region(ims, demo, image, copy):
    name = f"copy_{image.name}"
    job_id = copy(ims, image.id, name=name, description="twin")
    entities = huawei.done(ims, job_id, "imsCopyImageInRegionJob")
    try:
        assert (entities.image_name, entities.process_percent) == (name, 100.0)
        (twin,) = _list(ims, id=entities.image_id).images
        assert (twin.name, twin.description, twin.status) == (name, "twin", "active")
        assert twin.data_origin == f"image,RegionOne,{image.id}"
        assert (twin.originalimagename, twin.image_size) == (image.id, str(client_shell.MIB))
        assert twin.system__cmkid is None
        assert demo.image.get_image(twin.id).hash_value == image.hash_value
    finally:
        demo.image.delete_image(entities.image_id)


def test_copies_encrypt_change_the_key_and_decrypt(ims, demo, image):
    made: list[str] = []
    key_id = login.make_key(demo)
    try:
        for source, key in ((image.id, "ims/default"), (None, key_id), (None, None)):
            job_id = _copy(ims, source or made[-1], name=f"copy_{image.name}", cmk_id=key)
            made.append(huawei.done(ims, job_id, "imsCopyImageInRegionJob").image_id)
        first, second, third = (_list(ims, id=one).images[0] for one in made)
        assert first.system__cmkid not in (None, "ims/default", key_id)
        assert (second.system__cmkid, third.system__cmkid) == (key_id, None)
        assert {demo.image.get_image(one).hash_value for one in made} == {image.hash_value}
        with refused("IMG.0096"):
            _copy(ims, made[1], name="same", cmk_id=key_id)
    finally:
        for one in made:
            demo.image.delete_image(one)
        demo.key_manager.delete_secret(key_id)


def test_copy_image_in_region_refuses(ims, theirs, image):
    with refused("IMG.0027", 404):
        _copy(ims, NOBODY, name="x")
    with refused("IMG.0027", 404):
        _copy(theirs, image.id, name="x")
    with refused("IMG.0013"):
        _copy(ims, image.id)
    with refused("IMG.0002"):
        _copy(ims, image.id, name="x" * 129)
    with refused("IMG.0095"):
        _copy(ims, image.id, name="x", cmk_id=NOBODY)


def _create(ims, **body):
    return ims.create_image(v2.CreateImageRequest(v2.CreateImageRequestBody(**body))).job_id


@pytest.mark.volumes
def test_create_image_from_a_volume(ims, demo):
    name = f"contract-{secrets.token_hex(4)}"
    volume = demo.block_storage.create_volume(name=name, size=1)
    made = None
    try:
        demo.block_storage.wait_for_status(volume, "available", ["error"], 1, 240)
        job_id = _create(
            ims,
            name=name,
            description="of a volume",
            volume_id=volume.id,
            os_version=LINUX,
            min_ram=1024,
            max_ram=2048,
            image_tags=[v2.TagKeyValue("env", "test")],
        )
        entities = huawei.done(ims, job_id, "imsVolumeCreateImageJob")
        made = entities.image_id
        (found,) = _list(ims, id=made).images
        assert (found.name, found.description, found.status) == (name, "of a volume", "active")
        assert (found.os_type, found.os_version, found.platform) == ("Linux", LINUX, "CentOS")
        assert (found.min_ram, found.max_ram, found.min_disk) == (1024, "2048", 1)
        assert found.data_origin == f"volume,{volume.id}"
        assert found.tags == ["env=test"]
        assert found.os_bit == "64"
    finally:
        if made:
            demo.image.delete_image(made)
        demo.block_storage.delete_volume(volume)


@pytest.mark.volumes
def test_create_image_refuses(ims):
    volume = {"volume_id": NOBODY, "os_version": LINUX}
    for body in (
        {},
        {"name": "x"},
        {"name": "x", **volume, "instance_id": NOBODY},
        {"name": "x", "volume_id": NOBODY},
        {"name": "x", **volume, "tags": ["a.b"], "image_tags": [v2.TagKeyValue("a", "b")]},
        {"name": "x", **volume, "min_ram": -1},
        {"name": "x", **volume, "type": "Toaster"},
    ):
        with refused() as said:
            _create(ims, **body)
        assert said.value.error_code != "IMG.0105", body
    failed = huawei.wait(ims, _create(ims, name="x", **volume))
    assert (failed.status, failed.error_code) == ("FAIL", "IMG.0121")
    assert NOBODY in failed.fail_reason
    assert failed.entities.image_id is None
    with refused("IMG.0013"):
        _create(ims, **volume)


# --- sharing -------------------------------------------------------------------------------------


def _share(ims, images, projects):
    body = v2.BatchAddMembersRequestBody(images=images, projects=projects)
    return ims.batch_add_members(v2.BatchAddMembersRequest(body)).job_id


def _unshare(ims, images, projects):
    body = v2.BatchAddMembersRequestBody(images=images, projects=projects)
    return ims.batch_delete_members(v2.BatchDeleteMembersRequest(body)).job_id


def _answer(ims, project, images, status):
    body = v2.BatchUpdateMembersRequestBody(images=images, project_id=project, status=status)
    return ims.batch_update_members(v2.BatchUpdateMembersRequest(body)).job_id


def test_members_from_the_offer_to_the_end(ims, theirs, other, fresh):
    receiver = other.current_project_id
    entities = huawei.done(ims, _share(ims, [fresh.id], [receiver]), "imsAddImageMembersJob")
    (result,) = entities.results
    assert (result.image_id, result.project_id, result.status) == (fresh.id, receiver, "success")
    assert _list(ims, id=fresh.id).images[0].imagetype == "shared"

    page = ims.list_image_members(v2.ListImageMembersRequest(fresh.id, limit=10))
    (member,) = page.members
    assert (member.member_id, member.image_id, member.status) == (receiver, fresh.id, "pending")
    assert member.member_type == "project"
    assert page.page_info.current_count == 1
    one = ims.show_image_member(v2.ShowImageMemberRequest(fresh.id, receiver))
    assert (one.member_id, one.status) == (receiver, "pending")

    shared = {"visibility": "shared", "imagetype": "shared", "id": fresh.id}
    # In no list until it is accepted; but who has its id finds it, as at the Image API.
    assert fresh.id not in [each.id for each in _list(theirs, imagetype="shared").images]
    assert [each.id for each in _list(theirs, id=fresh.id).images] == [fresh.id]
    assert len(_list(theirs, **shared, member_status="pending").images) == 1
    job_id = _answer(theirs, receiver, [fresh.id], "accepted")
    (result,) = huawei.done(theirs, job_id, "imsUpdateImageMembersJob").results
    assert (result.image_id, result.project_id) == (fresh.id, receiver)
    (received,) = _list(theirs, **shared, member_status="accepted").images
    assert (received.imagetype, received.owner) == ("shared", fresh.owner)
    huawei.done(
        theirs, _answer(theirs, receiver, [fresh.id], "rejected"), "imsUpdateImageMembersJob"
    )
    assert fresh.id not in [each.id for each in _list(theirs, imagetype="shared").images]
    assert len(_list(theirs, **shared, member_status="rejected").images) == 1

    entities = huawei.done(ims, _unshare(ims, [fresh.id], [receiver]), "imsDelImageMembersJob")
    assert entities.results is not None
    assert _list(ims, id=fresh.id).images[0].imagetype == "private"
    assert ims.list_image_members(v2.ListImageMembersRequest(fresh.id)).members == []
    assert _list(theirs, id=fresh.id).images == []
    assert _list(theirs, **shared, member_status="rejected").images == []


def test_batch_members_refuse(ims, theirs, demo, other, image):
    receiver = other.current_project_id
    with refused("IMG.0076"):
        _share(ims, [image.id], [demo.current_project_id])
    with refused("IMG.0027", 404):
        _share(ims, [NOBODY], [receiver])
    with refused("IMG.0027", 404):
        _share(theirs, [image.id], [demo.current_project_id])
    for change in (_share, _unshare):
        for images, projects in (([], [receiver]), ([image.id], [])):
            with refused():
                change(ims, images, projects)
    with refused():
        _answer(ims, demo.current_project_id, [image.id], "perhaps")
    with refused(status=404):
        ims.show_image_member(v2.ShowImageMemberRequest(image.id, receiver))
    with refused("IMG.0105"):
        body = v2.BatchAddMembersRequestBody([image.id], [receiver], domains=["d"])
        ims.batch_add_members(v2.BatchAddMembersRequest(body))


# --- jobs, quotas, operating systems -------------------------------------------------------------


def test_jobs(ims, theirs, demo, image):
    job_id = _copy(ims, image.id, name=f"copy_{image.name}")
    huawei.done(ims, job_id, "imsCopyImageInRegionJob")
    progress = ims.show_job_progress(v2.ShowJobProgressRequest(job_id))
    made = progress.entities.image_id
    demo.image.delete_image(made)
    assert (progress.status, progress.job_id) == ("SUCCESS", job_id)
    assert (progress.entities.process_percent, progress.job_type) == (
        100.0,
        "imsCopyImageInRegionJob",
    )
    for each in (ims, theirs):
        unknown = "0" * 32 if each is ims else job_id
        with refused("IMG.0023", 404):
            each.show_job(v2.ShowJobRequest(unknown))
        with refused("IMG.0023", 404):
            each.show_job_progress(v2.ShowJobProgressRequest(unknown))


def test_another_project_in_the_path(demo, other):
    credentials = BasicCredentials("any", "thing", other.current_project_id)
    stranger = huawei.signed(demo, credentials.with_security_token(demo.auth_token))
    with refused("IMG.0067"):
        stranger.show_job(v2.ShowJobRequest("0" * 32))


def test_show_image_quota(ims, fresh):
    def read():
        quotas = ims.show_image_quota(v2.ShowImageQuotaRequest()).quotas.resources
        return {one.type: one for one in quotas}

    quotas = read()
    assert {"image", "image_shared", "image_member"} <= set(quotas)
    for quota in quotas.values():
        assert quota.min <= quota.quota <= quota.max
    assert 1 <= quotas["image"].used <= quotas["image"].quota


def test_list_os_versions(ims):
    groups = ims.list_os_versions(v2.ListOsVersionsRequest()).body
    every = {one.os_version: one for group in groups for one in group.version_list}
    assert len({group.platform for group in groups}) >= 12
    assert (every[LINUX].platform, every[LINUX].os_bit, every[LINUX].os_type) == (
        "CentOS",
        64,
        "Linux",
    )
    assert every[LINUX].os_version_key == LINUX
    arm = ims.list_os_versions(v2.ListOsVersionsRequest("arm")).body
    assert 0 < sum(len(group.version_list) for group in arm) < len(every)
    with refused("IMG.0017"):
        ims.list_os_versions(v2.ListOsVersionsRequest("riscv"))


# --- all of it -------------------------------------------------------------------------------------


def test_every_call_of_the_client_is_made_here():
    known = {
        name
        for name in vars(v2.ImsClient)
        if not name.startswith("_") and hasattr(v2.ImsClient, f"{name}_invoker")
    }
    assert len(known) == 51
    sources = Path(__file__).parent.glob("test_contract_huawei*.py")
    called = {name for source in sources for name in re.findall(r"\.(\w+)\(", source.read_text())}
    assert known - called == set()
