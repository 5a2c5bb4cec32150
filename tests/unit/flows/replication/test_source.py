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

DIGEST = Digest(5, "md5", "sha512", "hash")
# What users call their properties is theirs.
BODY = {"name": "x", "password": "of the guest", "tags": ["token"]}
DISK = {"size": 3, "volume_type": "fast", "goes_with_server": False}


def test_a_plan_is_recorded_and_read_again():
    parts = (
        ReceivedPart(0, "i", DIGEST, "b", BODY, DISK),
        ReceivedPart(1, "j", DIGEST, None, BODY),
    )
    plan = ReceivePlan("k", parts, BODY)
    record = json.loads(json.dumps(plan.record()))
    model.check_storable(record)
    assert ReceivePlan.of(record) == plan
    assert plan.size == 10


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
