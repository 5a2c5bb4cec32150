# SPDX-License-Identifier: Apache-2.0
"""Serving a table of operations: finding, asking, answering, failing."""

import json
import types
from typing import Any

import pytest
import webob
from glance import context as glance_context
from glance.common import wsgi
from oslo_config import cfg
from oslo_db import exception as db_exceptions

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims import app
from ims_glance.api.ims.operation import Access, Answer, Operation
from ims_glance.api.ims.operations import MARKET, OPERATIONS
from ims_glance.api.ims.policy import NotAllowed


class Policy:
    """Allows all but one operation."""

    def check(self, _context, operation):
        if operation.name == "forbidden":
            raise exceptions.Forbidden
        if operation.name in ("sold", "denied"):
            raise NotAllowed(rule=operation.policy, default="nobody")


def _raise(error):
    def handler(_call):
        raise error

    return handler


REFUSED = webob.Response(status=409, json_body={"message": "IMG.0015: No place."})
TABLE = (
    Operation("echo", "GET", "/v1/{project_id}/things/{image_id}", lambda call: Answer(
        {"arguments": dict(call.arguments), "query": dict(call.query)}), "Echo", query={"q": {}}),
    Operation("made", "POST", "/v1/things", lambda call: Answer(
        {"job_id": "j"}, image_ids=("i1", "i2"), job_id="j"), "Make", body={}, audit="createImage"),
    Operation("asked", "POST", "/v1/asked", lambda _call: Answer(
        {}, has_changed=False), "Ask", body={}, audit="createImage"),
    Operation("either", "POST", "/v1/either", lambda _call: Answer(), "Add or delete",
        body={"required": ["tags"]}, audit="addTag", audit_by_action={"delete": "deleteTag"}),
    Operation("empty", "DELETE", "/v1/things", lambda _call: Answer(), "Empty", status=204),
    Operation("stream", "GET", "/v1/stream", lambda _call: Answer(
        stream=iter([b"a", b"b"]), content_type="text/csv", headers={"X-More": "1"}), "Stream"),
    Operation("known", "GET", "/v1/known", lambda _call: Answer(
        stream=iter([b"a", b"b"]), headers={"Content-Length": "2"}), "Stream of known length"),
    Operation("forbidden", "GET", "/v1/forbidden", lambda _call: Answer(), "Forbidden"),
    Operation("denied", "GET", "/v1/denied", lambda _call: Answer(), "Denied"),
    Operation("sold", "GET", "/v1/sold", lambda _call: Answer(), "Sold", access=Access.SELL),
    Operation("refused", "GET", "/v1/refused", _raise(SubrequestRefused(REFUSED)), "Refused"),
    Operation("database", "GET", "/v1/database", _raise(db_exceptions.DBConnectionError()), "Away"),
    Operation("login", "GET", "/v1/login",
        lambda call: Answer(list(call.context.login)), "How the caller logged in"),
    Operation("broken", "GET", "/v1/broken", _raise(ZeroDivisionError("secret")), "Broken"),
)  # fmt: skip


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(glance_context.policy, "Enforcer", lambda: None)
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    service: Any = types.SimpleNamespace(conf=conf)
    policy: Any = Policy()
    application = app.Application(service, TABLE, policy)
    enforcer = types.SimpleNamespace(check_is_admin=lambda _context: False)

    def request(method, path, with_context=True, **fields):
        sent = wsgi.Request.blank(path, method=method, **fields)
        if with_context:
            sent.context = glance_context.RequestContext(
                project_id="p", user_id="u", roles=["member"], policy_enforcer=enforcer
            )
        response = sent.get_response(application)
        return response, sent.environ[app.AUDIT]

    return request


def _code(response):
    return response.status_int, response.json["error"]["code"]


def test_arguments_and_query(serve):
    response, trail = serve("GET", "/v1/p/things/i%20j/?q=1")
    assert response.json == {
        "arguments": {"project_id": "p", "image_id": "i j"},
        "query": {"q": "1"},
    }
    assert (trail["name"], trail["image_ids"]) == (None, ["i j"])


def test_what_the_audit_learns(serve):
    response, trail = serve("POST", "/v1/things", body=b"{}")
    assert response.json == {"job_id": "j"}
    assert (trail["name"], trail["image_ids"], trail["job_id"]) == (
        "createImage",
        ["i1", "i2"],
        "j",
    )


def test_a_question_is_nothing_for_the_audit(serve):
    response, trail = serve("POST", "/v1/asked", body=b"{}")
    assert (response.status_int, trail["name"]) == (200, None)


def test_no_body(serve):
    response, _trail = serve("DELETE", "/v1/things")
    assert (response.status_int, response.body) == (204, b"")
    assert "Content-Type" not in response.headers


def test_a_stream(serve):
    response, _trail = serve("GET", "/v1/stream")
    assert (response.body, response.headers["X-More"]) == (b"ab", "1")
    assert response.headers["Content-Type"] == "text/csv; charset=UTF-8"


def test_a_stream_whose_length_is_known(serve):
    response, _trail = serve("GET", "/v1/known")
    assert response.headers["Content-Length"] == "2"
    assert response.body == b"ab"


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/v1/nothing", (404, "IMG.0017")),
        ("PATCH", "/v1/things", (404, "IMG.0017")),
        ("GET", "/v1/p/things/a/b", (404, "IMG.0017")),
        ("GET", "/v1/p/things/i%0A", (404, "IMG.0017")),
        ("GET", "/v1/other/things/i", (400, "IMG.0067")),
        ("GET", "/v1/p/things/i?x=1", (400, "IMG.0017")),
        ("POST", "/v1/things", (400, "IMG.0007")),
        ("GET", "/v1/forbidden", (403, "IMG.0026")),
        ("GET", "/v1/refused", (400, "IMG.0015")),
        ("GET", "/v1/database", (503, "IMG.0014")),
        ("GET", "/v1/broken", (500, "IMG.0061")),
    ],
)
def test_refusals(serve, method, path, found):
    response, _trail = serve(method, path)
    assert _code(response) == found
    assert "secret" not in json.dumps(response.json)


def test_the_code_is_on_record(serve):
    _response, trail = serve("GET", "/v1/refused")
    assert trail["code"] == "IMG.0015"


def test_odd_bytes_in_the_path(serve):
    response, _trail = serve("GET", "/v1/p/things/%ff")
    assert _code(response) == (404, "IMG.0017")


def test_nobody_is_served_without_a_context(serve):
    response, _trail = serve("GET", "/v1/stream", with_context=False)
    assert response.status_int >= 400


def test_a_job_is_told_how_its_caller_logged_in(serve):
    token = {"methods": ["application_credential"], "application_credential": {"id": "7"}}
    environ = {"keystone.token_info": {"token": token}}
    response, _trail = serve("GET", "/v1/login", environ=environ)
    assert response.json == ["application_credential 7", "method application_credential"]


def test_who_does_not_sell_sees_no_selling(serve):
    answers = []
    for path in ("/v1/sold", "/v1/nowhere", "/v1/denied"):
        response, _trail = serve("GET", path)
        answers.append((response.status_int, response.json["error"]["message"].replace(path, "")))
    assert answers[0] == answers[1]
    assert answers[2][0] == 403


def test_without_a_market_there_is_nothing_of_it():
    assert app.served(with_market=True) == OPERATIONS
    assert len(OPERATIONS) - len(app.served(with_market=False)) == len(MARKET)
    assert not any("market" in each.path for each in app.served(with_market=False))
    assert all("/market/" in each.path for each in MARKET)


@pytest.mark.parametrize(("action", "name"), [("create", "addTag"), ("delete", "deleteTag")])
@pytest.mark.parametrize("more", [{"tags": []}, {}])
def test_what_the_body_says_is_on_record_refused_or_not(serve, action, name, more):
    response, trail = serve("POST", "/v1/either", json_body={"action": action, **more})
    assert (response.status_int, trail["name"]) == (200 if more else 400, name)
