# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside.steps import serial
from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import Tree
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.wishes import Wishes
from tests.unit.guests.inside.memory_guest import MemoryGuest


@pytest.mark.parametrize(
    ("line", "arch", "after"),
    [
        ("ro quiet", "x86_64", "ro quiet console=tty0 console=ttyS0,115200n8"),
        ("ro console=tty0", "x86_64", "ro console=tty0 console=ttyS0,115200n8"),
        ("ro", "aarch64", "ro console=tty0 console=ttyAMA0,115200n8"),
        ("ro console=ttyS0,9600", "x86_64", "ro console=ttyS0,9600"),
    ],
)
def test_the_kernel_writes_to_the_serial_line(line: str, arch: str, after: str) -> None:
    g = MemoryGuest({"/boot/grub/grub.cfg": f"linux /vmlinuz {line}"})
    for _ in range(2):
        serial.run(Work(Tree(g), Guest("linux", arch=arch), Wishes(True)))
        assert g.text("/boot/grub/grub.cfg") == f"linux /vmlinuz {after}"


def test_a_speed_that_the_owner_chose_is_kept() -> None:
    g = MemoryGuest(
        {
            "/boot/grub/grub.cfg": "linux /a console=ttyS0,9600\nlinux /b x\n",
            "/etc/default/grub": 'GRUB_CMDLINE_LINUX="console=ttyS0,9600"\n',
        }
    )
    for _ in range(2):
        serial.run(Work(Tree(g), Guest("linux"), Wishes(True)))
    assert g.text("/boot/grub/grub.cfg").endswith("linux /b x console=ttyS0,9600\n")
    assert g.text("/etc/default/grub") == 'GRUB_CMDLINE_LINUX="console=ttyS0,9600"\n'


def test_alpine_logs_in_there() -> None:
    line = "ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100\n"
    g = MemoryGuest({"/etc/inittab": f"#{line}"})
    for deeds in (1, 0):
        work = Work(Tree(g), Guest("linux"), Wishes(True))
        serial.run(work)
        assert len(work.deeds.done) == deeds
    assert g.text("/etc/inittab") == line
