# SPDX-License-Identifier: Apache-2.0
"""Replications: how they are found, and what is sent."""

import pytest
from openstack import exceptions

from ims_glance.client import errors
from tests.unit.client.cloud import PROJECT, replication

REPLICATIONS = f"/v1/{PROJECT}/replications"
ONE, OTHER = "e" * 32, "f" * 32


def test_one_is_found_by_name_and_id(cloud, ims):
    twins = [replication(each, name="twin") for each in ("1" * 32, "2" * 32)]
    cloud.ims("GET", REPLICATIONS, {"replications": [replication(), *twins]})
    for wanted in ("releases", ONE, ONE.upper()):
        assert ims.find_replication(wanted).id == ONE
    with pytest.raises(exceptions.NotFoundException, match="'none'"):
        ims.find_replication("none")
    with pytest.raises(exceptions.DuplicateResource, match="1, 2"):
        ims.find_replication("twin")


def test_what_is_sent(cloud, ims):
    cloud.ims("POST", REPLICATIONS, replication(), 201)
    cloud.ims("PUT", f"{REPLICATIONS}/{ONE}", replication(status="paused"))
    cloud.ims("GET", f"{REPLICATIONS}/{ONE}", replication(images=[]))
    cloud.ims("DELETE", f"{REPLICATIONS}/{ONE}", None, 204)
    made = ims.create_replication("releases", "RegionTwo", "release=stable", keep=3)
    assert cloud.only("POST").body == {
        "name": "releases",
        "region": "RegionTwo",
        "tag": "release=stable",
        "keep": 3,
    }
    assert ims.get_replication(made).images == []
    assert ims.pause_replication(made).status == "paused"
    ims.resume_replication(ONE)
    ims.update_replication(made, keep=None)
    bodies = [each.body for each in cloud.sent("PUT")]
    assert bodies == [{"status": "paused"}, {"status": "active"}, {"keep": None}]
    ims.delete_replication(made)
    assert cloud.only("DELETE").path.endswith(ONE)


def test_a_refusal_has_its_code(cloud, ims):
    cloud.refuse("POST", REPLICATIONS, 400, "IMG.0060", "Too many.")
    with pytest.raises(errors.ServiceRefused, match=r"IMG\.0060"):
        ims.create_replication("releases", "RegionTwo", image_name="*")
