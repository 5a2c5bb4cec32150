# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import PROJECT, replication
from tests.unit.dashboard.console import BASE, ConsoleTestCase

ALL = f"/v1/{PROJECT}/replications"
ID = "e" * 32
LIST = f"{BASE}replications/"


class ReplicationsTest(ConsoleTestCase):
    def there_is(self, **more):
        self.cloud.ims("GET", ALL, {"replications": [replication(**more)]})

    def test_what_each_does_and_why_it_does_not(self):
        self.there_is(status="ended", error_code="IMG.0035", reason="It <b>ended</b>.")
        shown = self.page("replications/")
        assert "releases Ended Tag: release=stable RegionTwo 3 It <b>ended</b>. (IMG.0035)" in shown
        assert "Resume Replication" not in shown
        assert "Pause Replication" not in shown

    def test_pause_and_resume(self):
        self.cloud.ims("PUT", f"{ALL}/{ID}", replication())
        for now, action, said in (
            ("active", "pause", "Paused Replication: releases"),
            ("paused", "resume", "Resumed Replication: releases"),
        ):
            self.there_is(status=now)
            response = self.client.post(LIST, {"action": f"replications__{action}__{ID}"})
            assert self.said(response)[-1] == said
        sent = [each.body["status"] for each in self.cloud.sent("PUT")]
        assert sent == ["paused", "active"]

    def test_delete(self):
        self.there_is()
        self.cloud.ims("DELETE", f"{ALL}/{ID}", status=204)
        response = self.client.post(LIST, {"action": f"replications__delete__{ID}"})
        assert self.said(response) == ["Deleted Replication: releases"]
