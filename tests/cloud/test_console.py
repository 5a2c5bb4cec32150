# SPDX-License-Identifier: Apache-2.0
"""The console in a browser, on the real cloud; what it did is asked of the API.

Screenshots are in ``console`` of the cloud's logs.
"""

import contextlib
import secrets
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api
from pocket_cloud.cloud import Cloud

from ims_glance import client
from ims_glance.client.waiting import JobFailed
from tests.cloud import client_shell, login, servers

pytestmark = pytest.mark.pocket

CHROMIUM = "/usr/bin/chromium"
# It is root's, without a screen, and asks nobody but Horizon.
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Seconds for a page: the first one of each process of Horizon takes 4 s of a processor.
PATIENCE = 120
# Of the pages what is the console's: without Horizon's frame and tables, and what has the blue of its theme.
THEIRS = (".page-breadcrumb", ".datatable", ".nav-tabs", ".btn-primary")
OURS = {"include": [["#content_body"]], "exclude": [[each] for each in THEIRS]}
# Horizon's pages have no landmarks.
NOT_OURS = {"rules": {"region": {"enabled": False}}}
# So many things has a page at most that the Tab key comes by.
MOST_STOPS = 120
FOCUSED = "(e => e.ariaLabel || e.innerText || e.value || e.id || '')(document.activeElement)"
HOSTILE = "<b>console</b>\u202e"


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield started
        started.close()


class Tenant:
    """Somebody in front of the console."""

    def __init__(self, browser: sync_api.Browser, user: str, language: str) -> None:
        cloud = Cloud.from_environment()
        # Under the name that Horizon's cookies are for.
        self._address = f"http://localhost:{cloud.ports['horizon']}"
        self._shots = cloud.path("logs", "console")
        self._context = browser.new_context(locale=language)
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self._log_in(login.region(user).config["auth"])

    def _log_in(self, auth: dict[str, str]) -> None:
        self.page.goto(f"{self._address}/auth/login/?next=/project/ims/")
        self.page.fill("#id_username", auth["username"])
        self.page.fill("#id_password", auth["password"])
        with self.page.expect_navigation():
            self.page.click("#loginBtn", no_wait_after=True)

    def open(self, path: str = "") -> None:
        """Go to a page of the panel."""
        self.page.goto(f"{self._address}/project/ims/{path}")

    def choose(self, row: str, action: str) -> None:
        """Open a dialog from the menu of a row."""
        found = self.page.locator("tr", has_text=row)
        found.locator(".dropdown-toggle").click()
        found.get_by_text(action, exact=True).click()
        self.page.wait_for_selector(".modal.in form")

    def send(self) -> None:
        """Send the dialog, and be on the next page."""
        with self.page.expect_navigation():
            self.page.click(".modal.in input[type=submit]", no_wait_after=True)

    def press(self, name: str, key: str = "Enter") -> None:
        """Go to something by the Tab key, and press a key there."""
        for _stop in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            if str(self.page.evaluate(FOCUSED)).strip().startswith(name):
                break
        else:
            raise AssertionError(f"the Tab key does not come by {name}")
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def keep(self, name: str) -> None:
        """A screenshot, of a page that hinders nobody."""
        found = Axe().run(self.page, OURS, NOT_OURS)
        assert found.violations_count == 0, found.generate_report()
        self._shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(self._shots / f"{name}.png"), full_page=True)

    def close(self) -> None:
        self._context.close()


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
        ims.wait_for_job(newest, timeout=300)
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
    job = ims.get_job(next(ims.jobs(max_items=1)))
    try:
        assert job.type == "imsCreateWholeImageByInstanceJob"
        assert job.image_name == machine.name
    finally:
        ims.cancel_job(job)
        with contextlib.suppress(JobFailed):
            ims.wait_for_job(job, timeout=300)


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


def test_it_speaks_chinese(browser):
    tenant = Tenant(browser, "demo", "zh-CN")
    try:
        tenant.open()
        tenant.keep("chinese")
        assert tenant.page.locator("h1").inner_text() == "镜像服务"
        assert "您还可以创建" in tenant.page.inner_text(".ims-quota")
    finally:
        tenant.close()
