# SPDX-License-Identifier: Apache-2.0
import dataclasses
from pathlib import Path

import pytest

from ims_glance.guests.inside.steps import cloud_init
from tests.unit.guests.inside.guests import DEBIAN, nothing, work
from tests.unit.guests.inside.memory_guest import MemoryGuest

_HAS = dataclasses.replace(DEBIAN, has_cloud_init=True)
_FOLDER = "/etc/cloud/cloud.cfg.d"


def test_a_guest_without_it_is_told_so() -> None:
    g = MemoryGuest()
    doing = work(g)
    cloud_init.run(doing)
    assert doing.deeds.left == ["cloud-init is not installed."]
    assert "package_dir" in doing.deeds.advice[0]
    assert not g.files


def test_it_is_installed_of_the_operators_packages(tmp_path: Path) -> None:
    (tmp_path / "debian/12").mkdir(parents=True)
    (tmp_path / "debian/12/cloud-init_22.4.2-1_all.deb").write_bytes(b"deb")
    g = MemoryGuest({"/var/lib/dpkg/status": ""})
    g.programs["env"] = nothing
    doing = work(g, package_dir=str(tmp_path))
    cloud_init.run(doing)
    assert doing.deeds.done == ["cloud-init is installed, of 1 packages of the operator."]
    assert g.commands[0][-1] == "/var/tmp/imsabcdef/cloud-init_22.4.2-1_all.deb"
    dry = work(MemoryGuest(), is_dry=True, package_dir=str(tmp_path))
    cloud_init.run(dry)
    assert dry.deeds.done
    other = work(
        MemoryGuest(), dataclasses.replace(DEBIAN, arch="s390x"), package_dir=str(tmp_path)
    )
    cloud_init.run(other)
    assert "another processor" in other.deeds.left[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/cloud/cloud-init.disabled", ""),
        (f"{_FOLDER}/99-installer.cfg", "datasource_list: [None]\n"),
        (f"{_FOLDER}/subiquity-disable-cloudinit-networking.cfg", "network: {config: disabled}\n"),
        (f"{_FOLDER}/99-disable-network-config.cfg", "network: {config: disabled}\n"),
        (f"{_FOLDER}/99-net.cfg", "network:\n  config: disabled\n"),
    ],
)
def test_what_turns_it_off_is_put_aside(path: str, text: str) -> None:
    g = MemoryGuest({path: text})
    for deeds in (1, 0):
        doing = work(g, _HAS)
        cloud_init.run(doing)
        assert len(doing.deeds.done) == deeds
        assert path not in g.files


def test_the_kernel_does_not_turn_it_off() -> None:
    g = MemoryGuest({"/boot/grub/grub.cfg": "linux /x ro cloud-init=disabled"})
    cloud_init.run(work(g, _HAS))
    assert g.text("/boot/grub/grub.cfg") == "linux /x ro"


def test_no_unit_of_it_is_masked() -> None:
    g = MemoryGuest()
    path = "/etc/systemd/system/cloud-init.service"
    g.links[path] = "/dev/null"
    dry = work(g, _HAS, is_dry=True)
    cloud_init.run(dry)
    assert (len(dry.deeds.done), path in g.links) == (1, True)
    cloud_init.run(work(g, _HAS))
    assert path not in g.links


@pytest.mark.parametrize(
    ("text", "is_written"),
    [
        ("", False),
        ("datasource_list: [NoCloud, ConfigDrive]\n", False),
        ("datasource_list: [ NoCloud, None ]\n", True),
        ("datasource_list:\n  - VMware\n  - None\n", True),
        ("# datasource_list: [None]\n", False),
    ],
)
def test_the_sources_of_nova_are_named_where_only_others_are(text: str, is_written: bool) -> None:
    g = MemoryGuest({f"{_FOLDER}/90_dpkg.cfg": text})
    cloud_init.run(work(g, _HAS))
    assert (f"{_FOLDER}/99-ims.cfg" in g.files) is is_written
    again = work(g, _HAS)
    cloud_init.run(again)
    assert again.deeds.done == []
