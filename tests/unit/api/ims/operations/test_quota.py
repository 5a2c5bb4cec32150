# SPDX-License-Identifier: Apache-2.0
"""What ``show_image_quota`` says."""

import jsonschema
import pytest

from ims_glance.api.ims.operations import quota
from tests.unit.api.ims import calls

SHOW = quota.OPERATIONS[0]


@pytest.fixture
def resources(tmp_path):
    shared = calls.view(visibility="shared", __visibility_before_sharing="private")
    call = calls.call(calls.configuration(tmp_path, members=5), shared)
    body = SHOW.handler(call).body
    jsonschema.validate(body, SHOW.answer)
    assert call.service.images.queries[0].items() >= {"visibility": "shared"}.items()
    return {each.pop("type"): each for each in body["quotas"]["resources"]}


def test_images(resources):
    assert resources["image"] == {"used": 7, "quota": 100, "min": 0, "max": 100}


def test_shared_images(resources):
    assert resources["image_shared"]["used"] == 1


def test_members(resources):
    assert resources["image_member"] == {"used": 0, "quota": 5, "min": 0, "max": 5}


def test_no_others(resources):
    assert len(resources) == 3
