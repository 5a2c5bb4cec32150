# SPDX-License-Identifier: Apache-2.0
"""What is said of things that Cinder has forgotten."""

import pytest

from ims_glance.flows.capture import stuck


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        (stuck.VOLUME, "openstack volume"),
        (stuck.SNAPSHOT, "openstack volume snapshot"),
        (stuck.BACKUP, "openstack volume backup"),
    ],
)
def test_the_commands(kind, command):
    things = [{"id": "x", "status": "deleting"}, {"id": "y", "status": "available"}]
    assert f"'{command} set --state error x', and then '{command} delete x'" in stuck.to_be_deleted(
        kind, things
    )
    assert f"'{command} set --state available x'" in stuck.to_be_freed(kind, "x")
    assert f"'{command} delete x'" in stuck.by_its_owner(kind, "x")


def test_for_how_long():
    said = stuck.still(stuck.SNAPSHOT, "x", "creating", 61.7)
    assert said == "snapshot x is still 'creating' after 62 seconds."
