# SPDX-License-Identifier: Apache-2.0
import base64

from tests.unit.api.ims.market_world import png
from tests.unit.client.cloud import JOB_ID, PROJECT, sold
from tests.unit.dashboard.console import ConsoleTestCase, text

ID = "a" * 32
ONE = f"/v1/{PROJECT}/market/seller/products/{ID}"
HERE = f"/project/ims_market/selling/{ID}/"
VERSION = {
    "id": "v", "name": "V1.0", "state": "failed", "job_id": JOB_ID, "error_code": "IMG.0050",
    "reason": "It was <b>gone</b>.", "created_at": "2026-11-24T01:00:00Z",
    "copies": [{"region": "RegionOne", "state": "failed"}],
}  # fmt: skip


class OwnProductTest(ConsoleTestCase):
    def there_is(self, **more):
        self.cloud.ims("GET", ONE, sold(**more))
        return self.client.get(HERE)

    def test_what_it_lacks_what_became_of_it_and_what_reviewers_said(self):
        review = {"decision": "reject", "reasons": "No ports.\nNo login.", "decided_at": None}
        response = self.there_is(versions=[VERSION], reviews=[review], note="<i>n</i>")
        shown = text(response)
        assert "2. Basic Information a logo of 120 x 120 pixels" in shown
        assert "3. Business Information complete" in shown
        assert "V1.0 Its image could not be copied" in shown
        assert "RegionOne: Failed It was <b>gone</b>. (IMG.0050)" in shown
        assert "Rejected No ports. No login." in shown
        assert "Submitted Draft Submitted" in shown
        assert "Note <i>n</i>" in shown
        assert f'href="/project/ims/jobs/{JOB_ID}/"' in response.content.decode()

    def test_what_can_be_done_follows_its_state(self):
        known = ("Only Check", "Add Version", "Restrict", "Withdraw", "Take Back")
        for state, pending, wanted in (
            ("draft", None, {"Only Check"}),
            ("submitted", "v", {"Take Back"}),
            ("listed", None, {"Only Check", "Add Version", "Restrict", "Withdraw"}),
            ("withdrawn", None, set()),
        ):
            content = self.there_is(state=state, submission_id=pending).content.decode()
            assert {each for each in known if f">{each}<" in content} == wanted

    def test_submit_or_only_ask(self):
        problems = [{"code": "IMG.0084", "message": "It has no image."}]
        self.cloud.ims("POST", f"{ONE}/submit", sold(problems=problems))
        response = self.client.post(HERE, {"check": "check"})
        assert self.said(response) == ["It has no image. (IMG.0084)"]
        assert self.cloud.sent("POST")[-1].body == {"validate_only": True}
        self.cloud.ims("POST", f"{ONE}/submit", sold(state="submitted"))
        response = self.client.post(HERE, {"submit": "submit"})
        assert "It was submitted." in self.said(response)[-1]
        assert not self.cloud.sent("POST")[-1].body

    def test_the_logo_of_a_draft(self):
        logo = {"name": "l", "content": base64.b64encode(png()).decode()}
        self.cloud.ims("GET", ONE, sold(basic={"logo": logo}))
        response = self.client.get(f"{HERE}logo")
        assert (response["Content-Type"], response["Cache-Control"]) == ("image/png", "no-store")
