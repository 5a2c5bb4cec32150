# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from ims_glance.guests.inside.steps import virtio
from ims_glance.guests.inside.tree import GuestProgramFailed
from tests.unit.guests.inside.guests import DEBIAN, KERNEL, failing, nothing, work
from tests.unit.guests.inside.memory_guest import MemoryGuest

_MODULES = {
    f"/lib/modules/{KERNEL}/modules.dep": "",
    f"/lib/modules/{KERNEL}/kernel/drivers/ata/ata_piix.ko": "",
    f"/lib/modules/{KERNEL}/kernel/drivers/scsi/sr_mod.ko.xz": "",
    f"/lib/modules/{KERNEL}/kernel/fs/isofs/isofs.ko.zst": "",
    f"/lib/modules/{KERNEL}/kernel/drivers/block/virtio_blk.ko": "",
}
_TOOLS = {
    "/usr/sbin/update-initramfs": "",
    "/etc/initramfs-tools/initramfs.conf": "MODULES=list\n",
    "/etc/initramfs-tools/modules": "ata_piix",
    f"/boot/initrd.img-{KERNEL}": "old",
}


def test_initramfs_tools_make_one_quickly_and_keep_the_old_one() -> None:
    g = MemoryGuest({**_MODULES, **_TOOLS})
    seen: list[str] = []
    quick = "/etc/initramfs-tools/conf.d/ims-quick"
    g.programs["update-initramfs"] = lambda arguments: seen.append(g.text(quick))
    doing = work(g)
    virtio.run(doing)
    assert g.commands == [["update-initramfs", "-u", "-k", KERNEL]]
    assert "COMPRESS=gzip" in seen[0]
    assert quick not in g.files
    assert g.text(f"/boot/.initrd.img-{KERNEL}.before-ims") == "old"
    assert g.text("/etc/initramfs-tools/modules").split() == [
        "ata_piix", "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "sr_mod", "isofs",
    ]  # fmt: skip
    again = work(g)
    virtio.run(again)
    assert (again.deeds.done, len(g.commands)) == ([], 1)


def test_names_in_an_initrd_are_looked_at_before_it_is_made() -> None:
    files = {**_MODULES, **_TOOLS, "/etc/initramfs-tools/initramfs.conf": "MODULES=dep\n"}
    g = MemoryGuest(files)
    g.programs["sh"] = nothing
    doing = work(g)
    virtio.run(doing)
    assert (doing.deeds.done, doing.deeds.left) == ([], [])
    g.programs |= {"sh": failing, "update-initramfs": nothing}
    virtio.run(work(g))
    assert g.commands[-1][0] == "update-initramfs"


def test_dracut() -> None:
    files = {**_MODULES, "/usr/bin/dracut": "", f"/boot/initramfs-{KERNEL}.img": "old"}
    g = MemoryGuest(files)
    g.programs |= {"sh": failing, "dracut": nothing}
    virtio.run(work(g))
    assert g.commands[-1][-2:] == [f"/boot/initramfs-{KERNEL}.img", KERNEL]
    drivers = "virtio_pci virtio_blk virtio_scsi virtio_net ata_piix sr_mod isofs"
    assert g.text("/etc/dracut.conf.d/ims-virtio.conf") == f'add_drivers+=" {drivers} "\n'
    assert g.commands[-1][g.commands[-1].index("--add-drivers") + 1] == drivers
    virtio.run(work(g))
    assert len(g.commands) == 2


def test_mkinitfs() -> None:
    conf = "/etc/mkinitfs/mkinitfs.conf"
    files = {
        **_MODULES,
        "/sbin/mkinitfs": "",
        conf: 'features="ata base"\n',
        "/boot/initramfs-amd64": "",
    }
    g = MemoryGuest(files)
    g.programs["mkinitfs"] = nothing
    for _ in range(2):
        virtio.run(work(g))
    assert g.text(conf) == 'features="virtio ata base"\n'
    assert g.commands == [["mkinitfs", "-o", "/boot/initramfs-amd64", KERNEL]]


def test_nothing_is_run_to_see_what_would_be() -> None:
    g = MemoryGuest({**_MODULES, **_TOOLS})
    before = dict(g.files)
    doing = work(g, is_dry=True)
    virtio.run(doing)
    assert len(doing.deeds.done) == 1
    assert (g.files, g.commands) == (before, [])


@pytest.mark.parametrize(
    ("files", "changes", "what"),
    [
        ({}, {"kernels": ()}, "No kernel"),
        ({f"/lib/modules/{KERNEL}/modules.dep": ""}, {}, "no driver"),
        (_MODULES, {}, "cannot be made here"),
        ({**_MODULES, **_TOOLS}, {"arch": "s390x"}, "cannot be made here"),
    ],
)
def test_what_cannot_be_done_is_left(
    files: dict[str, str], changes: dict[str, object], what: str
) -> None:
    g = MemoryGuest(files)
    before = dict(g.files)
    doing = work(g, dataclasses.replace(DEBIAN, **changes))  # type: ignore[arg-type]
    virtio.run(doing)
    assert what in doing.deeds.left[0]
    assert "hw_disk_bus=ide" in doing.deeds.advice[0]
    assert g.files == before


def test_a_tool_that_fails_leaves_nothing_behind_that_slows_others() -> None:
    g = MemoryGuest({**_MODULES, **_TOOLS})
    g.programs["update-initramfs"] = failing
    before = dict(g.files)
    with pytest.raises(GuestProgramFailed):
        virtio.run(work(g))
    assert g.files == before
    # It is tried again: nothing says that it was done.
    g.programs["update-initramfs"] = nothing
    again = work(g)
    virtio.run(again)
    assert again.deeds.done


def test_of_dracut_that_fails_no_setting_stays() -> None:
    files = {**_MODULES, "/usr/bin/dracut": "", f"/boot/initramfs-{KERNEL}.img": "old"}
    g = MemoryGuest(files)
    g.programs |= {"sh": failing, "dracut": failing}
    before = dict(g.files)
    with pytest.raises(GuestProgramFailed):
        virtio.run(work(g))
    assert g.files == before
