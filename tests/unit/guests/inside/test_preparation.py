# SPDX-License-Identifier: Apache-2.0
import dataclasses
from typing import Any

import pytest

from ims_glance.guests.inside.preparation import MIB, prepare
from ims_glance.guests.inside.steps.network import ifupdown
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.report import StepOutcome, StepState
from ims_glance.model.guest.wishes import Wishes
from tests.unit.guests.inside.guests import DEBIAN
from tests.unit.guests.inside.memory_guest import MemoryGuest

GUEST = dataclasses.replace(
    DEBIAN, has_cloud_init=True, mountpoints=(("/", "/dev/sda1"), ("/boot", "/dev/sda2"))
)
_FILES = {
    ifupdown.FILE: "auto eth0\niface eth0 inet static\n address 192.0.2.5/24\n",
    "/boot/grub/grub.cfg": "linux /vmlinuz root=/dev/sda1 ro",
    "/etc/fstab": "/dev/sda1 / ext4 defaults 0 1\n",
    "/etc/udev/rules.d/70-persistent-net.rules": 'ATTR{address}=="x", NAME="eth0"',
}


def _disk(**asked: Any) -> MemoryGuest:
    g = MemoryGuest(_FILES, **asked)
    g.types = {"/dev/sda1": "ext4", "/dev/sda2": "xfs"}
    g.uuids = {"/dev/sda1": "aaaa-1111"}
    return g


def _prepare(
    g: MemoryGuest, wishes: Wishes | None = None, guest: Guest = GUEST
) -> dict[str, StepOutcome]:
    outcomes = prepare(g, guest, wishes or Wishes(True), lambda name, number, of: None)
    assert g.mounted == []
    return {outcome.name: outcome for outcome in outcomes}


def test_a_guest_is_made_ready_and_nothing_is_done_the_second_time() -> None:
    g = _disk()
    first = _prepare(g)
    assert list(first) == [
        "network", "network rules", "cloud-init", "virtio", "uuid", "serial console", "tools", "check",
    ]  # fmt: skip
    assert [
        first[name].state for name in ("network", "network rules", "uuid", "serial console")
    ] == [StepState.DONE] * 4
    assert g.text("/boot/grub/grub.cfg") == (
        "linux /vmlinuz root=UUID=aaaa-1111 ro net.ifnames=0 biosdevname=0 console=tty0 console=ttyS0,115200n8"
    )
    assert g.events == [
        "fstrim /",
        "fstrim /boot",
        "sync",
        "e2fsck /dev/sda1",
        "xfs_repair /dev/sda2",
    ]
    before = dict(g.files)
    second = _prepare(g)
    assert g.files == before
    assert {each.state for name, each in second.items() if name != "check"} == {
        StepState.NOT_NEEDED, StepState.LEFT,
    }  # fmt: skip


def test_without_the_wish_nothing_is_written_and_the_report_says_what_would_be() -> None:
    g = _disk()
    g.is_read_only = True
    outcomes = _prepare(g, Wishes(False))
    assert outcomes["network"].state is StepState.WOULD
    assert "check" not in outcomes
    assert g.events == []
    assert g.files == MemoryGuest(_FILES).files


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[str, int, int]] = []
    prepare(_disk(), GUEST, Wishes(True), lambda *each: told.append(each))
    assert told[0] == ("network", 1, 7)
    assert told[-1] == ("tools", 7, 7)


@pytest.mark.parametrize(
    ("mountpoint", "room", "what"),
    [
        ("/", (99 * MIB, 1000), "/ has 99 MiB free, and 100 are needed."),
        ("/boot", (49 * MIB, 1000), "/boot has 49 MiB free, and 50 are needed."),
        ("/", (200 * MIB, 99), "/ has 99 inodes free, and 100 are needed."),
    ],
)
def test_without_room_nothing_is_changed(mountpoint: str, room: tuple[int, int], what: str) -> None:
    g = _disk()
    g.room[mountpoint] = room
    outcomes = _prepare(g)
    assert outcomes["room"].what == what
    assert "Free it" in outcomes["room"].advice
    assert {each.state for each in outcomes.values()} == {StepState.LEFT}
    assert g.files == MemoryGuest(_FILES).files


def test_a_guest_that_cannot_be_written_to_is_left() -> None:
    g = _disk()
    g.is_read_only = True
    assert "cannot be written to" in _prepare(g)["room"].what
    assert "cannot be mounted" in _prepare(_disk(broken=["/dev/sda1"]))["room"].what


def test_a_broken_file_system_of_another_folder_hinders_nothing() -> None:
    g = _disk(broken=["/dev/sda2", "/dev/sdb1"])
    # That of a disk that is not in the image, too.
    mountpoints = (*GUEST.mountpoints, ("/data", "/dev/sdb1"))
    outcomes = _prepare(g, guest=dataclasses.replace(GUEST, mountpoints=mountpoints))
    assert outcomes["network"].state is StepState.DONE
    assert outcomes["check"].what == "In order: /."
    assert "xfs_repair /dev/sda2" not in g.events


def test_a_step_that_fails_hinders_no_other() -> None:
    g = _disk()
    g.files["/etc/fstab"] = b"x" * (2 << 20)
    g.files["/var/lib/dpkg/status"] = g.files["/var/lib/dpkg/info/open-vm-tools.list"] = b""
    outcomes = _prepare(g)
    assert outcomes["uuid"].state is StepState.LEFT
    assert "/etc/fstab has more than" in outcomes["uuid"].what
    assert outcomes["tools"].state is StepState.LEFT
    assert outcomes["serial console"].state is StepState.DONE


def test_a_damaged_file_system_is_reported() -> None:
    outcomes = _prepare(_disk(damaged=["/dev/sda2"]))
    assert outcomes["check"].state is StepState.FAILED
    assert "/boot is not in order" in outcomes["check"].what


def test_owners_data_only_if_it_is_wished() -> None:
    assert "owner's data" not in _prepare(_disk())
    assert "owner's data" in _prepare(_disk(), Wishes(True, delete_owners_data=True))


def test_without_a_system_there_is_nothing_to_do() -> None:
    assert _prepare(_disk(), guest=Guest()) == {}
