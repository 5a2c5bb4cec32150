# SPDX-License-Identifier: Apache-2.0
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ims_glance.guests.inside.steps.windows import drivers
from ims_glance.guests.inside.steps.windows.registry import DWORD, EXPAND_SZ, SZ, text_of
from tests.unit.guests.inside.steps.windows.windows_guest import CONFIG, GUEST, WindowsGuest, work


@pytest.fixture
def virtio_win(tmp_path: Path) -> str:
    for name in ("viostor/2k19/amd64/viostor.sys", "viostor/2k19/amd64/viostor.inf",
                 "viostor/2k19/amd64/viostor.pdb", "viostor/w7/amd64/viostor.sys",
                 "NetKVM/2k19/amd64/NetKVM.sys", "NetKVM/2k19/amd64/netkvm.inf"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return str(tmp_path)


def test_the_driver_of_the_disk_starts_with_the_kernel(virtio_win: str) -> None:
    g = WindowsGuest({"DriverDatabase": {"x": {}}})
    doing = work(g, virtio_win_path=virtio_win)
    drivers.run(doing)
    assert doing.deeds.done == ["4 files of virtio drivers; viostor starts with the kernel."]
    assert g.text("/Windows/System32/drivers/viostor.sys") == "viostor/2k19/amd64/viostor.sys"
    assert {path for path in g.files if "VirtIO" in path} == {
        f"/Windows/Drivers/VirtIO/{name}"
        for name in ("viostor.sys", "viostor.inf", "netkvm.sys", "netkvm.inf")
    }
    service = g.hives["SYSTEM"]["ControlSet001"]["Services"]["viostor"]
    assert service == {
        "Type": (DWORD, b"\1\0\0\0"),
        "Start": (DWORD, bytes(4)),
        "ErrorControl": (DWORD, b"\1\0\0\0"),
        "Group": (SZ, text_of("SCSI miniport")),
        "ImagePath": (EXPAND_SZ, text_of("system32\\drivers\\viostor.sys")),
    }
    database = g.hives["SYSTEM"]["DriverDatabase"]
    assert set(database["DeviceIds"]["PCI"]) == set(drivers._DISKS["viostor"])
    [package] = database["DriverPackages"].values()
    assert len(package["Version"][1]) == 48
    assert package["Configurations"]["viostor_start"]["Service"] == (SZ, text_of("viostor"))
    assert set(package["Descriptors"]["PCI"]) == set(drivers._DISKS["viostor"])
    path = g.hives["SOFTWARE"]["Microsoft"]["Windows"]["CurrentVersion"]["DevicePath"][1]
    assert path.decode("utf-16-le") == "%SystemRoot%\\inf;%SystemRoot%\\Drivers\\VirtIO\0"
    assert f"{CONFIG}/.SYSTEM.before-ims" in g.files


def test_old_windows_has_a_database_of_critical_devices(virtio_win: str) -> None:
    g = WindowsGuest({})
    drivers.run(work(g, dataclasses.replace(GUEST, osinfo="win7"), virtio_win_path=virtio_win))
    critical = g.hives["SYSTEM"]["ControlSet001"]["Control"]["CriticalDeviceDatabase"]
    assert set(critical) == {f"PCI#{device}" for device in drivers._DISKS["viostor"]}
    assert "DriverDatabase" not in g.hives["SYSTEM"]


def test_nothing_the_second_time_and_nothing_to_see_what_would_be(virtio_win: str) -> None:
    g = WindowsGuest({})
    dry = work(g, is_dry=True, virtio_win_path=virtio_win)
    drivers.run(dry)
    assert (len(dry.deeds.done), g.commits, g.hives["SYSTEM"]) == (1, 0, {})
    again = work(g, dataclasses.replace(GUEST, has_virtio=True), virtio_win_path=virtio_win)
    drivers.run(again)
    assert (again.deeds.done, g.commits) == ([], 0)


@pytest.mark.parametrize(
    "change", [{"osinfo": "win3"}, {"osinfo": None}, {"osinfo": "win10"}, {"arch": "ia64"}]
)
def test_without_drivers_for_its_release_it_is_left(
    virtio_win: str, change: dict[str, Any]
) -> None:
    g = WindowsGuest({})
    doing = work(g, dataclasses.replace(GUEST, **change), virtio_win_path=virtio_win)
    drivers.run(doing)
    assert "hw_disk_bus=ide" in doing.deeds.advice[0]
    assert g.commits == 0
    nowhere = work(g)
    drivers.run(nowhere)
    assert nowhere.deeds.left
