# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import JOB_ID, OTHER
from tests.unit.client.resources.test_worker import QUEUED, WAITING, WORKER
from tests.unit.dashboard.console import AdminConsoleTestCase, ConsoleTestCase, text

PAGE = "/admin/ims_workers/"


class WorkersTest(AdminConsoleTestCase):
    def shown(self, workers=(), waiting=(), running=()):
        self.cloud.ims("GET", "/v1/workers", {"workers": list(workers)})
        self.cloud.ims("GET", "/v1/queue", {"waiting": list(waiting), "running": list(running)})
        return text(self.client.get(PAGE))

    def test_workers_and_what_they_have(self):
        stopping = {
            "name": "<b>h</b>:8:cd",
            "host": "<b>h</b>",
            "process": "8",
            "state": "stopping",
        }
        none = {"threads": None, "begun_seconds_ago": None}
        shown = self.shown([WORKER, {**WORKER, **none, **stopping}], [WAITING], [QUEUED])
        assert "h 7 Busy 2 4 0 1 min 30 s 1 s" in shown
        assert "<b>h</b> 8 Draining 2 - 0 - 1 s" in shown
        assert f"Check image {OTHER} 3 1 min 1 s" in shown
        assert f"Copy image {JOB_ID} {OTHER} Running Copy the data 12%" in shown
        assert "h:7" in shown
        assert len(self.asked()) == 2

    def test_two_projects_wait_for_the_same(self):
        shown = self.shown(waiting=[WAITING, {**WAITING, "project_id": "p", "count": 9}])
        assert f"{OTHER} 3 1 min" in shown
        assert "Check image p 9 1 min" in shown

    def test_how_far_a_job_is_that_moves_no_bytes(self):
        shown = self.shown(running=[{**QUEUED, "total_bytes": 0, "process_percent": 0.0}])
        assert "Copy the data - " in shown

    def test_what_the_service_says_against_it(self):
        for path in ("/v1/workers", "/v1/queue"):
            self.cloud.refuse("GET", path, 503, "IMG.0014", "The database is away.")
        response = self.client.get(PAGE)
        assert response.status_code == 200
        assert "The database is away. (IMG.0014)" in text(response)

    def test_a_job_of_another_project_is_cancelled(self):
        self.shown(running=[QUEUED])
        self.cloud.ims("DELETE", f"/v1/queue/{JOB_ID}", {**QUEUED, "cancel_requested": True})
        response = self.client.post(PAGE, {"action": f"running__cancel__{JOB_ID}"})
        assert self.said(response) == [f"Cancelling Job: Copy image ({JOB_ID})"]
        assert self.cloud.only("DELETE")

    def test_one_that_is_cancelled_is_not_cancelled_again(self):
        shown = self.shown(running=[{**QUEUED, "cancel_requested": True}])
        assert "Being cancelled" in shown
        assert "Cancel Job" not in shown


class OthersTest(ConsoleTestCase):
    def test_nobody_else_sees_it(self):
        shown = text(self.client.get(PAGE, follow=True))
        assert "Waiting Jobs" not in shown
        assert self.asked() == []
