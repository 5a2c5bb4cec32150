# SPDX-License-Identifier: Apache-2.0
"""What was done to an image: what the project's own users did, the newest first."""

import dataclasses
import types

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations.image_history import list_image_events
from ims_glance.db.audit import AuditEvents
from tests.unit.api.ims import calls


def event(name, project_id=calls.PROJECT, image_id=calls.IMAGE, **more):
    content = {"project_id": project_id, "image_ids": [image_id], "code": None, **more}
    return f"audit.ims.{name}", {
        "name": name,
        "eventTime": "2026-11-29T09:00:00.000000+0000",
        "outcome": "success",
        "initiator": {"id": "u", "name": "demo", "host": {"address": "192.0.2.7"}},
        "attachments": [{"content": content}],
    }


@pytest.fixture
def call(tables):
    made = calls.call(tables.conf, calls.view(), image_id=calls.IMAGE)
    jobs = types.SimpleNamespace(database=tables.database)
    return dataclasses.replace(made, service=dataclasses.replace(made.service, jobs=jobs))


def shown(call, **query):
    return list_image_events(dataclasses.replace(call, query=query)).body["events"]


def test_the_newest_first_and_nothing_of_others(call, tables):
    AuditEvents(tables.conf, tables.database).add(
        [
            event("createImage"),
            event("addMember", project_id=calls.OTHER),
            event("deleteImage", image_id=calls.SECOND),
            event("exportImage", code="IMG.0046", job_id="j"),
        ]
    )
    newest, oldest = shown(call)
    assert (newest["name"], newest["error_code"], newest["job_id"]) == (
        "exportImage",
        "IMG.0046",
        "j",
    )
    assert (oldest["name"], oldest["user_name"]) == ("createImage", "demo")
    assert "192.0.2.7" not in str(oldest)
    assert [each["name"] for each in shown(call, limit="1")] == ["exportImage"]


def test_what_is_no_audit_event_is_left_out(call, tables):
    """A server may have the id that somebody gave an image."""
    told = {"server_id": calls.IMAGE, "project_id": calls.PROJECT}
    AuditEvents(tables.conf, tables.database).add(
        [("ims.market.usage.exists", told), event("createImage"), ("other", told)]
    )
    assert [each["name"] for each in shown(call)] == ["createImage"]


def test_without_a_database_there_is_none(call):
    jobs = types.SimpleNamespace(database=types.SimpleNamespace(is_configured=False))
    service = dataclasses.replace(call.service, jobs=jobs)
    assert shown(dataclasses.replace(call, service=service)) == []


def test_no_image(call):
    with pytest.raises(exceptions.ImageNotFound):
        list_image_events(dataclasses.replace(call, arguments={"image_id": calls.ABSENT}))
