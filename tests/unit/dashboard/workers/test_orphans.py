# SPDX-License-Identifier: Apache-2.0
from tests.unit.dashboard.console import AdminConsoleTestCase, ConsoleTestCase, text

PAGE = "/admin/ims_workers/orphans/"


class OrphansTest(AdminConsoleTestCase):
    def test_what_to_run(self):
        shown = text(self.client.get(PAGE))
        assert "Lists what is left, and deletes nothing ims-manage orphans" in shown
        assert "Deletes it ims-manage orphans --delete" in shown
        assert self.asked() == []


class OthersTest(ConsoleTestCase):
    def test_nobody_else_sees_it(self):
        assert "ims-manage" not in text(self.client.get(PAGE, follow=True))
