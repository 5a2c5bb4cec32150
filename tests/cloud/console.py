# SPDX-License-Identifier: Apache-2.0
"""Somebody in front of the console, in a real browser.

Screenshots are in ``console`` of the cloud's logs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api
from pocket_cloud.cloud import Cloud

from tests.cloud import login

CHROMIUM = "/usr/bin/chromium"
# It is root's, without a screen, and asks nobody but Horizon.
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Seconds for a page: the first one of each process of Horizon takes 4 s of a processor.
PATIENCE = 240
# Of the pages what is the console's: without Horizon's frame and tables, and what has the blue of its theme.
THEIRS = (".page-breadcrumb", ".datatable", ".nav-tabs", ".btn-primary")
OURS = {"include": [["#content_body"]], "exclude": [[each] for each in THEIRS]}
# Those of its links, of what is chosen, and of what takes something away.
THEIR_COLOURS = {"#428bca", "#d9534f"}
# Horizon's pages have no landmarks.
NOT_OURS = {"rules": {"region": {"enabled": False}}}
# So many things has a page at most that the Tab key comes by.
MOST_STOPS = 120
FOCUSED = "(e => e.ariaLabel || e.innerText || e.value || e.id || '')(document.activeElement)"


@contextmanager
def chromium() -> Iterator[sync_api.Browser]:
    """A browser."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield started
        started.close()


class Tenant:
    """Somebody who is logged in.

    :param panel: that they go to
    """

    def __init__(
        self, browser: sync_api.Browser, user: str, language: str, panel: str = "project/ims"
    ) -> None:
        cloud = Cloud.from_environment()
        # Under the name that Horizon's cookies are for.
        self._address = f"http://localhost:{cloud.ports['horizon']}"
        self._panel = panel
        self._shots = cloud.path("logs", "console")
        self._context = browser.new_context(locale=language)
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self._log_in(login.region(user).config["auth"])

    def _log_in(self, auth: dict[str, str]) -> None:
        self.page.goto(f"{self._address}/auth/login/?next=/{self._panel}/")
        self.page.fill("#id_username", auth["username"])
        self.page.fill("#id_password", auth["password"])
        self.go("#loginBtn")

    def open(self, path: str = "") -> None:
        """Go to a page of the panel."""
        self.page.goto(f"{self._address}/{self._panel}/{path}")

    def turn_to(self, panel: str) -> None:
        """Go to another panel."""
        self._panel = panel
        self.open()

    def go(self, selector: str) -> None:
        """Click what leads to another page, and be there."""
        with self.page.expect_navigation():
            self.page.click(selector, no_wait_after=True)

    def choose(self, row: str, action: str) -> None:
        """Open a dialog from the menu of a row."""
        found = self.page.locator("tr", has_text=row)
        found.locator(".dropdown-toggle").click()
        found.get_by_text(action, exact=True).click()
        self.page.wait_for_selector(".modal.in form")

    def show(self, link: str) -> None:
        """Open a dialog from the page of an image."""
        self.page.get_by_text(link, exact=True).click()
        self.page.wait_for_selector(".modal.in form")

    def send(self) -> None:
        """Send the dialog, and be on the next page."""
        self.go(".modal.in input[type=submit]")

    def press(self, name: str, key: str = "Enter") -> None:
        """Go to something by the Tab key, and press a key there."""
        for _stop in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            # What is read aloud alone stands on a line of its own.
            focused = " ".join(str(self.page.evaluate(FOCUSED)).split())
            if focused.startswith(name):
                break
        else:
            raise AssertionError(f"the Tab key does not come by {name}")
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def keep(self, name: str) -> None:
        """A screenshot, of a page that hinders nobody."""
        found = Axe().run(self.page, OURS, NOT_OURS)
        assert not _strays(found.response), found.generate_report()
        self._shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(self._shots / f"{name}.png"), full_page=True)

    def close(self) -> None:
        """Go away."""
        self._context.close()


def _strays(response: dict[str, Any]) -> list[str]:
    """What hinders people on a page, other than the colours of Horizon's theme."""
    return [
        f"{violation['id']}: {node['html']}"
        for violation in response["violations"]
        for node in violation["nodes"]
        if not any(
            THEIR_COLOURS & {each["data"]["fgColor"], each["data"]["bgColor"]}
            for each in node["any"]
            if each["id"] == "color-contrast"
        )
    ]
