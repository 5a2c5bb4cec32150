# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside.steps import by_uuid
from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import Tree
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.wishes import Wishes
from tests.unit.guests.inside.memory_guest import MemoryGuest

_UUIDS = {"/dev/sda1": "aaaa-1111", "/dev/sda2": "bbbb-2222", "/dev/sda3": "CCCC-3333"}
_TYPES = {"/dev/sda1": "ext4", "/dev/sda2": "swap", "/dev/sda3": "vfat", "/dev/sda5": "xfs"}


def _run(files: dict[str, str]) -> tuple[MemoryGuest, Work]:
    g = MemoryGuest(files)
    g.uuids, g.types = _UUIDS, _TYPES
    work = Work(Tree(g), Guest("linux"), Wishes(True))
    by_uuid.run(work)
    again = Work(Tree(g), Guest("linux"), Wishes(True))
    by_uuid.run(again)
    assert again.deeds.done == []
    return g, work


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/dev/sda1 / ext4 defaults 0 1", "UUID=aaaa-1111 / ext4 defaults 0 1"),
        ("/dev/hda1\t/\text3\tdefaults 0 1", "UUID=aaaa-1111\t/\text3\tdefaults 0 1"),
        ("/dev/xvda2 none swap sw 0 0", "UUID=bbbb-2222 none swap sw 0 0"),
        ("/dev/vda3 /boot/efi vfat umask=0077 0 1", "UUID=CCCC-3333 /boot/efi vfat umask=0077 0 1"),
        ("/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0-part1 / ext4 x 0 1",
         "UUID=aaaa-1111 / ext4 x 0 1"),
        ("/dev/disk/by-id/ata-VMware-part1 / auto x 0 1", "UUID=aaaa-1111 / auto x 0 1"),
        ("/dev/sda1 / xfs defaults 0 1", None),
        ("/dev/sda5 / xfs defaults 0 1", None),
        ("/dev/sdb1 /data ext4 defaults 0 2", "/dev/sdb1 /data ext4 defaults,nofail 0 2"),
        ("/dev/sdb1 /data ext4 nofail 0 2", None),
        ("/dev/sda9 /data ext4 defaults 0 2", "/dev/sda9 /data ext4 defaults,nofail 0 2"),
        ("/dev/sdb1 /usr ext4 defaults 0 2", None),
        # The options are written in other fields, too.
        ("/dev/sdb2 none swap sw 0 0", "/dev/sdb2 none swap sw,nofail 0 0"),
        ("/dev/sdb1\t/srv/rw\text4 \trw 0 2", "/dev/sdb1\t/srv/rw\text4 \trw,nofail 0 2"),
        ("/dev/sdb1 /nofail ext4 defaults 0 2", "/dev/sdb1 /nofail ext4 defaults,nofail 0 2"),
        ("UUID=x / ext4 defaults 0 1", None),
        ("/dev/mapper/vg-root / ext4 defaults 0 1", None),
        ("server:/x /x nfs defaults 0 0", None),
        ("# /dev/sda1 / ext4 defaults 0 1", None),
        ("/dev/sda1", "UUID=aaaa-1111"),
        ("\x00\x00/dev/sda1 x", None),
    ],
)  # fmt: skip
def test_fstab(before: str, after: str | None) -> None:
    g, work = _run({"/etc/fstab": f"{before}\n"})
    assert g.text("/etc/fstab") == f"{before if after is None else after}\n"
    assert bool(work.deeds.done) is (after is not None)


@pytest.mark.parametrize("name", ["data", "/dev/sda1-data"])
def test_crypttab(name: str) -> None:
    g, _ = _run({"/etc/crypttab": f"{name} /dev/sda1 none luks\nother /dev/sdb1 none\n"})
    assert g.text("/etc/crypttab") == f"{name} UUID=aaaa-1111 none luks\nother /dev/sdb1 none\n"


def test_the_boot_loader() -> None:
    g, work = _run(
        {
            "/boot/grub/grub.cfg": "linux /vmlinuz root=/dev/sda1 ro\nlinux /old root=/dev/mapper/x\n",
            "/etc/default/grub": "GRUB_DISABLE_LINUX_UUID=true\nGRUB_TIMEOUT=1\n",
        }
    )
    assert g.text("/boot/grub/grub.cfg") == (
        "linux /vmlinuz root=UUID=aaaa-1111 ro\nlinux /old root=/dev/mapper/x\n"
    )
    assert g.text("/etc/default/grub") == "# GRUB_DISABLE_LINUX_UUID=true\nGRUB_TIMEOUT=1\n"
    assert len(work.deeds.done) == 2


def test_a_table_without_end_is_left() -> None:
    text = "/dev/sda1 / ext4 defaults 0 1\n" * 1000
    g, work = _run({"/etc/fstab": text})
    assert g.text("/etc/fstab") == text
    assert work.deeds.left == ["/etc/fstab has 1001 lines."]
