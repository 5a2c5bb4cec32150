# SPDX-License-Identifier: Apache-2.0
import dataclasses
from typing import Any

from ims_glance.guests.inside.steps.windows import settings
from ims_glance.guests.inside.steps.windows.registry import DWORD, MULTI_SZ, SZ, text_of, texts_of
from tests.unit.guests.inside.steps.windows.windows_guest import GUEST, WindowsGuest, work

_OFF, _ON = (DWORD, bytes(4)), (DWORD, b"\x01\0\0\0")
_RULE = "v2.30|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=3389|"


def _system(card: dict[str, Any]) -> dict[str, Any]:
    return {"ControlSet001": {"Services": {"Tcpip": {"Parameters": {"Interfaces": {"{1}": card}}}}}}


def test_a_card_with_a_fixed_address_asks_for_one() -> None:
    card = {
        "EnableDHCP": _OFF,
        "IPAddress": (MULTI_SZ, texts_of("192.0.2.5")),
        "NameServer": (SZ, text_of("192.0.2.1")),
        "Domain": (SZ, text_of("x")),
    }
    g = WindowsGuest(_system(card))
    for deeds in (1, 0):
        doing = work(g)
        settings.dhcp(doing)
        assert len(doing.deeds.done) == deeds
    assert card == {
        "EnableDHCP": _ON,
        "IPAddress": (MULTI_SZ, texts_of()),
        "NameServer": (SZ, text_of("")),
        "Domain": (SZ, text_of("x")),
    }
    assert g.commits == 1


def test_a_card_with_dhcp_is_left_alone() -> None:
    for card in ({"EnableDHCP": _ON, "IPAddress": (MULTI_SZ, texts_of("192.0.2.5"))}, {}):
        g = WindowsGuest(_system(card))
        doing = work(g)
        settings.dhcp(doing)
        assert (doing.deeds.done, g.commits) == ([], 0)
    settings.dhcp(work(WindowsGuest({})))


def test_remote_desktop_and_its_rules_are_turned_on() -> None:
    rules: dict[str, Any] = {
        "RemoteDesktop-UserMode-In-TCP": (SZ, text_of(_RULE)), "Other": (SZ, text_of(_RULE))
    }  # fmt: skip
    server: dict[str, Any] = {"fDenyTSConnections": _ON}
    policy = {"Parameters": {"FirewallPolicy": {"FirewallRules": rules}}}
    control_set = {"Control": {"Terminal Server": server}, "Services": {"SharedAccess": policy}}
    g = WindowsGuest({"ControlSet001": control_set})
    for deeds in (2, 0):
        doing = work(g)
        settings.remote_desktop(doing)
        assert len(doing.deeds.done) == deeds
    assert server == {"fDenyTSConnections": _OFF}
    assert b"T\0R\0U\0E" in rules["RemoteDesktop-UserMode-In-TCP"][1]
    assert rules["Other"] == (SZ, text_of(_RULE))


def test_cloudbase_init_is_found_or_reported() -> None:
    doing = work(WindowsGuest({}))
    settings.cloudbase(doing)
    assert doing.deeds.left == ["Cloudbase-init is not installed."]
    for g, guest in (
        (WindowsGuest({"ControlSet001": {"Services": {"cloudbase-init": {}}}}), GUEST),
        (WindowsGuest({}), dataclasses.replace(GUEST, has_cloud_init=True)),
    ):
        doing = work(g, guest)
        settings.cloudbase(doing)
        assert doing.deeds.left == []
