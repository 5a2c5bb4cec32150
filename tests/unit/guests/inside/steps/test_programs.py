# SPDX-License-Identifier: Apache-2.0
import dataclasses
from pathlib import Path

import pytest

from ims_glance.guests.inside.steps import programs
from ims_glance.guests.inside.tree import GuestProgramFailed
from tests.unit.guests.inside.guests import DEBIAN, failing, nothing, work
from tests.unit.guests.inside.memory_guest import MemoryGuest

_RPM = dataclasses.replace(DEBIAN, distro="centos", major=7, package_format="rpm")


def _supply(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"package")
    return sorted(folder / name for name in names)


def test_packages_are_those_of_the_release_and_format(tmp_path: Path) -> None:
    _supply(tmp_path / "debian/12", "a_1_all.deb", "b.rpm", "README", "-x.deb", "c d.deb")
    _supply(tmp_path / "centos/7", "a-1.noarch.rpm")
    found = programs.supplied(work(MemoryGuest(), package_dir=str(tmp_path)))
    assert [path.name for path in found] == ["a_1_all.deb"]
    found = programs.supplied(work(MemoryGuest(), _RPM, package_dir=str(tmp_path)))
    assert [path.name for path in found] == ["a-1.noarch.rpm"]
    other = dataclasses.replace(DEBIAN, major=11)
    assert programs.supplied(work(MemoryGuest(), other, package_dir=str(tmp_path))) == []
    assert programs.supplied(work(MemoryGuest())) == []


def test_a_package_with_an_epoch_as_apt_calls_it(tmp_path: Path) -> None:
    _supply(tmp_path / "debian/12", "procps_2%3a4.0.2-3_amd64.deb")
    [found] = programs.supplied(work(MemoryGuest(), package_dir=str(tmp_path)))
    assert found.name == "procps_2%3a4.0.2-3_amd64.deb"


def test_of_debian_only_what_is_missing_is_installed_and_nothing_is_compiled(
    tmp_path: Path,
) -> None:
    packages = _supply(tmp_path / "x", "python3_3.11_amd64.deb", "cloud-init_22_all.deb")
    g = MemoryGuest(
        {
            "/var/lib/dpkg/info/python3.list": "",
            "/usr/bin/py3compile": "real",
            "/usr/lib/python3.11/py_compile.py": "real",
        }
    )
    g.programs |= {"env": nothing, "mount": nothing, "umount": nothing}
    programs.install(work(g), packages)
    assert [command[0] for command in g.commands] == [
        "env", "mount", "mount", "env", "umount", "umount", "env",
    ]  # fmt: skip
    assert g.commands[0][-2] == "--unpack"
    assert g.commands[0][-1].endswith("/cloud-init_22_all.deb")
    assert g.commands[3][-3:] == ["--no-triggers", "--configure", "cloud-init"]
    assert g.commands[6][-2:] == ["--triggers-only", "-a"]
    # What one wants beforehand may be unpacked after it; what is configured has all that it wants.
    forced = ["--force-depends" in g.commands[number] for number in (0, 3, 6)]
    assert forced == [True, False, False]
    assert "/usr/sbin/policy-rc.d" not in g.files
    assert not any(path.startswith("/var/tmp") for path in g.files)


def test_many_packages_are_unpacked_by_several_programs_each_of_which_is_told(
    tmp_path: Path,
) -> None:
    packages = _supply(tmp_path / "x", *(f"p{number:02}_1_all.deb" for number in range(25)))
    g = MemoryGuest()
    g.programs["env"] = nothing
    doing = work(g)
    told: list[int] = []
    doing.tree.on_run = lambda: told.append(len(g.commands))
    programs.install(doing, packages)
    unpacked = [command for command in g.commands if "--unpack" in command]
    assert [len([part for part in each if part.endswith(".deb")]) for each in unpacked] == [
        12,
        12,
        1,
    ]
    assert told == [0, 1, 2, 3, 4]


def test_what_cannot_be_installed_is_taken_away_again(tmp_path: Path) -> None:
    packages = _supply(tmp_path / "x", "cloud-init_22_all.deb")
    g = MemoryGuest()
    g.programs["env"] = lambda arguments: "" if "--purge" in arguments else failing(["dpkg"])
    with pytest.raises(GuestProgramFailed):
        programs.install(work(g), packages)
    assert g.commands[-1][-2:] == ["--purge", "cloud-init"]
    assert g.files == {}


def test_rpm_on_a_guest_with_selinux_asks_for_labels(tmp_path: Path) -> None:
    packages = _supply(tmp_path / "x", "cloud-init-22.noarch.rpm")
    g = MemoryGuest({"/etc/selinux/config": "SELINUX=enforcing"})
    g.programs["rpm"] = nothing
    programs.install(work(g, _RPM), packages)
    assert g.commands[0][:2] == ["rpm", "-U"]
    assert "/.autorelabel" in g.files


def test_what_is_installed() -> None:
    g = MemoryGuest({"/var/lib/dpkg/status": "", "/var/lib/dpkg/info/a.list": ""})
    assert programs.installed(work(g).tree, ["a", "b"]) == ["a"]
    assert programs.installed(work(MemoryGuest()).tree, ["a"]) == []
