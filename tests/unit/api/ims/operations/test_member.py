# SPDX-License-Identifier: Apache-2.0
"""Sharing through the IMS API: what is checked before a job is accepted, and the lists."""

from unittest import mock

import jsonschema
import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operation import NotSupportedYet
from ims_glance.api.ims.operations import member
from ims_glance.api.native import member as sharing
from ims_glance.clouds import directory
from ims_glance.model import job as jobs
from ims_glance.model.image import attributes
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, JOB, OTHER, PROJECT, SECOND

KEY = "d" * 32
PROJECTS = [f"{number:032x}" for number in range(5)]


@pytest.fixture
def make(tmp_path):
    def make(*views, **fields):
        return calls.call(calls.configuration(tmp_path, members=3), *views, **fields)

    return make


def _batch(images=(IMAGE,), projects=(OTHER,), **more):
    return {"images": list(images), "projects": list(projects), **more}


def _refused(call, handler, code, family=exceptions.ImsError):
    with pytest.raises(family) as refused:
        handler(call)
    assert refused.value.code == code
    assert not call.service.jobs.accepted


class TestAdd:
    def test_accepted(self, make):
        body = _batch([IMAGE, SECOND], [OTHER, "e" * 32])
        call = make(calls.view(), calls.view(SECOND), body=body)
        answer = member.batch_add_members(call)
        assert (answer.body, answer.job_id) == ({"job_id": JOB}, JOB)
        assert answer.image_ids == (IMAGE, SECOND)
        arguments = {"images": [IMAGE, SECOND], "projects": [OTHER, "e" * 32]}
        assert call.service.jobs.accepted == [(jobs.ADD_MEMBERS, arguments, None, False)]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"visibility": "public"}, "IMG.0089"),
            ({"owner": OTHER, "visibility": "shared"}, "IMG.0047"),
            ({"status": "queued"}, "IMG.0046"),
            ({attributes.CMK_ID: KEY}, "IMG.0098"),
        ],
    )
    def test_what_the_image_is(self, make, changes, code):
        call = make(calls.view(), calls.view(SECOND, **changes), body=_batch([IMAGE, SECOND]))
        call.service.keys.default = KEY
        _refused(call, member.batch_add_members, code)

    def test_with_a_key_of_its_own(self, make):
        call = make(calls.view(**{attributes.CMK_ID: KEY}), body=_batch())
        call.service.keys.default = "f" * 32
        assert member.batch_add_members(call).job_id == JOB

    def test_with_no_key_if_the_operator_says_so(self, make):
        call = make(calls.view(**{attributes.CMK_ID: KEY}), body=_batch())
        call.service.conf.set_override("share_encrypted", "never", group="ims_api")
        _refused(call, member.batch_add_members, "IMG.0098")

    def test_with_oneself(self, make):
        call = make(calls.view(), body=_batch(projects=[OTHER, PROJECT]))
        _refused(call, member.batch_add_members, "IMG.0076")

    def test_with_too_many(self, make):
        call = make(calls.view(visibility="shared"), body=_batch(projects=PROJECTS[:2]))
        call.service.images.members[IMAGE] = {PROJECTS[0]: "accepted", PROJECTS[2]: "pending"}
        assert member.batch_add_members(call).job_id == JOB
        call.service.jobs.accepted.clear()
        call.service.images.members[IMAGE][PROJECTS[3]] = "rejected"
        _refused(call, member.batch_add_members, "IMG.0088", sharing.TooManyMembers)

    @pytest.mark.parametrize(
        ("count", "listed"), [(0, False), (1, False), (2, True), (None, True)], ids=str
    )
    def test_members_are_listed_only_if_it_comes_to_that(self, make, count, listed):
        call = make(calls.view(visibility="shared"), body=_batch(projects=PROJECTS[:2]))
        images = call.service.images
        with (
            mock.patch.object(images, "member_count", return_value=count),
            mock.patch.object(images, "_members", wraps=images._members) as listing,
        ):
            assert member.batch_add_members(call).job_id == JOB
        assert listing.called == listed

    def test_unknown_image(self, make):
        call = make(calls.view(), body=_batch([IMAGE, ABSENT]))
        _refused(call, member.batch_add_members, "IMG.0027", exceptions.NotFound)


@pytest.mark.parametrize("handler", [member.batch_add_members, member.batch_delete_members])
class TestBatches:
    @pytest.mark.parametrize("field", ["domains", "organizations"])
    def test_other_receivers(self, make, handler, field):
        call = make(calls.view(), body=_batch(**{field: ["x"]}))
        _refused(call, handler, "IMG.0105", NotSupportedYet)
        call = make(calls.view(), body=_batch(**{field: []}))
        assert handler(call).job_id == JOB

    def test_too_much_for_one_job(self, make, handler):
        images = [f"{number:08}{IMAGE[8:]}" for number in range(33)]
        projects = [f"{number:032x}" for number in range(32)]
        _refused(make(body=_batch(images, projects)), handler, "IMG.0060", member.TooManyPairs)


class TestDelete:
    def test_accepted_whatever_the_image_is(self, make):
        view = calls.view(visibility="shared", status="deactivated", **{attributes.CMK_ID: KEY})
        call = make(view, body=_batch())
        assert member.batch_delete_members(call).body == {"job_id": JOB}
        arguments = {"images": [IMAGE], "projects": [OTHER]}
        assert call.service.jobs.accepted == [(jobs.DELETE_MEMBERS, arguments, None, False)]

    def test_by_a_receiver(self, make):
        call = make(calls.view(owner=OTHER, visibility="shared"), body=_batch())
        _refused(call, member.batch_delete_members, "IMG.0047", exceptions.Forbidden)


class TestUpdate:
    def _call(self, make, owner=OTHER, **changes):
        body = {"images": [IMAGE], "project_id": PROJECT, "status": "accepted"} | changes
        call = make(calls.view(owner=owner, visibility="shared"), body=body)
        call.service.images.members[IMAGE] = {PROJECT: "pending"}
        return call

    def test_accepted(self, make):
        call = self._call(make, vault_id=None)
        assert member.batch_update_members(call).body == {"job_id": JOB}
        arguments = {"images": [IMAGE], "project_id": PROJECT, "status": "accepted"}
        assert call.service.jobs.accepted == [(jobs.UPDATE_MEMBERS, arguments, None, False)]

    def test_for_another_project(self, make):
        call = self._call(make, project_id=OTHER)
        _refused(call, member.batch_update_members, "IMG.0067", member.NotReceiver)

    def test_of_ones_own_image(self, make):
        _refused(self._call(make, owner=PROJECT), member.batch_update_members, "IMG.0076")

    def test_not_shared_with_the_project(self, make):
        call = self._call(make)
        call.service.images.members.clear()
        _refused(call, member.batch_update_members, "IMG.0114", member.MemberNotFound)


class TestLists:
    @pytest.fixture
    def make_list(self, make):
        def make_list(visibility="shared", image_id=IMAGE, member_id=OTHER, **query):
            fields = {"query": query, "image_id": image_id, "member_id": member_id}
            call = make(calls.view(visibility=visibility), **fields)
            # Glance gives no order.
            call.service.images.members[IMAGE] = dict.fromkeys(reversed(PROJECTS), "pending")
            return call

        return make_list

    @pytest.mark.parametrize(
        ("query", "listed", "following"),
        [
            ({}, PROJECTS, None),
            ({"limit": "5"}, PROJECTS, None),
            ({"limit": "2"}, PROJECTS[:2], PROJECTS[1]),
            ({"limit": "2", "marker": PROJECTS[1]}, PROJECTS[2:4], PROJECTS[3]),
            ({"limit": "2", "marker": PROJECTS[3]}, PROJECTS[4:], None),
            ({"marker": PROJECTS[4]}, [], None),
            # One that was taken away between two pages.
            ({"limit": "2", "marker": f"{PROJECTS[1]}0"}, PROJECTS[2:4], PROJECTS[3]),
        ],
    )
    def test_pages(self, make_list, query, listed, following):
        body = member.list_image_members(make_list(**query)).body
        assert [each["member_id"] for each in body["members"]] == listed
        assert {each["member_type"] for each in body["members"]} <= {"project"}
        assert body["page_info"].get("next_marker") == following
        assert body["page_info"]["current_count"] == len(listed)

    def test_of_an_image_that_is_not_shared(self, make_list):
        body = member.list_image_members(make_list("private")).body
        assert (body["members"], body["page_info"]) == ([], {"current_count": 0})

    def test_one(self, make_list):
        shown = member.show_image_member(make_list(member_id=PROJECTS[2])).body
        assert (shown["member_id"], shown["status"]) == (PROJECTS[2], "pending")
        jsonschema.validate(shown, member.OPERATIONS[-1].answer)

    @pytest.mark.parametrize(
        ("fields", "code"),
        [({"member_id": "nobody"}, "IMG.0114"), ({"image_id": ABSENT}, "IMG.0027")],
    )
    def test_none(self, make_list, fields, code):
        _refused(make_list(**fields), member.show_image_member, code, exceptions.NotFound)


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        (_batch(), True),
        (_batch(unknown=1, domains=None), True),
        (_batch([], [OTHER]), False),
        (_batch([IMAGE, IMAGE]), False),
        (_batch(["image"]), False),
        (_batch(projects=[]), False),
        (_batch(projects=["demo"]), False),
        (_batch(projects=[OTHER, OTHER]), False),
        (_batch(projects=[f"{number:032x}" for number in range(129)]), False),
        (_batch(domains=[5]), False),
        ([], False),
    ],
)
def test_schema(body, fits):
    assert jsonschema.Draft202012Validator(member.OPERATIONS[0].body).is_valid(body) == fits


class TestReceiver:
    def test_by_name(self, make, monkeypatch):
        monkeypatch.setattr(
            directory.ProjectDirectory, "find", lambda _self, *what: {("web", "d"): OTHER}.get(what)
        )
        call = make(query={"name": "web"})
        call.context.project_domain_id = "d"
        assert member.find_receiver(call).body == {"project_id": OTHER, "name": "web"}
        call.context.project_domain_id = "e"
        _refused(call, member.find_receiver, "IMG.0067", exceptions.NotFound)

    def test_no_name(self, make):
        _refused(make(), member.find_receiver, "IMG.0016")
