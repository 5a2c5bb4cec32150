# SPDX-License-Identifier: Apache-2.0
"""The job that copies an image that is to be sold. What may go wrong at any moment is in test_deaths."""

from typing import Any

import pytest

from ims_glance.model import job as model
from ims_glance.model.image import attributes
from tests.unit.db.market.rows import SELLER, MarketTables
from tests.unit.flows.explorer import Explorer, explorers
from tests.unit.flows.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def explorer() -> Any:
    yield from explorers()


def run(explorer: Explorer, change: Any = None, watch: Any = None) -> Any:
    """How a job ends.

    :param change: of the cloud, once all is prepared
    """
    [scenario] = [
        each for each in SCENARIOS if each.job_type == model.PUBLISH_IMAGE and each.name == "image"
    ]

    def prepare(cloud: Any) -> dict[str, Any]:
        arguments = scenario.prepare(cloud)
        if change:
            change(cloud, arguments)
        return arguments

    made = type(scenario)(
        scenario.job_type, scenario.name, prepare, scenario.made, undone=scenario.undone
    )
    return explorer.run(made, watch=watch)


def test_what_was_encrypted_gets_a_key_of_the_service(explorer: Explorer) -> None:
    def encrypt(cloud: Any, arguments: dict[str, Any]) -> None:
        cloud.images[arguments["image_id"]][attributes.CMK_ID] = "the seller's"

    ending = run(explorer, encrypt)
    ending.check()
    [made] = [each for each in ending.cloud.images.values() if "__productcode" in each]
    assert made[attributes.CMK_ID] == "ims/default"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"os_hash_value": "another"}, None),
        ({"status": "deactivated"}, "IMG.0046"),
        ({"__productcode": "another's"}, "IMG.0024"),
        ({"cinder_encryption_key_id": "k"}, "IMG.0105"),
    ],
    ids=str,
)
def test_what_is_another_image_by_now_is_not_sold(
    explorer: Explorer, changed: dict[str, str], code: str | None
) -> None:
    """The seller has the version back, with the reason."""

    def change(cloud: Any, arguments: dict[str, Any]) -> None:
        cloud.images[arguments["image_id"]] |= changed

    ending = run(explorer, change)
    ending.check_undone()
    assert code in (None, ending.job.error_code)


def test_a_version_that_is_taken_back_meanwhile_leaves_no_copy(explorer: Explorer) -> None:
    for number in range(12):

        def take_back(cloud: Any, at: int, number: int = number) -> None:
            if at == number:
                market = MarketTables(cloud.database)
                [version] = market.versions.of_product(f"{1:032x}")
                if version.state == "copying":
                    market.versions.take_back(version, SELLER)

        ending = run(explorer, watch=take_back)
        market = MarketTables(ending.cloud.database)
        [version] = market.versions.of_product(f"{1:032x}")
        if version.state == "taken back":
            ending.check_undone()
        else:
            assert number > 3
            ending.check()
