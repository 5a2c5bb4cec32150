# SPDX-License-Identifier: Apache-2.0
"""The backup of an image that is deleted, with a small Cinder."""

import contextlib
import json
import types
from typing import Any

import pytest
import webob
from glance.common import wsgi

from ims_glance import exceptions
from ims_glance.api.common.image import ShownImage
from ims_glance.api.native import backup
from ims_glance.model.image import attributes
from tests.unit.api import backups
from tests.unit.api.ims import calls

ID = backups.ID
DONE, REFUSED = webob.Response(status=204), webob.Response(status=409)


@pytest.fixture
def server():
    server = backups.cinder()
    yield server
    server.close()


@pytest.fixture
def known(tmp_path):
    return backups.known(tmp_path)


@pytest.fixture
def context(server):
    return backups.caller(server)


@pytest.fixture
def call(context):
    with contextlib.ExitStack() as held:
        yield types.SimpleNamespace(context=context, held=held, effects=[])


def image(**changes):
    said = {attributes.BACKUP_ID: ID, **changes}
    return ShownImage("/v2/images/i", calls.view("i", **said))


def answered(call, response):
    for effect in call.effects:
        effect(response)


def test_it_goes_with_the_image(call, known, server):
    backup.delete_with(call, known, image())
    assert len(server.backups) == 2
    answered(call, DONE)
    assert server.backups == {}


def test_it_stays_when_the_image_does(call, known, server):
    backup.delete_with(call, known, image())
    answered(call, REFUSED)
    assert len(server.backups) == 2


@pytest.mark.parametrize(
    "view",
    [
        image(**{attributes.BACKUP_ID: None}),
        image(**{attributes.BACKUP_ID: "22222222-0000-4000-8000-000000000000"}),
        image(owner=calls.OTHER),
    ],
)
def test_nothing_to_delete(call, known, server, view):
    backup.delete_with(call, known, view)
    assert (call.effects, len(server.backups)) == ([], 2)


def _refused(call, known, view):
    with pytest.raises(exceptions.ImsError) as refused:
        backup.delete_with(call, known, view)
    assert (refused.value.code, call.effects) == ("IMG.0176", [])


def test_administrators_do_not_reach_it(call, known, context):
    context.is_admin = True
    _refused(call, known, image(owner=calls.OTHER))


@pytest.mark.parametrize("status", ["creating", "restoring", "error_deleting"])
def test_it_is_busy(call, known, server, status):
    for each in server.backups.values():
        each["status"] = status
    _refused(call, known, image())


def test_others_are_made_upon_it(call, known, server):
    next(iter(server.backups.values()))["has_dependent_backups"] = True
    _refused(call, known, image())


def test_it_is_being_deleted_already(call, known, server):
    for each in server.backups.values():
        each["status"] = "deleting"
    backup.delete_with(call, known, image())
    assert call.effects == []


def test_a_job_works_on_it(call, known):
    known.in_use = lambda _project: {ID}
    _refused(call, known, image())


def test_cinder_shows_nothing(call, known, server):
    server.failures["GET /backups/detail"] = [403]
    _refused(call, known, image())


def test_cinder_is_away(call, known, server):
    server.failures["GET /backups/detail"] = [503]
    with pytest.raises(exceptions.Unavailable):
        backup.delete_with(call, known, image())


def test_cinder_does_not_delete_it_afterwards(call, known, server, caplog):
    backup.delete_with(call, known, image())
    server.failures["DELETE /backups/.*"] = [400]
    answered(call, DONE)
    assert ID in caplog.text


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", False),
        (b"{", False),
        (b"[true]", False),
        (b"{}", False),
        (b'{"delete_backup": false}', False),
        (b'{"delete_backup": "true"}', False),
        (b'{"delete_backup": true}', True),
        (json.dumps({"delete_backup": True, "x": "x" * 70000}).encode(), False),
    ],
)
def test_whether_it_is_wanted(body, wanted):
    request = wsgi.Request.blank("/", method="DELETE", body=body)
    asked: Any = types.SimpleNamespace(request=request)
    assert backup.is_wanted(asked) is wanted
