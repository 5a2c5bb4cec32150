# SPDX-License-Identifier: Apache-2.0
"""What is decided before anything is received, and how it is recorded."""

import json

import pytest

from ims_glance.clouds import rest
from ims_glance.flows.replication.source import (
    ReceivedPart,
    ReceivePlan,
    SourceGone,
    SourceRefused,
    refusals,
)
from ims_glance.model import job as model
from ims_glance.model.copy import Digest
from ims_glance.transfer import cuts

DIGEST = Digest(5, "md5", "sha512", "hash")
# What users call their properties is theirs.
BODY = {"name": "x", "password": "of the guest", "tags": ["token"]}
DISK = {"size": 3, "volume_type": "fast", "goes_with_server": False}


def test_a_plan_is_recorded_and_read_again():
    parts = (
        ReceivedPart(0, "i", DIGEST, "b", BODY, DISK),
        ReceivedPart(1, "j", DIGEST, None, BODY),
        ReceivedPart(2, "k", DIGEST, "b", BODY, {}, ("c", "d"), "content-32768"),
    )
    plan = ReceivePlan("k", parts, BODY)
    record = json.loads(json.dumps(plan.record()))
    model.check_storable(record)
    assert ReceivePlan.of(record) == plan
    assert plan.size == 15
    assert [each.base_ids for each in plan.parts] == [("b",), (), ("b", "c", "d")]
    assert plan.parts[2].cut is cuts.CONTENT[0]


def test_a_plan_of_before_is_read():
    """And one of now by workers of before: what they do not know is where they do not look."""
    parts = (ReceivedPart(0, "i", DIGEST, "b", BODY, {}, ("c",), "content-65536"),)
    record = ReceivePlan("k", parts, BODY).record()
    assert set(record["parts"][0]) == {
        "number",
        "image_id",
        "digest",
        "base_id",
        "attributes",
        "disk",
    }
    del record["compared"]
    [part] = ReceivePlan.of(record).parts
    assert (part.base_ids, part.cut) == (("b",), cuts.FIXED)


def test_a_cut_that_a_newer_worker_chose_is_done_without():
    part = ReceivedPart(0, "i", DIGEST, "b", BODY, cut_name="content-by-moonlight")
    assert part.cut is cuts.FIXED


def test_a_disk_with_another_image():
    component = ReceivedPart(2, "i", DIGEST, None, BODY, DISK).component("copy")
    disk = component.disk
    assert component.image_id == "copy"
    assert (disk.number, disk.size, disk.volume_type) == (2, 3, "fast")
    assert not disk.goes_with_server


@pytest.mark.parametrize(
    ("raised", "told", "code"),
    [
        (rest.Missing(404, "IMG.0121", "Image", "no"), SourceGone, "IMG.0027"),
        (rest.Refused(403, "IMG.0046", "Image", "no"), SourceRefused, "IMG.0046"),
        (rest.DelegationEnded(service="Image", reason="no"), SourceRefused, "IMG.0087"),
        (
            rest.ServiceUnavailable(service="Image", reason="no"),
            rest.ServiceUnavailable,
            "IMG.0014",
        ),
    ],
)
def test_what_the_other_region_refuses_says_where(raised, told, code):
    with pytest.raises(told) as seen, refusals("RegionTwo", "image-id"):
        raise raised
    assert seen.value.code == code
    if told is not rest.ServiceUnavailable:
        assert "RegionTwo" in str(seen.value)
        assert "image-id" in str(seen.value)
