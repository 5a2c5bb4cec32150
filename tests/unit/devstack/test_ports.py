# SPDX-License-Identifier: Apache-2.0
import pytest
from pocket_cloud import ports
from pocket_cloud.errors import PocketError


def test_two_neighbouring_clouds_share_no_port():
    one = set(ports.allocate(21000).values())
    two = set(ports.allocate(21000 + ports.SPAN).values())
    assert len(one) == len(ports.OFFSETS)
    assert not one & two


def test_cephs_range_holds_nobody_else():
    taken = ports.allocate(21000)
    inside = range(taken["ceph_first"], taken["ceph_last"] + 1)
    others = {name: port for name, port in taken.items() if not name.startswith("ceph_")}
    assert [name for name, port in others.items() if port in inside] == []


@pytest.mark.parametrize("base", [0, 80, 1023, 32669, 40000, 70000])
def test_a_base_outside_of_the_free_range_is_refused(base):
    with pytest.raises(PocketError, match=f"POCKET_PORT={base}"):
        ports.allocate(base)


@pytest.mark.parametrize("base", [1024, 32668])
def test_the_limits_themselves_are_good(base):
    assert max(ports.allocate(base).values()) < ports.FIRST_EPHEMERAL
