# SPDX-License-Identifier: Apache-2.0
"""Another region's IMS API, over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from keystoneauth1 import session, token_endpoint

from ims_glance.clouds import rest
from ims_glance.clouds.ims_api import ImsApi, MissingThere, NoImsThere, RefusedThere
from ims_glance.clouds.region import Region


class Handler(BaseHTTPRequestHandler):
    """Answers all requests as the test wants it."""

    answer = (200, b"{}")
    url = ""
    requests: list[tuple[str, str, bytes]]

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append((self.command, self.path, body))
        status, content = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 302:
            self.send_header("Location", f"{self.url}/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def there():
    """What answers."""
    handler: Any = type("There", (Handler,), {"requests": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.url = f"http://127.0.0.1:{server.server_port}/image"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(there):
    auth = token_endpoint.Token(there.url, "token")
    return ImsApi(Region(session.Session(auth=auth), "RegionTwo"))


def test_requests(api, there):
    job_id = "d" * 32
    there.answer = (200, json.dumps({"job_id": job_id, "status": "INIT", "more": 1}).encode())
    assert api.receive("p", {"name": "n"}) == {"job_id": job_id}
    job: Any = {"status": "INIT", "error_code": None, "fail_reason": None, "entities": {}}
    assert api.show_job("p", "j") == api.cancel_job("p", "j") == job
    assert [(method, path) for method, path, _ in there.requests] == [
        ("POST", "/image/v1/p/images/receive"),
        ("GET", "/image/v1/p/jobs/j"),
        ("DELETE", "/image/v1/p/jobs/j"),
    ]
    assert json.loads(there.requests[0][2]) == {"name": "n"}


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RefusedThere), (403, RefusedThere), (404, MissingThere)]
)
def test_a_refusal_keeps_its_code_and_says_where(api, there, status, kind):
    refusal = {"error": {"code": "IMG.0015", "message": "No room."}}
    there.answer = (status, json.dumps(refusal).encode())
    with pytest.raises(rest.Refused) as caught:
        api.receive("p", {})
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status) == ("IMG.0015", status)
    assert str(caught.value) == "RegionTwo: No room."


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (300, b'{"versions": []}'),
        (404, b"<html>Not Found</html>"),
        (404, b'{"error": {"code": "IMG.0017", "message": "The IMS API has nothing there."}}'),
    ],
)
def test_a_region_without_us(api, there, status, content):
    there.answer = (status, content)
    with pytest.raises(NoImsThere, match="RegionTwo takes no copies") as refused:
        api.receive("p", {})
    assert refused.value.code == "IMG.0105"


def test_a_region_that_is_away(api, there):
    there.answer = (503, b'{"error": {"code": "IMG.0014", "message": "The key manager is away."}}')
    with pytest.raises(rest.ServiceUnavailable, match=r"RegionTwo.*503: The key manager is away"):
        api.receive("p", {})


def test_a_question(api, there):
    there.answer = (200, b'{"preflight": {"total_bytes": 7, "more": 1}}')
    assert api.receive("p", {"dry_run": True}) == {"preflight": {"total_bytes": 7}}


@pytest.mark.parametrize(
    "content",
    [b"{}", b'{"job_id": null}', b'{"preflight": {}}', b'{"status": "DONE"}', b"[]", b"no"],
)
def test_an_answer_that_nobody_understands(api, there, content):
    """It is no success, and no failure of ours."""
    there.answer = (200, content)
    for ask in (
        lambda: api.receive("p", {}),
        lambda: api.receive("p", {"dry_run": True}),
        lambda: api.show_job("p", "j"),
        lambda: api.cancel_job("p", "j"),
        lambda: api.begin_reception("p", {"id": "r"}),
        lambda: api.receive_replicated("p", "r", {}),
        lambda: api.copy_replicated("p", "r", {}),
    ):
        with pytest.raises(rest.ServiceUnavailable, match=r"RegionTwo.*Try again later"):
            ask()


def test_a_redirect_is_not_followed(api, there):
    """Where the other region is, the catalogue says."""
    there.answer = (302, b"")
    with pytest.raises(rest.ServiceUnavailable):
        api.show_job("p", "j")
    assert len(there.requests) == 1


def test_replications(api, there):
    job_id = "d" * 32
    there.answer = (200, json.dumps({"job_id": job_id, "id": "r", "cmk_id": "k"}).encode())
    assert api.begin_reception("p", {"id": "r"}) == {"cmk_id": "k"}
    for ask in (api.receive_replicated, api.copy_replicated):
        assert ask("p", "r", {"attempt": 1}) == {"job_id": job_id}
    api.end_reception("p", "r")
    assert [(method, path.partition("/v1")[2]) for method, path, _body in there.requests] == [
        ("POST", "/p/receptions"),
        ("POST", "/p/receptions/r/images"),
        ("POST", "/p/replications/r/images"),
        ("DELETE", "/p/receptions/r"),
    ]
    assert json.loads(there.requests[1][2]) == {"attempt": 1}


def test_whether_a_replication_is_there(api, there):
    there.answer = (200, b"{}")
    assert api.has_replication("p", "r")
    there.answer = (404, b'{"error": {"code": "IMG.0121", "message": "No such replication."}}')
    assert not api.has_replication("p", "r")
    there.answer = (404, b"not found")
    with pytest.raises(NoImsThere):
        api.has_replication("p", "r")
