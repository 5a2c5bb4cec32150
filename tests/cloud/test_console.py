# SPDX-License-Identifier: Apache-2.0
"""The console in a browser, on the real cloud; what it did is asked of the API.

Screenshots are in ``console`` of the cloud's logs.
"""

import contextlib
import secrets
from collections.abc import Iterator

import pytest
from playwright import sync_api

from ims_glance import client
from ims_glance.client.waiting import JobFailed
from tests.cloud import client_shell, console, login, pocket, servers
from tests.cloud.console import Tenant

pytestmark = pytest.mark.pocket

HOSTILE = "<b>console</b>\u202e"


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with console.chromium() as started:
        yield started


@pytest.fixture
def tenant(browser: sync_api.Browser) -> Iterator[Tenant]:
    found = Tenant(browser, "demo", "en-US")
    yield found
    found.close()


@pytest.fixture
def image(demo):
    name = f"{HOSTILE}{secrets.token_hex(4)}"
    with client_shell.image(demo, name):
        yield name.replace("\u202e", "\ufffd")


def test_an_image_is_copied_encrypted_and_both_are_in_the_list(demo, tenant, image):
    ims = client.register(demo).ims
    copy = f"console-{secrets.token_hex(4)}"
    tenant.open()
    tenant.keep("list")
    assert tenant.page.locator("tr b").count() == 0
    tenant.choose(image, "Copy")
    tenant.page.fill(".modal.in #id_name", copy)
    tenant.page.click(".modal.in label[for=id_encrypt]")
    tenant.keep("copy")
    tenant.send()
    newest = next(ims.jobs(max_items=1))
    try:
        ims.wait_for_job(newest, timeout=600)
        found = ims.find_image(copy)
        assert found.is_encrypted
        tenant.open(f"?name={copy}")
        row = tenant.page.locator("tr", has_text=copy)
        assert "Normal" in row.inner_text()
        row.locator("a", has_text=copy).click()
        tenant.page.wait_for_selector(".ims-facts")
        tenant.keep("details")
        assert found.cmk_id in tenant.page.inner_text(".ims-facts")
    finally:
        for each in ims.images(name=copy):
            ims.delete_image(each)


@pytest.fixture
def machine(demo, image):
    """A server with nothing to boot."""
    name = f"console-{secrets.token_hex(4)}"
    source = demo.image.find_image(image.replace("\ufffd", "\u202e"))
    with servers.server(demo, source, name) as made:
        yield made


def test_an_image_of_a_whole_machine_by_the_keyboard_alone(demo, tenant, machine):
    """Five clicks' worth; with the login and the way to the panel that is seven, and nine are the most."""
    ims = client.register(demo).ims
    tenant.press("Create Private Image")
    tenant.keep("create-kind")
    tenant.press("Whole-machine image / Server")
    tenant.keep("create-source")
    tenant.press(f"Choose {machine.name}")
    tenant.keep("create-settings")
    tenant.press("Next")
    tenant.keep("create-confirm")
    assert "for each GB" in tenant.page.inner_text(".ims-outlook")
    assert machine.name in tenant.page.inner_text(".ims-summary")
    tenant.press("Create")
    tenant.keep("created")
    job = ims.get_job(next(ims.jobs(max_items=1)))
    try:
        assert job.type == "imsCreateWholeImageByInstanceJob"
        assert job.image_name == machine.name
    finally:
        ims.cancel_job(job)
        with contextlib.suppress(JobFailed):
            ims.wait_for_job(job, timeout=600)


def test_a_refusal_stands_in_the_dialog_in_the_words_of_the_service(tenant, image):
    tenant.open()
    tenant.choose(image, "Share")
    tenant.page.fill(".modal.in #id_projects", "nobody")
    tenant.page.click(".modal.in input[type=submit]")
    shown = tenant.page.wait_for_selector(".modal.in .alert-danger")
    tenant.keep("refusal")
    assert shown is not None
    assert "IMG." in shown.inner_text()
    assert tenant.page.input_value(".modal.in #id_projects") == "nobody"


def test_a_file_of_this_computer_becomes_an_image(demo, tenant, tmp_path):
    """It goes through the browser into a bucket, and out of that when its job has ended."""
    ims = client.register(demo).ims
    name = f"console-{secrets.token_hex(4)}"
    path = tmp_path / f"{name}.raw"
    path.write_bytes(secrets.token_bytes(3 << 20))
    page = tenant.page
    tenant.open("create/data/upload/")
    tenant.keep("create-upload")
    page.set_input_files("#id_file", str(path))
    tenant.go("#ims-upload button[type=submit]")
    stored = page.input_value("#id_file")
    assert stored.endswith(f"-{name}.raw")
    tenant.go("button.btn-primary[type=submit]")
    assert page.input_value("#id_name") == name
    page.fill("#id_min_disk", "1")
    tenant.go("#content_body form button.btn-primary")
    tenant.go("button[name=confirmed]")
    try:
        ims.wait_for_job(next(ims.jobs(max_items=1)), timeout=600)
        assert ims.find_image(name).kind == "data"
        tenant.open("create/data/upload/")
        assert stored not in {each.name for each in demo.object_store.objects("ims-uploads")}
    finally:
        for each in ims.images(name=name):
            ims.delete_image(each)


def test_administrators_see_what_the_service_does_for_all(browser, tenant, image):
    """Others do not."""
    workers = client.register(login.connect("admin")).ims.workers()
    hosts = {each.host for each in workers if each.state != "silent"}
    admin = Tenant(browser, "admin", "en-US", "admin/ims_workers")
    try:
        admin.keep("workers")
        assert hosts <= set(admin.page.locator("#workers tbody td:first-child").all_inner_texts())
        pocket.manage("orphans")
        admin.go("a:text-is('Orphans')")
        admin.keep("orphans")
        assert "As of " in admin.page.inner_text("#content_body")
        assert "ims-manage orphans --delete" in admin.page.inner_text("#content_body")
        admin.turn_to("admin/ims_all")
        admin.keep("everywhere")
        assert admin.page.locator("tr", has_text=image).count() == 1
    finally:
        admin.close()
    tenant.turn_to("admin/ims_workers")
    assert tenant.page.locator("#workers").count() == 0


def test_it_speaks_chinese(browser):
    tenant = Tenant(browser, "demo", "zh-CN")
    try:
        tenant.open()
        tenant.keep("chinese")
        assert tenant.page.locator("h1").inner_text() == "镜像服务"
        assert "您还可以创建" in tenant.page.inner_text(".ims-quota")
    finally:
        tenant.close()
