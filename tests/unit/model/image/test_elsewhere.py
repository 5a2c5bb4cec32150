# SPDX-License-Identifier: Apache-2.0
"""Which images have disks that lie elsewhere, as Nova would read them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.model.image import whole_image
from ims_glance.model.image.elsewhere import is_elsewhere
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk

SNAPSHOT = {"source_type": "snapshot", "destination_type": "volume", "snapshot_id": "s"}
BLANK = {"source_type": "blank", "destination_type": "volume", "volume_size": 1}
# As Nova 34 writes them: a field for everything.
_FIELDS = dict.fromkeys(
    ["volume_id", "snapshot_id", "image_id", "no_device", "tag", "volume_type", "guest_format",
     "connection_info", "encrypted", "disk_bus", "device_type", "device_name", "volume_size"]
)  # fmt: skip
NOVAS_SNAPSHOT = {**_FIELDS, **SNAPSHOT, "boot_index": 0, "device_name": "/dev/vda"}
NOVAS_SWAP = {**_FIELDS, **BLANK, "destination_type": "local", "guest_format": "swap"}


def view_of(*entries: Any, **more: Any) -> dict[str, Any]:
    return {whole_image.MAPPING: json.dumps(entries), **more}


@pytest.mark.parametrize(
    "entry",
    [
        NOVAS_SNAPSHOT,
        SNAPSHOT,
        {"source_type": "volume", "destination_type": "volume", "volume_id": "v"},
        {"source_type": "image", "destination_type": "volume", "image_id": "i"},
        {"source_type": "image", "destination_type": "local", "image_id": "i"},
        # Without bdm_v2.
        {"device_name": "vda", "snapshot_id": "s"},
        {"device_name": "vda", "volume_id": "v", "volume_size": ""},
        # Nova refuses these, today.
        {"source_type": "blank", "snapshot_id": "s"},
        {"source_type": "nonsense"},
        "text",
        None,
    ],
)
def test_a_disk_elsewhere(entry):
    assert is_elsewhere(view_of(entry))
    # One is enough, and data of the image's own changes nothing.
    assert is_elsewhere(view_of(BLANK, entry, size=1, bdm_v2="True"))


@pytest.mark.parametrize(
    "view",
    [
        {},
        {whole_image.MAPPING: None},
        view_of(),
        view_of(BLANK, NOVAS_SWAP),
        view_of({"device_name": "vdb", "virtual_name": "ephemeral0"}, {"virtual_name": "swap"}),
        view_of({"device_name": "vdb", "no_device": True}),
        {"mappings": '[{"virtual": "ephemeral0", "device": "vdb"}]'},
        {"bdm_v2": "True", "root_device_name": "/dev/vda"},
        {**whole_image.properties([Component(Disk(0, None, 1), "i")]), "size": 0},
    ],
    ids=["plain", "none", "empty", "blank", "old form", "no device", "mappings", "rest", "whole"],
)
def test_no_disk_elsewhere(view):
    assert not is_elsewhere(view)


@pytest.mark.parametrize("text", ["", "nonsense", "{}", '"text"', "[" * 100_000, "1" * 5000, "0"])
def test_what_cannot_be_read_may_name_anything(text):
    assert is_elsewhere({whole_image.MAPPING: text})


@pytest.mark.parametrize("value", [[SNAPSHOT], {}, 1, True])
def test_what_glance_does_not_take_is_left_to_it(value):
    assert not is_elsewhere({whole_image.MAPPING: value})


_IDS = st.none() | st.sampled_from(["", "x"])
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "source_type": st.sampled_from(["snapshot", "volume", "image", "blank"]),
        "destination_type": st.sampled_from(["volume", "local"]),
        "snapshot_id": _IDS,
        "volume_id": _IDS,
        "image_id": _IDS,
        "virtual_name": st.none() | st.sampled_from(["swap", "ephemeral0", "ami"]),
        "device_name": st.just("/dev/vdb"),
        "no_device": st.booleans(),
        "boot_index": st.sampled_from([0, -1]),
    },
)


def sources(entries: list[dict[str, Any]], *, is_v2: bool) -> set[str]:
    """Of what Nova builds the disks; it refuses what else there is."""
    there = [entry for entry in entries if not entry.get("no_device")]
    if is_v2:
        return {entry["source_type"] for entry in there if "source_type" in entry}
    found = set()
    for entry in there:
        if str(entry.get("virtual_name")).startswith(("swap", "ephemeral")):
            found.add("blank")
        elif entry.get("snapshot_id"):
            found.add("snapshot")
        elif entry.get("volume_id"):
            found.add("volume")
    return found


@given(st.lists(_ENTRIES, max_size=3), st.booleans())
def test_nova_finds_no_disk_that_is_overlooked(entries, is_v2):
    if not is_elsewhere(view_of(*entries)):
        assert sources(entries, is_v2=is_v2) <= {"blank"}
