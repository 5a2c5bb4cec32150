# SPDX-License-Identifier: Apache-2.0
"""The job that copies a whole machine that is to be sold. What may go wrong is in test_deaths."""

from collections.abc import Iterator
from typing import Any

import pytest

from ims_glance.model import job as model
from ims_glance.model.image import attributes, whole_image
from tests.unit.db.market.rows import SELLER, MarketTables
from tests.unit.flows.explorer import Ending, Explorer, explorers
from tests.unit.flows.scenarios import SCENARIOS

[SCENARIO] = [
    each
    for each in SCENARIOS
    if each.job_type == model.PUBLISH_IMAGE and each.name == "whole machine"
]


@pytest.fixture(scope="module")
def explorer() -> Iterator[Explorer]:
    yield from explorers()


def run(explorer: Explorer, change: Any = None, watch: Any = None) -> Ending:
    """How a job ends.

    :param change: of the cloud, once all is prepared
    """

    def prepare(cloud: Any) -> dict[str, Any]:
        arguments = SCENARIO.prepare(cloud)
        if change:
            change(cloud, arguments)
        return arguments

    made = type(SCENARIO)(
        SCENARIO.job_type, SCENARIO.name, prepare, SCENARIO.made, undone=SCENARIO.undone
    )
    return explorer.run(made, watch=watch)


def test_disks_that_were_encrypted_get_a_key_of_the_service(explorer: Explorer) -> None:
    def encrypt(cloud: Any, arguments: dict[str, Any]) -> None:
        parent = cloud.images[arguments["image_id"]]
        root = whole_image.components(parent)[0].image_id
        for image_id in (root, arguments["image_id"]):
            cloud.images[image_id][attributes.CMK_ID] = "the seller's"

    ending = run(explorer, encrypt)
    ending.check()
    sold = [each for each in ending.cloud.images.values() if "__productcode" in each]
    assert sorted(each.get(attributes.CMK_ID, "") for each in sold) == ["", *["ims/default"] * 2]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"os_hash_value": "another"}, None),
        ({"__productcode": "another's"}, "IMG.0024"),
        ({"cinder_encryption_key_id": "k"}, "IMG.0105"),
    ],
    ids=str,
)
def test_a_disk_that_is_another_by_now_is_not_sold(
    explorer: Explorer, changed: dict[str, str], code: str | None
) -> None:
    def change(cloud: Any, arguments: dict[str, Any]) -> None:
        parent = cloud.images[arguments["image_id"]]
        cloud.images[whole_image.components(parent)[1].image_id] |= changed

    ending = run(explorer, change)
    ending.check_undone()
    assert code in (None, ending.job.error_code)


def test_a_disk_that_is_gone_is_said(explorer: Explorer) -> None:
    def change(cloud: Any, arguments: dict[str, Any]) -> None:
        parent = cloud.images[arguments["image_id"]]
        cloud.images.pop(whole_image.components(parent)[1].image_id)

    ending = run(explorer, change)
    ending.check_undone()
    assert ending.job.error_code == "IMG.0027"


@pytest.mark.parametrize("number", range(2, 34, 3))
def test_a_version_that_is_taken_back_meanwhile_leaves_no_copy(
    explorer: Explorer, number: int
) -> None:
    def take_back(cloud: Any, at: int) -> None:
        if at == number:
            market = MarketTables(cloud.database)
            [version] = market.versions.of_product(f"{1:032x}")
            if version.state == "copying":
                market.versions.take_back(version, SELLER)

    ending = run(explorer, watch=take_back)
    [version] = MarketTables(ending.cloud.database).versions.of_product(f"{1:032x}")
    if version.state == "taken back":
        ending.check_undone()
    else:
        assert number > 16
        ending.check()
