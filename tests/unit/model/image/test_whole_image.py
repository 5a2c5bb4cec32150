# SPDX-License-Identifier: Apache-2.0
"""What ties a whole-machine image together."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk

PARTS = [
    Component(Disk(0, None, 2), "i0"),
    Component(Disk(1, None, 3, "fast", goes_with_server=False), "i1"),
]


def test_what_is_written_is_read():
    view = {**whole_image.properties(PARTS), "id": "w"}
    assert whole_image.components(view) == PARTS


def test_what_nova_reads():
    first, second = json.loads(whole_image.properties(PARTS)[whole_image.MAPPING])
    assert first == {
        "source_type": "image",
        "destination_type": "volume",
        "image_id": "i0",
        "volume_size": 2,
        "boot_index": 0,
        "delete_on_termination": True,
    }
    assert (second["boot_index"], second["volume_type"]) == (-1, "fast")
    assert not second["delete_on_termination"]


def test_nobody_changes_what_nova_reads():
    assert set(whole_image.properties(PARTS)) == whole_image.MAPPED | {attributes.WHOLE_IMAGE}


def test_the_same_disk_elsewhere():
    assert whole_image.moved(PARTS[1], "i9") == Component(PARTS[1].disk, "i9")


@pytest.mark.parametrize(
    "mapping", [None, "", "{", "[]", "{}", "7", '["x"]', '[{"volume_id": "v"}]']
)
def test_mappings_of_others(mapping):
    assert (
        whole_image.components({attributes.WHOLE_IMAGE: "true", whole_image.MAPPING: mapping}) == []
    )


def test_an_image_that_is_none():
    assert (
        whole_image.components(
            {whole_image.MAPPING: whole_image.properties(PARTS)[whole_image.MAPPING]}
        )
        == []
    )
    assert whole_image.parent_id({}) is None
    assert whole_image.parent_id({attributes.COMPONENT_OF: "w"}) == "w"


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), st.lists))
def test_no_mapping_breaks_it(value):
    whole_image.components({attributes.WHOLE_IMAGE: "true", whole_image.MAPPING: json.dumps(value)})


def test_what_nova_makes_of_snapshots():
    bare = {whole_image.MAPPING: "[]", "bdm_v2": "True", "size": 0}
    assert whole_image.is_of_snapshots(bare)
    assert not whole_image.is_of_snapshots({**bare, "size": 1})
    assert not whole_image.is_of_snapshots({"size": 0})
    assert not whole_image.is_of_snapshots({**whole_image.properties(PARTS), "size": 0})
