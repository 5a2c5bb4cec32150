# SPDX-License-Identifier: Apache-2.0
"""virtio drivers for Windows, of the files that the operator has (a virtio-win ISO, unpacked).

The driver of the disk is needed before any other can be found: its file goes to ``system32\\drivers``, its service
starts with the kernel, and its PCI ids are named, until Windows 7 in ``CriticalDeviceDatabase``, since then in
``DriverDatabase``. All others Windows finds by itself, in a folder that is added to ``DevicePath``. That is what virt-v2v's
manual describes. That Windows boots afterwards was never seen here: there is none to try it with.
"""

import posixpath
import re
from pathlib import Path

from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.steps.windows.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    SZ,
    Hive,
    number_of,
    opened,
    text_of,
    texts_of,
)
from ims_glance.model.guest.found import Guest

_RELEASES = {
    "winxp": "xp", "win2k3": "2k3", "win2k8": "2k8", "winvista": "2k8", "win7": "w7", "win2k8r2": "2k8r2",
    "win8": "w8", "win2k12": "2k12", "win8.1": "w8.1", "win2k12r2": "2k12r2", "win10": "w10", "win11": "w11",
    "win2k16": "2k16", "win2k19": "2k19", "win2k22": "2k22", "win2k25": "2k25",
}  # fmt: skip
_PROCESSORS = {"x86_64": "amd64", "i386": "x86", "aarch64": "ARM64"}
_DRIVERS = ("viostor", "vioscsi", "NetKVM", "Balloon", "viorng", "vioserial", "fwcfg", "pvpanic")
_KINDS = (".sys", ".inf", ".cat", ".dll", ".exe")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MOST_BYTES = 64 << 20
_FOLDER = "Drivers/VirtIO"
_DEVICE_PATH = "%SystemRoot%\\Drivers\\VirtIO"
_DISKS = {
    "viostor": ("VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00", "VEN_1AF4&DEV_1042&SUBSYS_11001AF4&REV_01"),
    "vioscsi": ("VEN_1AF4&DEV_1004&SUBSYS_00081AF4&REV_00", "VEN_1AF4&DEV_1048&SUBSYS_11001AF4&REV_01"),
}  # fmt: skip
_CLASS = "{4D36E97B-E325-11CE-BFC1-08002BE10318}"
# Of a driver package: its kind, the class of disk controllers as a GUID, no date and no version.
_VERSION = bytes.fromhex("00ff0900000000007be9364d25e3ce11bfc108002be10318") + bytes(24)
_ADVICE = (
    "Install the virtio drivers (virtio-win) in the guest before you make the image; until then its servers need "
    "hw_disk_bus=ide and hw_vif_model=e1000. The operator can supply them ([ims_guests]virtio_win_path)."
)


def run(work: Work) -> None:
    """Put the drivers into a Windows that has none."""
    if work.guest.has_virtio:
        return
    files = _files(work.wishes.virtio_win_path, work.guest)
    disk = next((name for name in _DISKS if f"{name}.sys" in files), None)
    if disk is None:
        work.deeds.leave("It has no virtio drivers, and there are none for this release.", _ADVICE)
        return
    if not work.is_dry:
        _copy(work, files)
    with opened(work, "SYSTEM") as hive:
        for name in (each for each in _DISKS if f"{each}.sys" in files):
            _register(hive, work.guest.control_set or "ControlSet001", name)
    with opened(work, "SOFTWARE") as hive:
        _add_path(hive)
    work.deeds.done.append(f"{len(files)} files of virtio drivers; {disk} starts with the kernel.")


def _files(folder: str | None, guest: Guest) -> dict[str, Path]:
    """The files for a guest by their names in small letters."""
    release, processor = _RELEASES.get(guest.osinfo or ""), _PROCESSORS.get(guest.arch or "")
    if folder is None or release is None or processor is None:
        return {}
    found = {}
    for driver in _DRIVERS:
        place = _inside(_inside(_inside(Path(folder), driver), release), processor)
        for path in sorted(place.iterdir()) if place is not None and place.is_dir() else ():
            if path.suffix.lower() in _KINDS and _NAME.fullmatch(path.name) and path.is_file():
                found[path.name.lower()] = path
    is_much = sum(path.stat().st_size for path in found.values()) > _MOST_BYTES
    return {} if is_much else found


def _inside(folder: Path | None, name: str) -> Path | None:
    """What is in a folder by that name, in whatever case."""
    if folder is None or not folder.is_dir():
        return None
    return next((path for path in folder.iterdir() if path.name.lower() == name.lower()), None)


def _copy(work: Work, files: dict[str, Path]) -> None:
    g = work.tree.g
    systemroot = g.case_sensitive_path(work.guest.systemroot or "/Windows")
    target = posixpath.join(systemroot, _FOLDER)
    g.mkdir_p(target)
    for name, path in files.items():
        g.upload(str(path), posixpath.join(target, name))
    drivers = g.case_sensitive_path(posixpath.join(systemroot, "System32/drivers"))
    for name in _DISKS:
        if f"{name}.sys" in files:
            g.upload(str(files[f"{name}.sys"]), posixpath.join(drivers, f"{name}.sys"))


def _register(hive: Hive, control_set: str, driver: str) -> None:
    """Have a driver start with the kernel, and know its devices."""
    service = (control_set, "Services", driver)
    hive.set(service, "Type", DWORD, number_of(1))
    hive.set(service, "Start", DWORD, number_of(0))
    hive.set(service, "ErrorControl", DWORD, number_of(1))
    hive.set(service, "Group", SZ, text_of("SCSI miniport"))
    hive.set(service, "ImagePath", EXPAND_SZ, text_of(f"system32\\drivers\\{driver}.sys"))
    for device in _DISKS[driver]:
        if hive.key("DriverDatabase"):
            _name_in_database(hive, driver, device)
        else:
            key = (control_set, "Control", "CriticalDeviceDatabase", f"PCI#{device}")
            hive.set(key, "Service", SZ, text_of(driver))
            hive.set(key, "ClassGUID", SZ, text_of(_CLASS))


def _name_in_database(hive: Hive, driver: str, device: str) -> None:
    """A package of a driver that has one configuration, for one device more."""
    inf = f"ims-{driver}.inf"
    label, configuration = f"{inf}_package", f"{driver}_start"
    database = "DriverDatabase"
    known = (database, "DriverInfFiles", inf)
    hive.set(known, "", MULTI_SZ, texts_of(label))
    hive.set(known, "Active", SZ, text_of(label))
    hive.set(known, "Configurations", MULTI_SZ, texts_of(configuration))
    hive.set((database, "DeviceIds", "PCI", device), inf, BINARY, b"\x01\xff\x00\x00")
    package = (database, "DriverPackages", label)
    hive.set(package, "Version", BINARY, _VERSION)
    configured = (*package, "Configurations", configuration)
    hive.set(configured, "ConfigFlags", DWORD, number_of(0))
    hive.set(configured, "Service", SZ, text_of(driver))
    described = (*package, "Descriptors", "PCI", device)
    hive.set(described, "Configuration", SZ, text_of(configuration))


def _add_path(hive: Hive) -> None:
    """Have Windows look for drivers in the folder that they are in."""
    key = ("Microsoft", "Windows", "CurrentVersion")
    had = (hive.value(key, "DevicePath") or b"").decode("utf-16-le", "replace").rstrip("\0")
    if _DEVICE_PATH not in had:
        parts = [part for part in (had or "%SystemRoot%\\inf", _DEVICE_PATH) if part]
        hive.set(key, "DevicePath", EXPAND_SZ, text_of(";".join(parts)))
