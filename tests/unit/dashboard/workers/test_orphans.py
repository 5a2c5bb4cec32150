# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.resources.test_orphan import LEFT, NOT_LOOKED, ORPHANS
from tests.unit.dashboard.console import AdminConsoleTestCase, ConsoleTestCase, text

PAGE = "/admin/ims_workers/orphans/"
PATH = "/v1/orphans"


class OrphansTest(AdminConsoleTestCase):
    def shown(self, **found):
        self.cloud.ims("GET", PATH, {**ORPHANS, **found})
        return text(self.client.get(PAGE))

    def test_what_was_found_last(self):
        shown = self.shown()
        assert "As of Nov. 29, 2026, 1:02 a.m., older than 24 hours." in shown
        assert "kms ims-1, ims-1.header-a Nov. 24, 2026, 1:02 a.m. belongs to no image" in shown
        assert "not listed" not in shown
        assert len(self.asked()) == 1

    def test_a_hidden_image(self):
        image = {
            **LEFT,
            "place": "image",
            "names": ["1" * 36],
            "reason": "a disk of one (project p)",
        }
        shown = self.shown(orphans=[LEFT, image], min_age_hours=0.5)
        assert f"Hidden image {'1' * 36} " in shown
        assert "a disk of one (project p)" in shown
        assert "older than 0.5 hours." in shown

    def test_more_than_are_listed(self):
        assert "1 more is not listed." in self.shown(count=2)
        assert "1000 more are not listed." in self.shown(count=1001)

    def test_nothing_was_found(self):
        shown = self.shown(count=0, orphans=[])
        assert "older than 24 hours." in shown
        assert "No items to display." in shown

    def test_nobody_has_looked_yet(self):
        shown = self.shown(**NOT_LOOKED)
        assert "Nobody has looked yet." in shown
        assert "No items to display." not in shown
        assert "As of" not in shown

    def test_what_a_store_calls_things_is_text(self):
        odd = {"names": ['"><script>alert(1)</script>\u202egnp'], "reason": "<b>in use</b>"}
        self.cloud.ims("GET", PATH, {**ORPHANS, "orphans": [{**LEFT, **odd, "place": "<i>"}]})
        response = self.client.get(PAGE)
        page = response.content.decode()
        assert "<script>alert(1)" not in page
        assert "\u202e" not in page
        assert "<b>in use" not in page
        shown = text(response)
        assert '"><script>alert(1)</script>\N{REPLACEMENT CHARACTER}gnp' in shown
        assert "<b>in use</b>" in shown

    def test_what_to_run(self):
        for found in (ORPHANS, NOT_LOOKED):
            shown = self.shown(**found)
            assert "Lists what is left, and deletes nothing ims-manage orphans" in shown
            assert "Deletes it ims-manage orphans --delete" in shown

    def test_what_the_service_says_against_it(self):
        self.cloud.refuse("GET", PATH, 503, "IMG.0014", "The database is away.")
        response = self.client.get(PAGE)
        assert response.status_code == 200
        shown = text(response)
        assert "The database is away. (IMG.0014)" in shown
        assert "Deletes it ims-manage orphans --delete" in shown
        assert "As of" not in shown
        assert "Nobody has looked yet." not in shown


class OthersTest(ConsoleTestCase):
    def test_nobody_else_sees_it(self):
        assert "ims-manage" not in text(self.client.get(PAGE, follow=True))
        assert self.asked() == []
