# SPDX-License-Identifier: Apache-2.0
"""Copies in other regions: what is checked on either side, and what the jobs there get."""

import pytest

from ims_glance import exceptions
from ims_glance.api.common.acceptance import Rights
from ims_glance.api.ims.operations import replication
from ims_glance.clouds.ims_api import NoImsThere
from ims_glance.db.job import TooManyTasks
from ims_glance.model import copy
from ims_glance.model import job as jobs
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.server import Disk
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, JOB, JOB_THERE, OTHER, PROJECT, SECOND

GIB = 1 << 30


@pytest.fixture
def make(tmp_path):
    """Makes a call of the operation where the image is."""

    def make(body=None, image_id=IMAGE, options=None, views=(), **changes):
        conf = calls.configuration(tmp_path, **(options or {}))
        wanted = {"name": "copy", "region": "RegionTwo", "project_name": "web", **(body or {})}
        shown = calls.view(**changes)
        return calls.call(conf, shown, *views, body=wanted, image_id=image_id)

    return make


def _refused(call, code, handler, family=exceptions.ImsError):
    with pytest.raises(family) as refused:
        handler(call)
    assert refused.value.code == code
    assert call.service.jobs.accepted == []
    return str(refused.value)


class TestAsked:
    handler = staticmethod(replication.copy_image_cross_region)

    def _refused(self, call, code, family=exceptions.ImsError):
        """Before anybody there hears of it."""
        text = _refused(call, code, self.handler, family)
        assert call.service.elsewhere.there.asked == []
        return text

    def test_the_other_region_is_asked_and_its_job_followed(self, make):
        call = make()
        answer = self.handler(call)
        job_id = answer.job_id
        assert (answer.body, answer.image_ids) == ({"job_id": job_id}, (IMAGE,))
        assert call.service.elsewhere.asked == [("web", None)]
        source = {
            "region": "RegionOne",
            "project_id": PROJECT,
            "image_id": IMAGE,
            # And not what else the caller may do here.
            "roles": ["member", "reader"],
            "size": 4,
            "disks": 0,
            "encrypted": False,
            # It is told which job will follow.
            "job_id": job_id,
        }
        assert call.service.jobs.ids == [job_id]
        assert call.service.elsewhere.there.asked == [(OTHER, {"name": "copy", "source": source})]
        [(job_type, arguments, entities, creates_image)] = call.service.jobs.accepted
        assert (job_type, creates_image) == (jobs.COPY_CROSS_REGION, False)
        assert arguments == {"region": "RegionTwo", "project_id": OTHER, "job_id": JOB_THERE}
        assert entities == {
            "image_name": "copy",
            "region": "RegionTwo",
            "target_project_id": OTHER,
            "target_job_id": JOB_THERE,
        }
        assert call.service.jobs.rights == (Rights(OTHER, ("member",)), None)

    def test_all_wishes_are_passed_on(self, make):
        wishes = {
            "description": "d",
            "cmk_id": "k",
            "agency_name": "copies",
            "base_image_id": SECOND,
            "enterprise_project_id": "0",
        }
        call = make({**wishes, "vault_id": "v", "something_new": 1})
        self.handler(call)
        [(_project, body)] = call.service.elsewhere.there.asked
        assert {**wishes, "name": "copy"} == {k: v for k, v in body.items() if k != "source"}
        assert call.service.elsewhere.asked == [("web", "copies")]

    def test_an_encrypted_image_says_so(self, make):
        call = make(**{attributes.CMK_ID: "k"})
        self.handler(call)
        assert call.service.elsewhere.there.asked[0][1]["source"]["encrypted"] is True

    def test_a_whole_machine_has_the_size_of_its_disks(self, make):
        parts = [
            whole_image.Component(Disk(at, None, 1), each)
            for at, each in enumerate((SECOND, ABSENT))
        ]
        views = [
            calls.view(SECOND, size=GIB),
            calls.view(ABSENT, size=5, **{attributes.CMK_ID: "k"}),
        ]
        call = make(views=views, size=0, **whole_image.properties(parts))
        self.handler(call)
        source = call.service.elsewhere.there.asked[0][1]["source"]
        assert (source["size"], source["disks"], source["encrypted"]) == (GIB + 5, 2, True)
        lost = make(views=views[:1], size=0, **whole_image.properties(parts))
        self._refused(lost, "IMG.0027", whole_image.DiskMissing)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"name": "<"}, "IMG.0003"),
            ({"description": "<"}, "IMG.0054"),
            ({"cmkId": "k"}, "IMG.0016"),
            ({"region": "Mars"}, "IMG.0108"),
        ],
    )
    def test_what_is_asked_for(self, make, body, code):
        self._refused(make(body), code)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"status": "saving"}, "IMG.0046"),
            ({"owner": OTHER, "visibility": "public"}, "IMG.0047"),
            ({attributes.COMPONENT_OF: "w"}, "IMG.0130"),
            ({attributes.VIRTUAL_ENV_TYPE: "IsoImage"}, "IMG.0024"),
            ({copy.CINDER_KEY: "k"}, "IMG.0105"),
        ],
    )
    def test_what_the_image_is(self, make, changes, code):
        self._refused(make(**changes), code)

    def test_no_image(self, make):
        self._refused(make(image_id=ABSENT), "IMG.0027", exceptions.NotFound)

    def test_bare_metal_is_not_encrypted(self, make):
        self._refused(make({"cmk_id": "k"}, **{attributes.VIRTUAL_ENV_TYPE: "Ironic"}), "IMG.0118")

    def test_too_large(self, make):
        options = {"cross_region_gib": 128}
        text = self._refused(make(options=options, size=128 * GIB + 1), "IMG.0059")
        assert "cross_region_gib" in text
        self.handler(make(options=options, size=128 * GIB))
        self.handler(make(size=1 << 50))

    def test_a_refusal_there_is_the_answer(self, make):
        call = make()
        call.service.elsewhere.there.refusal = NoImsThere(region="RegionTwo")
        _refused(call, "IMG.0105", self.handler)

    def test_if_the_answer_is_lost_the_same_is_asked_for_again(self, make):
        call = make()
        call.service.elsewhere.there.lost = 1
        answer = self.handler(call)
        first, second = call.service.elsewhere.there.asked
        assert first == second
        assert first[1]["source"]["job_id"] == answer.job_id
        assert len(call.service.jobs.accepted) == 1

    def test_if_it_is_lost_again_there_is_no_copy(self, make):
        """That region sees then that nobody follows it."""
        call = make()
        call.service.elsewhere.there.lost = 2
        _refused(call, "IMG.0014", self.handler, exceptions.Unavailable)
        assert len(call.service.elsewhere.there.asked) == 2

    def test_what_cannot_be_followed_is_not_left_alone_there(self, make):
        call = make()
        call.service.jobs.refusal = TooManyTasks(project_id=PROJECT, limit=5, kind="copying")
        _refused(call, "IMG.0060", self.handler)
        assert call.service.elsewhere.there.cancelled == [(OTHER, JOB_THERE)]

    def test_dry_run(self, make):
        call = make({"dry_run": True})
        answer = self.handler(call)
        assert (answer.body, answer.job_id, answer.has_changed) == ({"preflight": {}}, None, False)
        asked = call.service.elsewhere.there.asked[0][1]
        assert (asked["dry_run"], "job_id" in asked["source"]) == (True, False)
        assert asked["source"]["likeness"] == {"id": IMAGE, "name": "image", "size": 4}
        assert call.service.jobs.accepted == []
        assert call.service.jobs.limits == [(PROJECT, jobs.COPY_CROSS_REGION, False)]


SOURCE = {
    "region": "RegionTwo",
    "project_id": OTHER,
    "image_id": IMAGE,
    "roles": ["reader"],
    "size": 4,
}


class TestReceived:
    handler = staticmethod(replication.receive_image)

    @pytest.fixture
    def make(self, tmp_path):
        """Makes a call of the operation where the copy shall be."""

        def make(body=None, *views, options=None, **source):
            conf = calls.configuration(tmp_path, **(options or {}))
            wanted = {"name": "copy", "source": {**SOURCE, **source}, **(body or {})}
            return calls.call(conf, *views, body=wanted)

        return make

    def _accepted(self, call):
        answer = self.handler(call)
        assert (answer.body, answer.job_id) == ({"job_id": JOB}, JOB)
        [(job_type, arguments, entities, creates_image)] = call.service.jobs.accepted
        assert (job_type, creates_image) == (jobs.RECEIVE_IMAGE, True)
        assert entities == {
            "image_name": "copy",
            "source_region": "RegionTwo",
            "source_image_id": IMAGE,
        }
        return arguments

    def test_the_job_reads_there_and_acts_here(self, make):
        call = make()
        assert self._accepted(call) == {
            "source_region": "RegionTwo",
            "source_project_id": OTHER,
            "image_id": IMAGE,
            "name": "copy",
            "description": None,
            "cmk_id": None,
            "base_image_id": None,
            "base_image_ids": None,
            "enterprise_project_id": None,
            "disks": 0,
            "size": 4,
            "source_job_id": None,
        }
        acting, reading = call.service.jobs.rights
        assert (acting, reading) == (Rights(PROJECT, ("member",)), Rights(OTHER, ("reader",)))
        assert (call.service.quota.asked, call.service.quota.bytes) == (1, 4)

    def test_the_same_request_again_gets_the_same_job(self, make):
        """Also if there would be no room for another, or the base is gone."""
        first = make({}, job_id=JOB_THERE)
        answer = self.handler(first)
        [(_type, arguments, _entities, _creates_image)] = first.service.jobs.accepted
        assert (answer.job_id, arguments["source_job_id"]) == (
            jobs.id_of_copy(PROJECT, "RegionTwo", JOB_THERE),
            JOB_THERE,
        )
        again = make({"base_image_id": ABSENT}, job_id=JOB_THERE)
        again.service.jobs.ids = first.service.jobs.ids
        assert self.handler(again).body == answer.body
        assert (again.service.jobs.accepted, again.service.quota.asked) == ([], 0)
        # A question is none of it.
        question = make({"dry_run": True}, job_id=JOB_THERE)
        question.service.jobs.ids = first.service.jobs.ids
        assert "preflight" in self.handler(question).body

    def test_each_project_and_region_has_jobs_of_its_own(self):
        ids = {
            jobs.id_of_copy(*each)
            for each in (
                (PROJECT, "RegionTwo", JOB),
                (OTHER, "RegionTwo", JOB),
                (PROJECT, "RegionTwo/a", JOB),
                (PROJECT, "RegionTwo", JOB_THERE),
            )
        }
        assert len(ids) == 4
        assert {jobs.split_id(each) for each in ids} == {(each, None) for each in ids}

    def test_all_wishes(self, make):
        bases = {"base_image_id": SECOND, "base_image_ids": [SECOND]}
        wishes = {"description": "d", "enterprise_project_id": "0", **bases}
        call = make({**wishes, "agency_name": "copies"}, calls.view(SECOND), disks=3)
        arguments = self._accepted(call)
        assert wishes.items() <= arguments.items()
        assert call.service.elsewhere.asked == ["copies"]
        assert call.service.quota.disks == arguments["disks"] == 3

    @pytest.mark.parametrize(
        ("key", "encrypted", "used"),
        [
            (None, False, None),
            ("k", False, "id of k"),
            ("k", True, "id of k"),
            (None, True, "id of ims/default"),
            ("", True, "id of ims/default"),
        ],
    )
    def test_what_was_encrypted_is_never_plain(self, make, key, encrypted, used):
        assert self._accepted(make({"cmk_id": key}, encrypted=encrypted))["cmk_id"] == used

    @pytest.mark.parametrize(
        ("body", "source", "code"),
        [
            ({"name": "<"}, {}, "IMG.0003"),
            ({"description": "<"}, {}, "IMG.0054"),
            ({}, {"region": "RegionOne"}, "IMG.0108"),
            ({"base_image_id": ABSENT}, {}, "IMG.0027"),
            ({"base_image_id": SECOND}, {}, "IMG.0046"),
            ({"base_image_ids": [SECOND]}, {}, "IMG.0046"),
            ({"base_image_ids": [ABSENT]}, {}, "IMG.0027"),
        ],
    )
    def test_refusals(self, make, body, source, code):
        call = make(body, calls.view(SECOND, status="queued"), **source)
        _refused(call, code, self.handler)

    @pytest.mark.parametrize("body", [{}, {"dry_run": True}])
    def test_the_operator_here_bounds_the_size_too(self, make, body):
        options = {"cross_region_gib": 128}
        call = make(body, options=options, size=128 * GIB + 1)
        assert "of this region" in _refused(call, "IMG.0059", self.handler)
        self.handler(make(body, options=options, size=128 * GIB))

    def test_dry_run(self, make):
        """Nothing is made for a question, no key either."""
        call = make({"dry_run": True, "base_image_id": SECOND}, calls.view(SECOND), encrypted=True)
        assert self.handler(call).body["preflight"] == {
            "region": "RegionOne",
            "project_id": PROJECT,
            "total_bytes": 4,
            "disks": 0,
            "cmk_id": "ims/default",
            "base_image_id": SECOND,
            "base_holds": None,
            "base_holds_is": None,
            "bytes_per_second": None,
            "seconds": None,
        }
        assert (call.service.jobs.accepted, call.service.quota.bytes) == ([], 4)
        assert call.service.jobs.limits == [(PROJECT, jobs.RECEIVE_IMAGE, True)]
