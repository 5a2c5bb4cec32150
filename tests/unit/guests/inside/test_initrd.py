# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside import initrd
from ims_glance.guests.inside.tree import Tree
from tests.unit.guests.inside.memory_guest import MemoryGuest

KERNEL = "6.1.0-56-amd64"
_MODULES = f"/lib/modules/{KERNEL}"
_HAS = {f"{_MODULES}/modules.dep": "", f"{_MODULES}/kernel/drivers/block/virtio_blk.ko.xz": ""}
_BUILT_IN = "kernel/drivers/block/virtio_blk.ko\nkernel/drivers/virtio/virtio_pci.ko\n"
_TOOLS = "/etc/initramfs-tools/initramfs.conf"


def test_kernels_are_those_with_modules_the_newest_first() -> None:
    names = ["6.1.0-9-amd64", "6.1.0-56-amd64", "5.10.0-1-amd64", "6.1.0-56-cloud-amd64"]
    files = {f"/usr/lib/modules/{name}/modules.dep": "" for name in names}
    g = MemoryGuest({**files, "/usr/lib/modules/6.9/kernel/x.ko": ""})
    g.links["/lib"] = "usr/lib"
    found = initrd.kernels(Tree(g))
    assert found[-2:] == ["6.1.0-9-amd64", "5.10.0-1-amd64"]
    assert len(found) == 4


@pytest.mark.parametrize(
    "path",
    [
        "/boot/initrd.img-6.1-virt",
        "/boot/initramfs-6.1-virt.img",
        "/boot/initrd-6.1-virt",
        "/boot/initramfs-virt",
    ],
)
def test_the_initrd_of_a_kernel_is_found(path: str) -> None:
    assert initrd.image(Tree(MemoryGuest({path: ""})), "6.1-virt") == path
    assert initrd.image(Tree(MemoryGuest({path: ""})), "6.2-lts") is None


@pytest.mark.parametrize(
    ("files", "answer"),
    [
        ({}, None),
        ({f"{_MODULES}/modules.builtin": _BUILT_IN}, True),
        ({f"{_MODULES}/modules.dep": ""}, False),
        (_HAS, None),
        ({**_HAS, _TOOLS: "MODULES=most\n"}, True),
        ({**_HAS, _TOOLS: "# MODULES=most\nMODULES=dep\n"}, None),
        ({**_HAS, _TOOLS: "MODULES=list\n"}, False),
        ({**_HAS, _TOOLS: "MODULES=list", "/etc/initramfs-tools/conf.d/x": "MODULES='most'"}, True),
        ({**_HAS, _TOOLS: "MODULES=list",
          "/etc/initramfs-tools/modules": "# x\nvirtio_pci\nvirtio_blk\n"}, True),
        ({**_HAS, "/etc/mkinitfs/mkinitfs.conf": 'features="ata base virtio"'}, True),
        ({**_HAS, "/etc/mkinitfs/mkinitfs.conf": 'features="ata base"'}, False),
        ({**_HAS, "/etc/dracut.conf": 'hostonly="yes"'}, None),
        ({**_HAS, "/usr/lib/dracut/dracut.conf.d/01-x.conf": 'hostonly="no"'}, True),
        ({**_HAS, "/etc/dracut.conf.d/x.conf": 'add_drivers+=" virtio_pci virtio_blk "'}, True),
        ({**_HAS, "/etc/dracut.conf.d/x.conf": '# add_drivers+=" virtio_pci virtio_blk "'}, None),
    ],
)  # fmt: skip
def test_the_settings_of_a_guest_tell_whether_its_initrd_has_virtio(
    files: dict[str, str], answer: bool | None
) -> None:
    files_of_guest = Tree(MemoryGuest(files))
    assert initrd.has_virtio(files_of_guest, initrd.kernels(files_of_guest)) is answer
