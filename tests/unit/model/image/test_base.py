# SPDX-License-Identifier: Apache-2.0
"""Which image a copy is compared with; the worker's choice is in ``unit/flows/replication/test_base.py``."""

import pytest

from ims_glance.model.image.base import BaseSearch

ORIGIN = "image,RegionThree,original"


class Images:
    """Images by what they are found by."""

    def __init__(self, *views):
        self.views = views

    def find(self, image_id):
        return next((each for each in self.views if each["id"] == image_id), None)

    def made_of(self, origin, owner):
        return [each for each in self.views if each.get("__data_origin") == origin]

    def named(self, name, owner):
        return [each for each in self.views if each.get("name") == name]


def view(image_id, created="1", **changes):
    made = {"id": image_id, "status": "active", "owner": "p", "created_at": created}
    return {**made, "disk_format": "raw", **changes}


@pytest.fixture
def search():
    source = view("s", name="web", __data_origin=ORIGIN)
    return BaseSearch.of("RegionTwo", source, "copy", "p", "own")


def test_the_newest_of_all_that_fit(search):
    found = [
        view("1", "1", name="web"),
        view("2", "2", name="copy"),
        view("3", "3", __data_origin="image,RegionTwo,s"),
        view("4", "4", __data_origin=ORIGIN),
        view("original", "5"),
    ]
    for last in range(1, 6):
        newest = search.newest(Images(*found[:last]))
        assert newest is not None
        assert newest["id"] == found[last - 1]["id"]
        order = [each["id"] for each in search.newest_first(Images(*found[:last]))]
        assert order == [each["id"] for each in found[:last]][::-1]
    assert search.newest(Images(view("6", "6", name="other"))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "queued"},
        {"owner": "q"},
        {"id": "own"},
        {"os_hidden": True},
        {"__component_of": "w"},
        {"__whole_image": "true"},
        {"disk_format": "qcow2"},
    ],
)
def test_what_does_not_fit(search, changes):
    assert search.newest(Images({**view("1", name="web"), **changes})) is None
