# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from ims_glance.guests.inside.steps import kernel_line
from ims_glance.guests.inside.steps.kernel_line import KernelChange
from ims_glance.guests.inside.tree import Tree
from tests.unit.guests.inside.memory_guest import MemoryGuest

CHANGE = KernelChange(
    ("console=ttyS0",), re.compile("cloud-init=disabled"), {"root=/dev/sda1": "root=UUID=1"}
)
_ENV = "# GRUB Environment Block\nkernelopts=root=/dev/sda1 ro\n"


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("/boot/grub/grub.cfg", "\tlinux\t/boot/vmlinuz root=/dev/sda1 ro  quiet",
         "\tlinux\t/boot/vmlinuz root=UUID=1 ro quiet console=ttyS0"),
        ("/boot/grub2/grub.cfg", "linuxefi /vmlinuz root=/dev/sda1",
         "linuxefi /vmlinuz root=UUID=1 console=ttyS0"),
        ("/boot/grub/grub.cfg", "linux /vmlinuz", "linux /vmlinuz console=ttyS0"),
        ("/boot/grub/grub.cfg", "search --set=root 1\nset root='hd0,msdos1'", None),
        ("/boot/grub/menu.lst", "\tkernel /vmlinuz root=/dev/sda1 cloud-init=disabled",
         "\tkernel /vmlinuz root=UUID=1 console=ttyS0"),
        ("/boot/efi/EFI/redhat/grub.cfg", "linux /vmlinuz a", "linux /vmlinuz a console=ttyS0"),
        ("/boot/loader/entries/1.conf", "title x\noptions root=/dev/sda1 ro",
         "title x\noptions root=UUID=1 ro console=ttyS0"),
        ("/boot/loader/entries/1.conf", "options $kernelopts $tuned_params", None),
        ("/boot/extlinux.conf", "LABEL virt\n  APPEND root=/dev/sda1 modules=ext4",
         "LABEL virt\n  APPEND root=UUID=1 modules=ext4 console=ttyS0"),
        ("/etc/update-extlinux.conf", 'default_kernel_opts="quiet"\nserial_port=',
         'default_kernel_opts="quiet console=ttyS0"\nserial_port='),
        ("/etc/kernel/cmdline", "root=/dev/sda1 ro\n", "root=UUID=1 ro console=ttyS0\n"),
        ("/etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet cloud-init=disabled"\nGRUB_CMDLINE_LINUX=""\n',
         'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="console=ttyS0"\n'),
        ("/etc/default/grub", "GRUB_CMDLINE_LINUX='a b'\n", "GRUB_CMDLINE_LINUX='a b console=ttyS0'\n"),
        ("/etc/default/grub", "GRUB_CMDLINE_LINUX=quiet\n", 'GRUB_CMDLINE_LINUX="quiet console=ttyS0"\n'),
        ("/etc/default/grub", "GRUB_TIMEOUT=5\n", 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="console=ttyS0"\n'),
        ("/boot/grub2/grubenv", _ENV.ljust(1024, "#"),
         _ENV.replace("/dev/sda1 ro", "UUID=1 ro console=ttyS0").ljust(1024, "#")),
        ("/boot/grub2/grubenv", ("kernelopts=" + "x" * 1005).ljust(1024, "#"), None),
        ("/boot/grub/grub.cfg", "linux /vmlinuz " + "a " * 300, None),
    ],
)  # fmt: skip
def test_each_file_of_each_boot_loader(path: str, before: str, after: str | None) -> None:
    g = MemoryGuest({path: before})
    found = kernel_line.edit(Tree(g), CHANGE)
    assert g.text(path) == (before if after is None else after)
    assert found == ([] if after is None else [path])
    assert kernel_line.edit(Tree(g), CHANGE) == []


def test_quoted_arguments_stay_whole() -> None:
    assert CHANGE.changed('a "b c" d="e f"') == 'a "b c" d="e f" console=ttyS0'


def test_the_lines_of_each_kernel() -> None:
    g = MemoryGuest(
        {
            "/boot/grub/grub.cfg": "menuentry x {\n  linux /vmlinuz a b\n}",
            "/boot/loader/entries/x.conf": "linux /vmlinuz\noptions c",
        }
    )
    assert kernel_line.lines(Tree(g)) == ["a b", "c"]
