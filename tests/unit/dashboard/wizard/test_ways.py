# SPDX-License-Identifier: Apache-2.0
from unittest import mock

from ims_glance.dashboard.wizard import ways


def test_a_kind_and_a_source_are_one_way_or_none():
    assert len({(way.kind, way.source) for way in ways.WAYS}) == len(ways.WAYS)
    found = ways.find("whole", "backup")
    assert found is not None
    assert found.title == "Whole-machine image / Server backup"
    assert ways.find("data", "backup") is None


def test_where_there_are_no_servers_no_image_is_made_of_one():
    with mock.patch("openstack_dashboard.api.base.is_service_enabled", return_value=False):
        there = [way.source for way in ways.WAYS if way.needs != "volume" and way.is_there(None)]
    assert set(there) == {"file"}
