# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside.steps.network import ifupdown

STATIC = """\
# comment
source /etc/network/interfaces.d/*
auto lo ens192
iface lo inet loopback

allow-hotplug eth1
iface ens192 inet static
    address 192.0.2.5/24
    gateway 192.0.2.1
iface ens192 inet6 static
    address 2001:db8::5/64
iface tun0 inet manual
    up ip link set tun0 up
"""
KEPT = """\
# comment
source /etc/network/interfaces.d/*
auto lo
iface lo inet loopback


iface tun0 inet manual
    up ip link set tun0 up
"""


def test_cards_are_taken_out_and_all_else_stays() -> None:
    assert ifupdown.cards(STATIC) == ["ens192"]
    assert ifupdown.without_cards(STATIC) == KEPT
    assert ifupdown.without_cards(KEPT) == KEPT


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (STATIC, False),
        ("iface br0 inet static\n  bridge_ports eth0\n", True),
        ("iface bond0 inet dhcp\n\tbond-slaves eth0 eth1\n", True),
        ("iface eth0.5 inet dhcp\n", True),
        ("iface vlan5 inet dhcp\n", True),
    ],
)
def test_what_is_built_of_cards_is_seen(text: str, answer: bool) -> None:
    assert ifupdown.is_built(text) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("source /etc/network/interfaces.d/*", True),
        ("source-directory interfaces.d", True),
        ("# source /etc/network/interfaces.d/*", False),
        ("auto lo", False),
    ],
)
def test_whether_the_folder_of_cloud_init_is_read(text: str, answer: bool) -> None:
    assert ifupdown.sources(text) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (ifupdown.ALPINE, True),
        ("iface eth0 inet static\n", False),
        ("iface eth1 inet dhcp\n", False),
        ("", True),
    ],
)
def test_whether_the_first_card_is_ready(text: str, answer: bool) -> None:
    assert ifupdown.is_ready(text) is answer
