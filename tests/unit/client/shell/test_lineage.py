# SPDX-License-Identifier: Apache-2.0
"""What an image is a copy of, and where copies of it are."""

import pytest
from keystoneauth1 import exceptions as keystone_exceptions

from ims_glance.client.resources.image import Image
from ims_glance.client.shell import lineage
from tests.unit.client.cloud import IMAGE, IMAGE_ID, OTHER, PROJECT, SECOND_ID, Answer, image
from tests.unit.client.two_regions import COPY_ID, TWO, TwoRegions, origin_of


@pytest.fixture
def cloud():
    return TwoRegions()


def ask(cloud, projects=(), **more):
    found = lineage.fields(cloud.connection(), Image.existing(id=IMAGE_ID, **more), projects)
    return {name: column.machine_readable() for name, column in found.items()}


def copy(image_id=COPY_ID, **more):
    return image(image_id, "copy", **{"__data_origin": origin_of(IMAGE_ID), **more})


def test_copies_of_all_regions(cloud):
    cloud.has(IMAGE, copy(SECOND_ID))
    cloud.has(TWO, copy(status="saving"), image("unrelated"))
    found = ask(cloud)
    assert [(each["region"], each["image_id"]) for each in found["copies"]] == [
        ("R", SECOND_ID),
        ("TWO", COPY_ID),
    ]
    assert found["copies"][1] == {
        "region": "TWO",
        "project": PROJECT,
        "image_id": COPY_ID,
        "name": "copy",
        "status": "saving",
        "created": "2026-11-24T01:00:00Z",
    }
    assert (found["copied_from"], found["regions_away"]) == ([], [])


def test_copies_of_other_projects_of_the_caller_each_once(cloud):
    cloud.has(IMAGE)
    cloud.has(TWO, copy(owner=OTHER), copy(SECOND_ID, visibility="public"))
    assert [each["image_id"] for each in ask(cloud)["copies"]] == [SECOND_ID]
    assert [each["image_id"] for each in ask(cloud, ["web"])["copies"]] == [SECOND_ID, COPY_ID]


@pytest.mark.parametrize("region", ["TWO", ""])
def test_what_it_is_a_copy_of(cloud, region):
    """Where the service had no name for its region, the source is in the same one."""
    cloud.has(TWO, image(SECOND_ID, "source"))
    cloud.has(IMAGE, image(SECOND_ID, "source"))
    (found,) = ask(cloud, data_origin=origin_of(SECOND_ID, region))["copied_from"]
    assert (found["region"], found["image_id"]) == (region or "R", SECOND_ID)
    assert (found["project"], found["status"]) == (PROJECT, "active")


@pytest.mark.parametrize(
    ("region", "status"),
    [("TWO", "gone, or not shown to you"), ("Mars", "not known: you have no such region")],
)
def test_a_source_that_nobody_shows(cloud, region, status):
    cloud.has(IMAGE)
    cloud.has(TWO)
    found = ask(cloud, data_origin=origin_of(SECOND_ID, region))["copied_from"]
    assert found == [{"region": region, "image_id": SECOND_ID, "status": status}]


def test_a_region_that_is_away_is_said_and_the_others_are_asked(cloud):
    cloud.has(IMAGE, copy())
    cloud.on("GET", f"{TWO}/.*", lambda _request: Answer(502, "<h1>x</h1>Away\nnow"))
    found = ask(cloud, data_origin=origin_of(SECOND_ID, "TWO"))
    assert [each["image_id"] for each in found["copies"]] == [COPY_ID]
    assert found["regions_away"] == [{"region": "TWO", "reason": "Away now (HTTP 502)"}]
    assert found["copied_from"][0]["status"] == "not known: the region is away"
    (said,) = lineage.away(found["regions_away"])
    assert said.startswith("Region TWO is away")


def test_a_region_that_answers_nonsense_is_away(cloud):
    cloud.has(IMAGE)
    cloud.on("GET", f"{TWO}/.*", lambda _request: Answer(200, "welcome"))
    (away,) = ask(cloud)["regions_away"]
    assert away["region"] == "TWO"


def test_why_there_is_no_connection_is_said_shortly():
    error = keystone_exceptions.ConnectFailure(
        "Unable to establish connection to http://two.test: Pool(host='two.test'): Max retries"
    )
    assert lineage.reason(error) == "Unable to establish connection to http://two.test"
