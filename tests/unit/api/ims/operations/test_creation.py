# SPDX-License-Identifier: Apache-2.0
"""Creating images: which form a request is, what it is checked for, what the job gets."""

from typing import Any

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import creation
from ims_glance.api.native.image import TooManyTags
from ims_glance.model import job as jobs
from ims_glance.model.text import key_name
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, JOB, WORDS

VOLUME = "33333333-3333-3333-3333-333333333333"
SYSTEM = "CentOS 7.3 64bit"
OF_VOLUME = {"name": "image", "volume_id": VOLUME, "os_version": SYSTEM}
OF_FILE = {"name": "image", "image_url": "bucket:disk.raw", "min_disk": 40}
DATA_IMAGE = {"name": "data", "volume_id": VOLUME}


@pytest.fixture
def make(tmp_path):
    def make(body, image_id=IMAGE, **changes):
        conf = calls.configuration(tmp_path, tags=2)
        return calls.call(conf, calls.view(**changes), body=body, image_id=image_id)

    return make


def _refused(call, handler, code, family=exceptions.ImsError):
    with pytest.raises(family) as refused:
        handler(call)
    assert refused.value.code == code
    assert (call.service.jobs.accepted, call.service.quota.asked) == ([], 0)


class TestOfVolume:
    def _accepted(self, call):
        answer = creation.create_image(call)
        assert (answer.body, answer.job_id) == ({"job_id": JOB}, JOB)
        assert call.service.quota.asked == 1
        [(job_type, arguments, entities, creates_image)] = call.service.jobs.accepted
        assert (job_type, creates_image) == (jobs.VOLUME_CREATE_IMAGE, True)
        assert entities == {"image_name": arguments["name"]}
        return arguments

    @pytest.mark.parametrize("word", WORDS)
    def test_any_name_will_do(self, make, word):
        tags = [word[:36], "token.eyJabcdefgh"] if "." not in word else ["sk.secret"]
        said = {"name": word, "description": word, "tags": tags}
        assert self._accepted(make({**OF_VOLUME, **said}))["name"] == word

    def test_what_must_be_there(self, make):
        assert self._accepted(make(OF_VOLUME)) == {
            **OF_VOLUME,
            "description": None,
            "type": None,
            "enterprise_project_id": None,
            "min_ram": None,
            "max_ram": None,
            "tags": [],
        }

    def test_all_fields(self, make):
        wishes = {
            "description": "Old",
            "type": "BMS",
            "enterprise_project_id": "0",
            "min_ram": 2048,
            "max_ram": "2048",
            "tags": ["env.a", "x"],
        }
        # Clients send empty fields of other forms.
        others: dict[str, Any] = {
            "instance_id": None,
            "image_url": "",
            "data_images": [],
            "something_new": 1,
        }
        arguments = self._accepted(make({**OF_VOLUME, **wishes, **others}))
        assert arguments == {**OF_VOLUME, **wishes, "max_ram": 2048, "tags": ["env=a", "x"]}

    @pytest.mark.parametrize("is_config", [True, False])
    def test_its_system_may_be_prepared(self, make, is_config):
        arguments = self._accepted(make({**OF_VOLUME, "is_config": is_config}))
        assert arguments.get("is_config", False) is is_config

    def test_a_key_of_a_tag_counts_once(self, make):
        given = [{"key": "a", "value": str(number)} for number in range(5)]
        assert self._accepted(make({**OF_VOLUME, "image_tags": given}))["tags"] == ["a=4"]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"name": ""}, "IMG.0013"),
            ({"name": None}, "IMG.0013"),
            ({"name": "<"}, "IMG.0003"),
            ({"description": "<"}, "IMG.0054"),
            ({"os_version": None}, "IMG.0056"),
            ({"cmk_id": "k"}, "IMG.0016"),
            ({"min_ram": 2048, "max_ram": "1024"}, "IMG.0016"),
            ({"tags": ["a b"]}, "IMG.0115"),
            ({"tags": ["a"], "image_tags": [{"key": "a"}]}, "IMG.0115"),
        ],
    )
    def test_refusals(self, make, changes, code):
        _refused(make({**OF_VOLUME, **changes}), creation.create_image, code)

    def test_too_many_tags(self, make):
        call = make({**OF_VOLUME, "tags": ["a", "b", "c"]})
        _refused(call, creation.create_image, "IMG.0116", TooManyTags)

    def test_no_place(self, make, monkeypatch):
        def places(*_arguments):
            raise exceptions.Conflict

        call = make(OF_VOLUME)
        monkeypatch.setattr(call.service.quota, "places", places)
        with pytest.raises(exceptions.Conflict):
            creation.create_image(call)
        assert not call.service.jobs.accepted


class TestForms:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": "x"},
            {"name": "x", "volume_id": None, "data_images": []},
            {**OF_VOLUME, "instance_id": VOLUME},
            {**OF_VOLUME, **OF_FILE},
            {**OF_FILE, "instance_id": VOLUME, "data_images": [DATA_IMAGE]},
        ],
    )
    def test_exclude_each_other(self, make, body):
        _refused(make(body), creation.create_image, "IMG.0016", creation.SourceUnclear)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"data_images": [{"name": ""}]}, "IMG.0013"),
            ({"data_images": [{"name": "x", "description": "<"}]}, "IMG.0054"),
            ({"data_images": [{"name": "x", "tags": ["a b"]}]}, "IMG.0115"),
            ({**OF_FILE, "data_images": [{"name": "<"}]}, "IMG.0003"),
            ({**OF_FILE, "name": "<"}, "IMG.0003"),
        ],
    )
    def test_are_checked_all_the_same(self, make, body, code):
        _refused(make(body), creation.create_image, code)


WHOLE = {"name": "x", "backup_id": VOLUME}


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (creation.create_data_image, OF_FILE),
        (creation.import_image_quick, {**OF_FILE, "os_version": SYSTEM}),
        (creation.import_image_quick, {**OF_FILE, "type": "DataImage"}),
    ],
)
class TestOthers:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"name": ""}, "IMG.0013"),
            ({"description": "x" * 1025}, "IMG.0004"),
            ({"tags": ["a", "b", "c"]}, "IMG.0116"),
            ({"cmkId": "k"}, "IMG.0016"),
            ({"min_ram": 2, "max_ram": 1}, "IMG.0016"),
        ],
    )
    def test_are_checked_all_the_same(self, make, handler, body, changes, code):
        _refused(make({**body, **changes}), handler, code)


@pytest.mark.parametrize("name", ["cmkid", "CMK_ID"])
def test_misspelt_name_of_the_key(make, name):
    body = {**OF_VOLUME, name: "k"}
    _refused(make(body), creation.create_image, "IMG.0016", key_name.KeyNameMisspelt)


@pytest.mark.parametrize("body", [{"name": "x"}, {**WHOLE, "instance_id": VOLUME}])
def test_source_of_a_whole_machine(make, body):
    _refused(make(body), creation.create_whole_image, "IMG.0016", creation.SourceUnclear)


def test_quick_import_of_a_system(make):
    family = creation.OsVersionMissing
    _refused(make({**OF_FILE, "type": "ECS"}), creation.import_image_quick, "IMG.0056", family)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": "active"}, "IMG.0046"),
        ({"status": "saving"}, "IMG.0046"),
        ({"status": "queued", "owner": calls.OTHER}, "IMG.0047"),
        ({"image_id": ABSENT}, "IMG.0027"),
    ],
)
def test_register(make, fields, code):
    _refused(make({"image_url": "bucket:x"}, **fields), creation.register_image, code)


def test_twins():
    rows = {each.name: each for each in creation.OPERATIONS}
    for name in ("create_image", "create_data_image", "import_image_quick"):
        twin = rows[f"{name}_in_safe_mode"]
        assert twin.path.startswith("/v2.1/cloudimages/")
        assert (twin.handler, twin.body) == (rows[name].handler, rows[name].body)
