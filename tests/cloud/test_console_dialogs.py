# SPDX-License-Identifier: Apache-2.0
"""Each dialog about an image, once, in a browser; what it did is asked of the API.

That a copy is encrypted by one, and how a refusal stands in one, is in ``test_console``.
"""

import contextlib
import secrets
from collections.abc import Iterator

import pytest
from openstack import exceptions
from playwright import sync_api

from ims_glance import client
from ims_glance.client.waiting import JobFailed
from tests.cloud import buckets, client_shell, console, servers
from tests.cloud.console import Tenant

pytestmark = pytest.mark.pocket


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with console.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def tenant(browser: sync_api.Browser) -> Iterator[Tenant]:
    found = Tenant(browser, "demo", "en-US")
    yield found
    found.close()


@pytest.fixture(scope="module")
def ims(demo):
    return client.register(demo).ims


@pytest.fixture
def image(demo):
    """Name of an image, and its id."""
    name = f"dialogs-{secrets.token_hex(4)}"
    with client_shell.image(demo, name) as image_id:
        yield name, image_id


def ended(ims):
    """The newest job, once it has ended well."""
    return ims.wait_for_job(next(ims.jobs(max_items=1)), timeout=600)


def test_modify_and_tags(ims, tenant, image):
    name, image_id = image
    tenant.open()
    tenant.choose(name, "Modify")
    tenant.page.fill(".modal.in #id_name", f"{name}-2")
    tenant.page.fill(".modal.in #id_description", "for the web")
    tenant.page.select_option(".modal.in #id_min_ram", "2048")
    tenant.keep("modify")
    tenant.send()
    found = ims.get_image(image_id)
    assert (found.name, found.description, found.min_ram) == (f"{name}-2", "for the web", 2048)
    tenant.open(f"images/{image_id}/")
    tenant.show("Edit Tags")
    tenant.page.fill(".modal.in #id_tags", "env=web\nteam=a")
    tenant.keep("tags")
    tenant.send()
    assert sorted(ims.get_image(image_id).tags) == ["env=web", "team=a"]
    assert "env=web" in tenant.page.inner_text(".ims-facts")


def test_share_and_accept(ims, browser, tenant, other, image):
    name, image_id = image
    tenant.open()
    tenant.choose(name, "Share")
    tenant.page.fill(".modal.in #id_projects", other.current_project.name)
    tenant.keep("share")
    tenant.send()
    ended(ims)
    receiver = Tenant(browser, "other", "en-US")
    try:
        receiver.open("shared/")
        receiver.keep("offered")
        receiver.go(f"tr:has-text('{name}') button:has-text('Accept Image')")
        ended(client.register(other).ims)
        receiver.open("shared/")
        receiver.keep("shared")
        assert receiver.page.locator("tr", has_text=name).count() == 1
    finally:
        receiver.close()
    assert [each.status for each in ims.members(image_id)] == ["accepted"]


def test_check_and_what_another_region_would_cost(ims, tenant, image):
    name, image_id = image
    tenant.open()
    tenant.choose(name, "Copy to Another Region")
    tenant.page.click(".modal.in label[for=id_only_foresee]")
    tenant.page.click(".modal.in input[type=submit]")
    said = tenant.page.wait_for_selector(".alert-success")
    assert said is not None
    assert "It would send about" in said.inner_text()
    tenant.keep("foreseen")
    tenant.open(f"images/{image_id}/")
    tenant.show("Check")
    tenant.send()
    ended(ims)
    tenant.open(f"images/{image_id}/")
    tenant.keep("report")
    assert "No system was found that is known" in tenant.page.inner_text("#content_body")
    tenant.go("a:text-is('Ask the Regions')")
    assert "None of the project" in tenant.page.inner_text("#content_body")


def test_export_and_the_file_of_the_list(demo, ims, tenant, image, tmp_path):
    name, _ = image
    with buckets.bucket(demo, "console") as bucket:
        tenant.open()
        tenant.choose(name, "Export")
        tenant.page.fill(".modal.in #id_bucket", bucket.name)
        tenant.page.fill(".modal.in #id_file", "out.raw")
        tenant.page.select_option(".modal.in #id_file_format", "raw")
        tenant.keep("export")
        tenant.send()
        ended(ims)
        assert "out.raw" in bucket.names()
    tenant.open(f"?name={name}")
    with tenant.page.expect_download() as download:
        tenant.page.click("a[href*='.csv']")
    path = tmp_path / "list.csv"
    download.value.save_as(path)
    assert path.read_text(encoding="utf-8-sig").count(name) == 1


def test_a_replication_from_its_beginning_to_its_end(ims, tenant):
    name = f"dialogs-{secrets.token_hex(4)}"
    tenant.open("replications/")
    tenant.show("Create Replication")
    tenant.page.fill(".modal.in #id_name", name)
    tenant.page.fill(".modal.in #id_tag", f"release={name}")
    tenant.page.fill(".modal.in #id_keep", "2")
    tenant.keep("replicate")
    tenant.send()
    (made,) = [each for each in ims.replications() if each.name == name]
    assert (made.tag, made.keep, made.region) == (f"release={name}", 2, "RegionTwo")
    row = f"tr:has-text('{name}')"
    try:
        tenant.choose(name, "Modify")
        tenant.page.fill(".modal.in #id_keep", "3")
        tenant.send()
        assert ims.get_replication(made.id).keep == 3
        for action, status in (("Pause", "paused"), ("Resume", "active")):
            tenant.page.click(f"{row} .dropdown-toggle")
            tenant.go(f"{row} button:has-text('{action} Replication')")
            assert ims.get_replication(made.id).status == status
        tenant.keep("replicated")
        tenant.page.click(f"{row} .dropdown-toggle")
        tenant.page.click(f"{row} button:has-text('Delete Replication')")
        tenant.page.wait_for_selector(".modal.in")
        tenant.go(".modal.in a.btn-danger")
    finally:
        left = [each for each in ims.replications() if each.name == name]
        for each in left:
            ims.delete_replication(each)
    assert left == []


@pytest.fixture
def machine(demo, image):
    """A server with nothing to boot, on a volume."""
    disk = {"boot_index": 0, "uuid": image[1], "source_type": "image", "volume_size": 1}
    disk |= {"destination_type": "volume", "delete_on_termination": True}
    made = demo.compute.create_server(
        name=f"dialogs-{secrets.token_hex(4)}",
        flavor_id=demo.compute.find_flavor("m1.nano").id,
        networks="none",
        block_device_mapping=[disk],
    )
    yield servers.running(demo, made)
    demo.compute.delete_server(made)
    demo.compute.wait_for_delete(made, wait=240)


def test_a_server_backup_and_an_image_of_it(ims, tenant, machine):
    tenant.open("backups/")
    tenant.show("Create Server Backup")
    tenant.page.select_option(".modal.in #id_server", machine.id)
    tenant.page.fill(".modal.in #id_name", machine.name)
    tenant.keep("backup")
    tenant.send()
    ended(ims)
    (made,) = [each for each in ims.backups() if each.name == machine.name]
    tenant.open("backups/")
    row = f"tr:has-text('{machine.name}')"
    try:
        tenant.page.click(f"{row} a:has-text('Create Image')")
        tenant.page.wait_for_selector(".modal.in form")
        tenant.page.fill(".modal.in #id_name", machine.name)
        tenant.send()
        job = ims.get_job(next(ims.jobs(max_items=1)))
        assert (job.type, job.image_name) == ("imsCreateWholeImageByBackupJob", machine.name)
        ims.cancel_job(job)
        with contextlib.suppress(JobFailed):
            ims.wait_for_job(job, timeout=600)
        tenant.open("backups/")
        tenant.page.click(f"{row} .dropdown-toggle")
        tenant.page.click(f"{row} button:has-text('Delete Backup')")
        tenant.page.wait_for_selector(".modal.in")
        tenant.go(".modal.in a.btn-danger")
        servers.wait_until(lambda: made.id not in [each.id for each in ims.backups()])
    finally:
        with contextlib.suppress(exceptions.NotFoundException):
            ims.delete_backup(made)
    assert list(ims.images(name=machine.name)) == []


def test_horizons_own_dialogs_have_the_image_chosen(tenant, image):
    name, image_id = image
    tenant.open()
    tenant.choose(name, "Create Volume")
    # What is seen of it is the theme's.
    tenant.page.wait_for_selector(".modal.in #id_image_source", state="attached")
    assert tenant.page.input_value(".modal.in #id_image_source") == image_id
    tenant.open()
    row = tenant.page.locator("tr", has_text=name)
    row.get_by_text("Launch Server").click()
    tenant.page.fill("#name", "never")
    tenant.page.click(".modal.in a:has-text('Source'), .modal.in li:has-text('Source')")
    tenant.page.wait_for_selector(f"transfer-table tr:has-text('{name}')")


def test_several_are_deleted_at_once(demo, ims, tenant):
    stem = f"dialogs-{secrets.token_hex(4)}"
    made = [
        demo.image.create_image(
            name=f"{stem}-{number}", disk_format="raw", container_format="bare", data=b"x" * 512
        )
        for number in range(2)
    ]
    tenant.open(f"?name={stem}-0")
    tenant.page.locator("tbody .themable-checkbox label").click()
    tenant.page.click("button:has-text('Delete Images')")
    tenant.page.wait_for_selector(".modal.in")
    tenant.keep("delete")
    tenant.go(".modal.in a.btn-danger")
    assert [each.name for each in ims.images() if each.name.startswith(stem)] == [f"{stem}-1"]
    demo.image.delete_image(made[1])
