# SPDX-License-Identifier: Apache-2.0
"""Glance's records, in a real database of Glance's."""

import uuid
from typing import Any
from unittest import mock

import pytest
from glance.api import policy
from glance.common import crypt
from oslo_db.exception import DBConnectionError

from ims_glance import exceptions
from ims_glance.clouds.image import ImageRecords
from tests.base import in_child
from tests.unit import glance_database

KEY_ID = "d152fa13-2b41-42ca-a934-6c21566c0f40"
CMK = "__system__cmkid"
STORE_KEY = "__store_key"


@pytest.fixture
def records(database):
    """Call a function with the records, in a process that has Glance's database."""

    def call(function, **options):
        def in_glance():
            glance_database.connect(database, **options)
            return function(ImageRecords())

        return in_child(in_glance)

    return call


def url(number: int, store: str = "kms") -> str:
    """A location."""
    return f"ims-kms://{store}/{number:032x}"


@pytest.mark.parametrize(
    ("properties", "key_id"),
    [
        ({}, None),
        ({CMK: KEY_ID}, KEY_ID),
        ({CMK: ""}, None),
        ({STORE_KEY: KEY_ID}, KEY_ID),
        ({STORE_KEY: KEY_ID, CMK: ""}, KEY_ID),
        ({STORE_KEY: "other", CMK: KEY_ID}, KEY_ID),
        ({"os": "linux", CMK: KEY_ID, "cmkid": "x"}, KEY_ID),
    ],
)
def test_key_id(records, properties, key_id):
    def ask(images):
        return images.key_id(glance_database.add_image(properties=properties))

    assert records(ask) == key_id


def test_what_may_hold_a_product(records):
    def ask(images):
        product, other = (
            glance_database.add_image(properties=properties)
            for properties in (
                {"__productcode": "c" * 32},
                {"productcode": "c", "x": "__productcode"},
            )
        )
        found = [images.may_hold_product(each) for each in (product, other, str(uuid.uuid4()))]
        glance_database.remove_property(product, "__productcode")
        # What was removed is for whoever looks closer.
        return [*found, images.may_hold_product(product)]

    assert records(ask) == [True, False, False, True]


def test_which_of_some_images_is_sold(records):
    def ask(images):
        sold, empty, gone, other = (
            glance_database.add_image(properties=properties)
            for properties in (
                {"__productcode": "c" * 32, "x": "y"},
                {"__productcode": ""},
                {"__productcode": "d" * 32},
                {"x": "__productcode"},
            )
        )
        # Glance keeps the row of what is removed, and so of a deleted image.
        glance_database.remove_property(gone, "__productcode")
        asked = ({sold, other, empty}, {empty, other}, {gone}, {str(uuid.uuid4())})
        return [
            [sold, gone].index(found) if (found := images.sold_among(each)) else None
            for each in asked
        ]

    assert records(ask) == [0, None, 1, None]


def test_what_the_database_does_not_say_may_hold_a_product(records):
    def ask(images):
        session = mock.MagicMock()
        session.__enter__.return_value.scalar.side_effect = DBConnectionError()
        with mock.patch("glance.db.sqlalchemy.api.session_for_read", return_value=session):
            return images.may_hold_product(str(uuid.uuid4()))

    assert records(ask) is True


def test_a_property_that_was_removed_is_none(records):
    def ask(images):
        image_id = glance_database.add_image(properties={CMK: KEY_ID})
        glance_database.remove_property(image_id, CMK)
        removed = images.key_id(image_id)
        images.set_key_id(image_id, "new")
        return removed, images.key_id(image_id)

    assert records(ask) == (None, "new")


@pytest.mark.parametrize("before", [{}, {CMK: "old"}, {CMK: "old", "os": "linux"}])
def test_set_key_id(records, before):
    def change(images):
        image_id = glance_database.add_image(properties=before)
        images.set_key_id(image_id, KEY_ID)
        return images.key_id(image_id), glance_database.properties(image_id)

    assert records(change) == (KEY_ID, {**before, CMK: KEY_ID})


@pytest.mark.parametrize("names", [{STORE_KEY}, {STORE_KEY, CMK}])
def test_set_the_key_of_an_image_whose_owner_named_none(records, names):
    def change(images):
        image_id = glance_database.add_image(properties=dict.fromkeys(names, "old"))
        images.set_key_id(image_id, KEY_ID)
        return glance_database.properties(image_id)

    assert records(change) == dict.fromkeys(names, KEY_ID)


@pytest.mark.parametrize("visibility", ["private", "shared", "community", "public"])
def test_forget_members(records, visibility):
    def forget(images):
        mine, others = (glance_database.add_image(visibility=visibility) for _ in range(2))
        for image_id in (mine, others):
            for project_id in ("c", "d"):
                glance_database.add_member(image_id, project_id)
        images.forget_members(mine)
        images.forget_members(mine)
        return glance_database.members(mine), glance_database.members(others)

    assert records(forget) == (set(), {"c", "d"})


def test_count(records):
    there: list[dict[str, Any]] = [
        {}, {"os_hidden": True}, {"visibility": "public"}, {"status": "queued"},
        {"properties": {"__component_of": "x"}},
    ]  # fmt: skip
    others: list[dict[str, Any]] = [{"owner": "other"}, {"status": "deleted", "deleted": True}]

    def ask(images):
        for values in there + others:
            glance_database.add_image(**values)
        return images.count("demo"), images.count("nobody")

    assert records(ask) == (len(there), 0)


def test_glances_policies_are_described_once(records):
    """That takes two milliseconds, which every new image and every upload would pay."""

    def ask(images):
        with mock.patch.object(policy.Enforcer, "register_defaults") as described:
            for _ in range(3):
                images.count("demo")
        return described.call_count

    assert records(ask) == 1


def test_an_unknown_image(records):
    def ask(images):
        for call in (images.key_id, images.find):
            with pytest.raises(exceptions.ImageNotFound):
                call(str(uuid.uuid4()))
        return True

    assert records(ask)


def test_locations(records):
    both = [("kms", url(1)), ("plain", "file:///srv/1"), ("kms2", url(2, "kms2"))]

    def ask(images):
        image_id = glance_database.add_image(locations=both)
        bare = glance_database.add_image(status="queued")
        return images.find(image_id), images.find(bare)

    found, bare = records(ask)
    assert (found.status, found.key_id, found.locations) == ("active", None, both)
    assert found.of_scheme("ims-kms") == [both[0], both[2]]
    assert (bare.status, bare.locations) == ("queued", [])


def test_a_deleted_image_is_unknown_and_one_to_be_scrubbed_is_not(records):
    where = [("kms", url(1))]

    def ask(images):
        gone = glance_database.add_image(status="deleted", deleted=True, locations=where)
        with pytest.raises(exceptions.ImageNotFound, match=gone):
            images.find(gone)
        kept = {"status": "pending_delete", "deleted": True, "properties": {CMK: KEY_ID}}
        return images.find(glance_database.add_image(locations=where, **kept))

    found = records(ask)
    assert (found.status, found.key_id, found.locations) == ("pending_delete", KEY_ID, where)


def test_a_scheme_that_only_begins_alike_is_another(records):
    def ask(images):
        image_id = glance_database.add_image(locations=[("x", "ims-kms-2://x/1")])
        return images.find(image_id).of_scheme("ims-kms")

    assert records(ask) == []


def test_locations_that_glance_keeps_encrypted(records):
    key = "0123456789abcdef"

    def ask(images):
        hidden = crypt.urlsafe_encrypt(key, url(1))
        assert "ims-kms" not in hidden
        image_id = glance_database.add_image(locations=[("kms", hidden)])
        return images.find(image_id).locations, list(images.all_locations("ims-kms"))

    expected = [("kms", url(1))]
    assert records(ask, metadata_encryption_key=key) == (expected, expected)


def test_all_locations(records):
    """Of every image whose data must stay: whoever owns it, whoever sees it."""
    kept: list[dict[str, Any]] = [
        {"visibility": visibility} for visibility in ("private", "shared", "community", "public")
    ] + [
        {"owner": None},
        {"os_hidden": True},
        {"status": "deactivated"},
        {"status": "saving"},
        {"status": "pending_delete", "deleted": True},
    ]
    gone: list[dict[str, Any]] = [{"status": "deleted", "deleted": True}]

    def ask(images):
        for number, values in enumerate(kept + gone):
            glance_database.add_image(locations=[("kms", url(number))], **values)
        return list(images.all_locations("ims-kms"))

    assert sorted(records(ask)) == [("kms", url(number)) for number in range(len(kept))]


def test_all_locations_of_many_images(records, monkeypatch):
    monkeypatch.setattr("ims_glance.clouds.image._PAGE", 3)

    def ask(images):
        for number in range(7):
            glance_database.add_image(locations=[("kms", url(number))])
        return list(images.all_locations("ims-kms"))

    assert sorted(records(ask)) == [("kms", url(number)) for number in range(7)]


# --- hidden images -------------------------------------------------------------------------------


def test_hidden_images(records):
    def ask(images):
        glance_database.add_image(properties={"__component_of": "w"})
        tied = glance_database.add_image(
            os_hidden=True, name="d", owner="p", properties={"__component_of": "w"}
        )
        public = glance_database.add_image(os_hidden=True, visibility="public")
        glance_database.add_image(os_hidden=True, status="deleted", deleted=True)
        found = {image.id: image for image in images.hidden()}
        return tied, public, found, list(images.hidden(public)), list(images.hidden("x"))

    tied, public, found, one, none = records(ask)
    assert set(found) == {tied, public}
    assert (found[tied].owner, found[tied].name, found[tied].component_of) == ("p", "d", "w")
    assert found[tied].created_at <= found[tied].updated_at
    assert (found[public].component_of, found[public].name) == (None, "")
    assert (one, none) == ([found[public]], [])


def test_whether_an_image_exists(records):
    def ask(images):
        there = glance_database.add_image()
        delayed = glance_database.add_image(status="pending_delete", deleted=True)
        deleted = glance_database.add_image(status="deleted", deleted=True)
        return [images.exists(each) for each in (there, delayed, deleted, str(uuid.uuid4()))]

    assert records(ask) == [True, True, False, False]
