# SPDX-License-Identifier: Apache-2.0
"""Copies: what is checked before the job is accepted, and what the job gets."""

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import copy
from ims_glance.model import job as jobs
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.server import Disk
from ims_glance.model.text import key_name
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, JOB, OTHER, PROJECT, SECOND, WORDS


@pytest.fixture
def make(tmp_path):
    def make(body=None, image_id=IMAGE, **changes):
        conf = calls.configuration(tmp_path)
        body = {"name": "copy"} | (body or {})
        return calls.call(conf, calls.view(**changes), body=body, image_id=image_id)

    return make


def _accepted(call):
    answer = copy.copy_image_in_region(call)
    assert (answer.body, answer.job_id, answer.image_ids) == ({"job_id": JOB}, JOB, (IMAGE,))
    assert call.service.quota.asked == 1
    [(job_type, arguments, entities, creates_image)] = call.service.jobs.accepted
    assert (job_type, creates_image) == (jobs.COPY_IN_REGION, True)
    assert entities == {"image_name": arguments["name"]}
    return arguments


def _refused(call, code, handler=copy.copy_image_in_region, family=exceptions.ImsError):
    with pytest.raises(family) as refused:
        handler(call)
    assert refused.value.code == code
    assert (call.service.jobs.accepted, call.service.quota.asked) == ([], 0)


def test_plain(make):
    assert _accepted(make()) == {
        "image_id": IMAGE,
        "name": "copy",
        "description": None,
        "cmk_id": None,
        "enterprise_project_id": None,
        "disks": 0,
    }


@pytest.mark.parametrize("word", WORDS)
def test_any_name_will_do(make, word):
    arguments = _accepted(make({"name": word, "description": f"token: {word}"}))
    assert (arguments["name"], arguments["description"]) == (word, f"token: {word}")


def test_all_fields(make):
    wishes = {"description": "Old", "cmk_id": "ims/default", "enterprise_project_id": "0"}
    arguments = _accepted(make({**wishes, "something_new": 1}))
    assert arguments["cmk_id"] == "id of ims/default"
    assert (arguments["description"], arguments["enterprise_project_id"]) == ("Old", "0")
    assert "something_new" not in arguments


def test_decryption(make):
    assert _accepted(make(**{attributes.CMK_ID: "k"}))["cmk_id"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": ""}, "IMG.0013"),
        ({"name": "x" * 129}, "IMG.0002"),
        ({"name": " x"}, "IMG.0003"),
        ({"description": "x" * 1025}, "IMG.0004"),
        ({"description": "a\nb"}, "IMG.0054"),
    ],
)
def test_texts(make, body, code):
    _refused(make(body), code)


@pytest.mark.parametrize("name", ["cmkId", "CMK_ID", "cmkid", "kms_key_id", "__system__cmkid"])
def test_misspelt_name_of_the_key(make, name):
    _refused(make({name: "k"}), "IMG.0016", family=key_name.KeyNameMisspelt)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "queued"}, "IMG.0046"),
        ({attributes.COMPONENT_OF: "w"}, "IMG.0130"),
        ({attributes.VIRTUAL_ENV_TYPE: "IsoImage"}, "IMG.0024"),
    ],
)
def test_what_the_image_is(make, changes, code):
    _refused(make(**changes), code)


def test_unknown_image(make):
    _refused(make(image_id=ABSENT), "IMG.0027", family=exceptions.NotFound)


def test_the_same_key(make):
    _refused(make({"cmk_id": "k"}, **{attributes.CMK_ID: "id of k"}), "IMG.0096")


def test_a_key_that_is_of_no_use(make, monkeypatch):
    def named(*_arguments):
        raise exceptions.KeyNotFound(key_id="k")

    call = make({"cmk_id": "k"})
    monkeypatch.setattr(call.service.keys, "named", named)
    _refused(call, "IMG.0095")


def test_bare_metal_is_not_encrypted(make):
    environment = {attributes.VIRTUAL_ENV_TYPE: "Ironic"}
    _refused(make({"cmk_id": "k"}, **environment), "IMG.0118")
    assert _accepted(make(**environment))["cmk_id"] is None


class TestOfAnotherProject:
    def _call(self, make, status):
        call = make(owner=OTHER, visibility="shared")
        call.service.images.members[IMAGE] = {PROJECT: status}
        return call

    def test_accepted(self, make):
        _accepted(self._call(make, "accepted"))

    @pytest.mark.parametrize("status", ["pending", "rejected"])
    def test_not_accepted(self, make, status):
        _refused(self._call(make, status), "IMG.0196", family=copy.NotAccepted)

    def test_public(self, make):
        _accepted(make(owner=OTHER, visibility="public"))


def _whole(tmp_path, *present):
    """A copy of a whole-machine image of two disks, of which some are there."""
    disks = [
        whole_image.Component(Disk(at, None, 1), each) for at, each in enumerate((SECOND, ABSENT))
    ]
    views = [calls.view(**whole_image.properties(disks)), *map(calls.view, present)]
    conf = calls.configuration(tmp_path)
    return calls.call(conf, *views, body={"name": "copy"}, image_id=IMAGE)


def test_whole_machine(tmp_path):
    call = _whole(tmp_path, SECOND, ABSENT)
    assert _accepted(call)["disks"] == call.service.quota.disks == 2


def test_whole_machine_that_lost_a_disk(tmp_path):
    _refused(_whole(tmp_path, SECOND), "IMG.0027", family=whole_image.DiskMissing)
