# SPDX-License-Identifier: Apache-2.0
"""Who did what to which image, from where, and how it ended."""

import io
import json
import re
from typing import Any

import pytest
import webob
from hypothesis import given
from hypothesis import strategies as st
from oslo_config import cfg

from ims_glance.api.front import audit
from ims_glance.api.ims.app import Application
from ims_glance.api.ims.operations import OPERATIONS
from ims_glance.db.audit import AuditEvents, Wanted
from ims_glance.db.database import DatabaseUnavailable

ID = "d152fa13-2b41-42ca-a934-6c21566c0f40"
_TOKEN = {
    "methods": ["password"],
    "user": {"id": "c" * 32, "name": "demo", "domain": {"id": "default"}},
    "project": {"id": "p" * 32, "name": "project"},
    "roles": [{"id": "1", "name": "member"}],
}


class Behind:
    """What stands behind the filter."""

    def __init__(self):
        self.status, self.headers, self.body = "200 OK", [], [b"{}"]
        self.trail = None
        self.error = None
        self.is_authenticated = True

    def __call__(self, environ, start_response):
        if self.is_authenticated:
            environ["keystone.token_info"] = {"token": _TOKEN}
        if self.trail is not None:
            environ[audit.TRAIL] = self.trail
        # As Paste's urlmap does it.
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/v2", environ["PATH_INFO"][3:]
        if self.error:
            raise self.error
        headers = [("X-Openstack-Request-Id", "req-1"), *self.headers]
        start_response(self.status, headers)
        return iter(self.body)


class Door:
    """The filter, and what it recorded."""

    def __init__(self):
        self.app = Behind()
        self.records: list[Any] = []
        self.filter = audit.Audit(self.app, lambda *record: self.records.append(record))

    def __call__(self, method, path, **more):
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "REMOTE_ADDR": "192.0.2.7",
            "HTTP_USER_AGENT": "a client",
            "HTTP_X_AUTH_TOKEN": "the token",
            "wsgi.input": io.BytesIO(b"the body"),
            **more,
        }
        started = []
        body = b"".join(self.filter(environ, lambda *answer: started.append(answer)))
        return started, body

    @property
    def record(self):
        [(event_type, content)] = self.records
        [attached] = content["attachments"]
        return event_type, content, attached["content"]


@pytest.fixture
def door():
    return Door()


def test_an_operation_of_the_image_api(door):
    door.app.status = "201 Created"
    door.app.headers = [("Location", f"http://glance/v2/images/{ID}")]
    door("POST", "/v2/images")
    event_type, event, more = door.record
    assert event_type == "audit.image.createImage"
    assert (event["name"], event["action"], event["outcome"]) == (
        "createImage",
        "create",
        "success",
    )
    assert event["typeURI"] == "http://schemas.dmtf.org/cloud/audit/1.0/event"
    assert event["target"] == {"typeURI": "service/storage/image", "id": ID}
    assert event["reason"] == {"reasonType": "HTTP", "reasonCode": "201"}
    assert event["initiator"]["id"] == "c" * 32
    assert event["initiator"]["name"] == "demo"
    assert event["initiator"]["host"] == {"address": "192.0.2.7", "agent": "a client"}
    assert event["eventTime"]
    assert more["resource_type"] == "image"
    assert more["image_ids"] == [ID]
    assert (more["project_id"], more["roles"]) == ("p" * 32, ["member"])
    assert more["request_id"] == "req-1"
    assert (more["method"], more["path"]) == ("POST", "/v2/images")
    assert (more["code"], more["job_id"]) == (None, None)


def test_an_operation_of_the_ims_api(door):
    door.app.trail = {"name": "addMember", "image_ids": ["1", "2"], "job_id": "j"}
    door("POST", "/v1/cloudimages/members")
    event_type, event, more = door.record
    assert event_type == "audit.ims.addMember"
    assert event["target"] == {"typeURI": "service/storage/image/member", "id": "1"}
    assert (more["resource_type"], more["image_ids"], more["job_id"]) == ("ims", ["1", "2"], "j")


def test_a_refusal(door):
    door.app.status = "403 Forbidden"
    door.app.body = [b"<h1>403</h1> IM", b"G.0099: You may not"]
    started, body = door("DELETE", f"/v2/images/{ID}/members/other")
    assert started[0][0] == "403 Forbidden"
    assert body == b"<h1>403</h1> IMG.0099: You may not"
    _type, event, more = door.record
    assert (event["outcome"], event["reason"]["reasonCode"]) == ("failure", "403")
    assert event["target"]["id"] == ID
    assert (more["code"], more["member"]) == ("IMG.0099", "other")


def test_a_refusal_of_the_ims_api_names_its_code_itself(door):
    door.app.status = "400 Bad Request"
    door.app.trail = {"name": "createImage", "code": "IMG.0002"}
    door("POST", "/v2/cloudimages/action")
    assert door.record[2]["code"] == "IMG.0002"
    assert door.record[1]["target"]["id"] == "unknown"


def test_who_is_not_known_is_not_believed(door):
    """Headers say nothing: Keystone's middleware was not reached."""
    door.app.is_authenticated = False
    door.app.status = "403 Forbidden"
    door("POST", "/v2/images", HTTP_X_USER_ID="admin", HTTP_X_SERVICE_USER_ID="nova")
    _type, event, more = door.record
    assert event["initiator"]["id"] == "unknown"
    assert (more["project_id"], more["roles"], more["service_user_id"]) == (None, [], None)
    assert "admin" not in json.dumps(event)


def test_who_has_no_token_fills_no_record(door):
    """Anybody could push all other events out of it."""
    door.app.status = "401 Unauthorized"
    door("POST", "/v2/images")
    assert door.record[1]["reason"]["reasonCode"] == "401"
    door.app.is_authenticated = False
    door("POST", "/v2/images")
    assert len(door.records) == 1


def test_a_crash_is_recorded_and_goes_on(door):
    door.app.error = KeyError("x")
    with pytest.raises(KeyError):
        door("POST", "/v2/images")
    assert door.record[1]["reason"]["reasonCode"] == "500"


def test_neither_token_nor_body(door):
    door("POST", "/v2/images")
    shown = json.dumps(door.records)
    assert "the token" not in shown
    assert "the body" not in shown


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v2/images"), ("POST", "/v2/metadefs/namespaces"), ("PUT", "/")]
)
def test_reading_is_not_recorded(door, method, path):
    door(method, path)
    assert door.records == []


def test_an_operation_of_ims_that_reads_is_not_recorded(door):
    door.app.trail = {"name": None}
    door("POST", "/v2/p/images/resource_instances/action")
    assert door.records == []


def test_an_operation_of_ims_that_reads_data_is_recorded(door):
    """Whoever reads a sealed image takes it out of the cloud."""
    door.app.trail = {"name": "exportImage", "image_ids": [ID]}
    door("GET", f"/v1/p/images/{ID}/sealed")
    assert door.record[0] == "audit.ims.exportImage"
    assert door.record[1]["target"]["id"] == ID
    assert door.record[2]["method"] == "GET"


@pytest.mark.parametrize("each", [each for each in OPERATIONS if each.audit], ids=lambda e: e.name)
def test_every_operation_of_ims_that_is_audited(each):
    nobody: Any = None
    records: list[Any] = []
    served = audit.Audit(Application(nobody, OPERATIONS, nobody), lambda *one: records.append(one))
    path = re.sub(r"\{\w+\}", "x", each.path)
    # Refused, for who asks is not known. The query changes nothing, as there is no Routes.
    request = webob.Request.blank(f"{path}?_method=HEAD", method=each.method)
    assert request.get_response(served).status_int == 404
    [(event_type, content)] = records
    assert event_type == f"audit.ims.{each.audit}"
    assert content["attachments"][0]["content"]["method"] == each.method


def test_a_refusal_to_read_is_left_alone(door):
    """What is no operation to record is not looked through for a code."""

    def never():
        raise AssertionError("The answer was read.")
        yield b""

    door.app.status, door.app.body = "404 Not Found", never()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/v2/images/{ID}/file"}
    door.filter(environ, lambda *_answer: None)
    assert door.records == []


def test_a_choice_of_versions_is_no_operation(door):
    door.app.status = "300 Multiple Choices"
    door("POST", "/images")
    assert door.records == []


def test_the_method_that_routes_sees(door):
    door("GET", f"/v2//images/{ID}", QUERY_STRING="_method=delete")
    assert door.record[0] == "audit.image.deleteImage"


def test_a_trail_from_outside_is_not_believed(door):
    door("POST", "/v2/images", **{audit.TRAIL: {"name": "deleteImage"}})
    assert door.record[0] == "audit.image.createImage"


def test_a_request_does_not_fail_with_its_record(caplog):
    def send(*_record):
        raise RuntimeError("no")

    app = Behind()
    started = []
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/v2/images"}
    answer = audit.Audit(app, send)(environ, lambda *answer: started.append(answer))
    assert b"".join(answer) == b"{}"
    assert "not recorded" in caplog.text


_TEXT = st.text(st.characters(max_codepoint=255), max_size=20)


@given(path=_TEXT, query=_TEXT, agent=_TEXT)
def test_noise(path, query, agent):
    door = Door()
    for noise in (path, f"images/{path}"):
        door("DELETE", f"/v2/{noise}", QUERY_STRING=f"_method=PUT&{query}", HTTP_USER_AGENT=agent)
        door("DELETE", f"/v2/{noise}", QUERY_STRING=f"_method={query}")
    json.dumps(door.records)


def test_it_can_be_turned_off():
    conf = cfg.ConfigOpts()
    app = Behind()
    assert isinstance(audit.make(conf, app), audit.Audit)
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    conf.set_override("enabled", False, group="ims_audit")
    assert audit.make(conf, app) is app


def test_what_was_done_is_recorded_in_the_database(tables, monkeypatch):
    """While the database is away it waits, and the request does not."""
    app, failures = Behind(), [DatabaseUnavailable(reason="test")] * 2
    add = AuditEvents.add

    def unwilling(self, events):
        if failures:
            raise failures.pop()
        add(self, events)

    monkeypatch.setattr(AuditEvents, "add", unwilling)
    made: Any = audit.make(tables.conf, app)
    for number in range(3):
        environ = {"REQUEST_METHOD": "DELETE", "PATH_INFO": f"/v2/images/{number}"}
        assert b"".join(made(environ, lambda *_answer: None)) == b"{}"
    assert made._send.__self__.flush(30)
    history = AuditEvents(tables.conf, tables.database)
    found = history.last(9, Wanted(project_id="p" * 32))
    assert [event.content["target"]["id"] for event in found] == ["0", "1", "2"]
    assert {event.type for event in found} == {"audit.image.deleteImage"}
    assert len(history.unsent(9)) == 3
