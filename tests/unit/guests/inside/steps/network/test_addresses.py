# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside.steps.network import addresses, ifupdown, profiles
from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import Tree
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.wishes import Wishes
from tests.unit.guests.inside.memory_guest import MemoryGuest

_CFG = "    linux /vmlinuz root=UUID=1 ro quiet\n"
_STATIC = "auto ens192\niface ens192 inet static\n address 192.0.2.5/24\n"


def _work(files: dict[str, str], package_format: str = "deb") -> tuple[MemoryGuest, Work]:
    g = MemoryGuest(files)
    guest = Guest("linux", package_format=package_format)
    return g, Work(Tree(g), guest, Wishes(True))


def _again(g: MemoryGuest, work: Work) -> None:
    """Nothing the second time."""
    before = dict(g.files)
    second = Work(Tree(g), work.guest, work.wishes)
    addresses.dhcp(second)
    addresses.rules(second)
    assert (second.deeds.done, g.files) == ([], before)


def test_ifupdown() -> None:
    g, work = _work({ifupdown.FILE: _STATIC, "/boot/grub/grub.cfg": _CFG})
    addresses.dhcp(work)
    assert g.text(ifupdown.FILE).startswith(ifupdown.SOURCE)
    assert "ens192" not in g.text(ifupdown.FILE)
    assert g.text("/etc/network/.interfaces.before-ims") == _STATIC
    assert g.text(ifupdown.CLOUD_INIT) == ifupdown.DHCP
    assert "net.ifnames=0 biosdevname=0" in g.text("/boot/grub/grub.cfg")
    assert "instead of ens192" in work.deeds.done[0]
    _again(g, work)


def test_ifupdown_of_more_files() -> None:
    g, work = _work(
        {ifupdown.FILE: "source-directory interfaces.d\n", f"{ifupdown.FOLDER}/lan": _STATIC}
    )
    addresses.dhcp(work)
    assert g.text(f"{ifupdown.FOLDER}/lan").strip() == ""
    assert g.text(f"{ifupdown.FOLDER}/.lan.before-ims") == _STATIC
    assert g.text(ifupdown.FILE) == "source-directory interfaces.d\n"
    _again(g, work)


def test_alpine() -> None:
    g, work = _work({ifupdown.FILE: _STATIC.replace("ens192", "eth0")}, "apk")
    addresses.dhcp(work)
    assert g.text(ifupdown.FILE) == ifupdown.ALPINE
    _again(g, work)


def test_netplan() -> None:
    old = "network: {ethernets: {ens160: {addresses: [192.0.2.5/24]}}}"
    g, work = _work({"/etc/netplan/00-installer-config.yaml": old})
    addresses.dhcp(work)
    assert g.text("/etc/netplan/50-cloud-init.yaml") == profiles.NETPLAN_YAML
    assert g.modes["/etc/netplan/50-cloud-init.yaml"] == 0o600
    assert g.text("/etc/netplan/.00-installer-config.yaml.before-ims") == old
    assert "/etc/netplan/00-installer-config.yaml" not in g.files
    _again(g, work)


@pytest.mark.parametrize("folder", [profiles.RED_HAT, profiles.SUSE])
def test_ifcfg(folder: str) -> None:
    g, work = _work(
        {
            f"{folder}/ifcfg-ens192": "TYPE=Ethernet\nBOOTPROTO=none\nIPADDR=192.0.2.5\n",
            f"{folder}/ifcfg-lo": "DEVICE=lo\nIPADDR=127.0.0.1\n",
            f"{folder}/route-ens192": "default via 192.0.2.1\n",
            "/etc/sysconfig/network": "GATEWAY=192.0.2.1\n",
        },
        "rpm",
    )
    addresses.dhcp(work)
    assert "dhcp" in g.text(f"{folder}/ifcfg-eth0")
    assert {path for path in g.files if path.startswith(folder) and "/." not in path} >= {
        f"{folder}/ifcfg-eth0", f"{folder}/ifcfg-lo",
    }  # fmt: skip
    assert f"{folder}/ifcfg-ens192" not in g.files
    assert f"{folder}/route-ens192" not in g.files
    if folder == profiles.RED_HAT:
        assert g.text("/etc/sysconfig/network") == ""
    _again(g, work)


def test_keyfiles_of_networkmanager() -> None:
    path = f"{profiles.KEYFILES}/ens192.nmconnection"
    g, work = _work(
        {path: "[connection]\ntype=ethernet\ninterface-name=ens192\n[ipv4]\nmethod=manual\n"}
    )
    addresses.dhcp(work)
    assert path not in g.files
    assert g.text(f"{profiles.KEYFILES}/ims-dhcp.nmconnection") == profiles.KEYFILE
    assert g.modes[f"{profiles.KEYFILES}/ims-dhcp.nmconnection"] == 0o600
    _again(g, work)


@pytest.mark.parametrize(
    "files",
    [
        {ifupdown.FILE: f"{_STATIC}iface br0 inet dhcp\n bridge_ports ens192\n"},
        {
            f"{profiles.RED_HAT}/ifcfg-br0": "TYPE=Bridge",
            f"{profiles.RED_HAT}/ifcfg-eth0": "BRIDGE=br0",
        },
        {f"{profiles.KEYFILES}/br0": "[connection]\ntype=bridge\n"},
        {f"{profiles.NETPLAN}/a.yaml": "network: {ethernets: {e: {}}, bonds: {b: {}}}"},
        {f"{profiles.NETPLAN}/a.yaml": "network: ["},
    ],
)
def test_what_is_built_of_cards_is_left_to_its_owner(files: dict[str, str]) -> None:
    g, work = _work(files)
    before = dict(g.files)
    addresses.dhcp(work)
    assert g.files == before
    assert work.deeds.advice
    assert not work.deeds.done


@pytest.mark.parametrize(
    ("path", "text", "is_aside"),
    [
        ("/etc/udev/rules.d/70-persistent-net.rules",
         'SUBSYSTEM=="net", ATTR{address}=="00:0c:29:11:22:33", NAME="eth0"', True),
        ("/etc/udev/rules.d/70-persistent-net.rules", '# ATTR{address}=="x", NAME="eth0"', False),
        ("/etc/udev/rules.d/60-other.rules", 'KERNEL=="sda", NAME="x"', False),
        ("/etc/systemd/network/10-lan.link", "[Match]\nMACAddress=00:0c:29:11:22:33\n", True),
        ("/etc/systemd/network/10-lan.link", "[Match]\nOriginalName=*\n", False),
    ],
)  # fmt: skip
def test_rules_that_bind_a_name_to_a_card(path: str, text: str, is_aside: bool) -> None:
    g, work = _work({path: text})
    addresses.rules(work)
    assert (path not in g.files) is is_aside
    assert bool(work.deeds.done) is is_aside
    _again(g, work)
