# SPDX-License-Identifier: Apache-2.0
"""What the DevStack plugin sets up for the marketplace."""

from pathlib import Path

from tests.functional.devstack.machine import Machine


def test_there_is_a_marketplace_unless_it_is_not_wanted(tmp_path: Path) -> None:
    machine = Machine(tmp_path, None)

    def site() -> dict[str, dict[str, str]]:
        (found,) = [held for name, held in machine.options().items() if name.endswith(".site.conf")]
        return found

    machine.must("stack")
    assert site()["ims_market"] == {"enabled": "True", "project": "ims_market"}
    usage = site()["ims_usage"]
    assert (usage["enabled"], usage["username"]) == ("True", "ims_usage")
    assert usage["notification_topics"] == "notifications"
    made = [call for call in machine.calls("openstack") if "create" in call]
    words = {word for call in made for word in call}
    assert {"ims_seller", "ims_market_reviewer", "ims_market", "ims_usage"} <= words
    machine.must("stack", IMS_GLANCE_MARKET="False")
    assert not {"ims_market", "ims_usage"} & site().keys()
