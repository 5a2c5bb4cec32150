# SPDX-License-Identifier: Apache-2.0
"""A Debian from VMware, in a bucket as a VMDK, becomes an encrypted image whose servers find their disk."""

import contextlib
import secrets
import subprocess

import pytest

from tests.cloud import buckets, client_shell, servers, small_debian
from tests.cloud.client_shell import read

pytestmark = pytest.mark.pocket

# Under emulation, beside other tests.
_PATIENCE = 900.0


@pytest.fixture(scope="module")
def image(demo, cloud):
    """Of the file, made ready, and encrypted."""
    name = f"debian-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as forgetting:
        bucket = forgetting.enter_context(buckets.bucket(demo, f"guests-{secrets.token_hex(4)}"))
        bucket.put("debian.vmdk", small_debian.vmdk(cloud).read_bytes())
        forgetting.callback(client_shell.forget, demo, name)
        of = ("--file", f"{bucket.name}:debian.vmdk", "--min-disk", "1", "--key", "ims/default")
        yield read("demo", "image", "create", name, *of, "--prepare", "--wait")


def test_it_is_recognised_made_ready_and_encrypted(demo, image, tmp_path):
    found = demo.image.get_image(image["id"])
    assert image["encrypted"] is True
    said = {
        name: found.properties.get(name) or found.get(name)
        for name in ("__os_version", "__platform")
    }
    assert said == {"__os_version": "Debian GNU/Linux 12.0.0 64bit", "__platform": "Debian"}
    assert (found.hw_disk_bus, found.hw_vif_model, found.os_distro) == (
        "virtio",
        "virtio",
        "debian",
    )
    report = read("demo", "image", "show", image["id"], "--report")
    assert {each["name"]: each["state"] for each in report["steps"]} == {
        "network": "done",
        "network rules": "done",
        "cloud-init": "done",
        "virtio": "done",
        "uuid": "done",
        "serial console": "done",
        "tools": "not needed",
        "check": "done",
    }
    raw = tmp_path / "disk.raw"
    with raw.open("wb") as file:
        for chunk in demo.image.download_image(found, stream=True).iter_content(1 << 20):
            file.write(chunk)
    place = f"{raw}?offset={small_debian.START * small_debian.SECTOR}"

    def file_of(path: str) -> bytes:
        # Its last word on the standard error is the version of the program.
        shown = subprocess.run(
            ["debugfs", "-R", f"cat {path}", place], capture_output=True, check=True
        )
        return shown.stdout

    assert b"192.0.2.5" not in file_of("/etc/network/interfaces")
    assert b"192.0.2.5" in file_of("/etc/network/.interfaces.before-ims")
    assert b"iface eth0 inet dhcp" in file_of("/etc/network/interfaces.d/50-cloud-init")
    assert file_of("/etc/udev/rules.d/70-persistent-net.rules") == b""
    assert file_of("/etc/fstab").startswith(b"UUID=")
    line = next(each for each in file_of("/boot/grub/grub.cfg").split(b"\n") if b"linux " in each)
    assert all(word in line for word in (b"root=UUID=", b"console=ttyS0", b"net.ifnames=0"))
    initrd = tmp_path / "initrd"
    initrd.write_bytes(
        file_of("/boot/initrd.img-" + line.split()[1].decode().partition("vmlinuz-")[2])
    )
    names = subprocess.run(
        ["lsinitramfs", str(initrd)], capture_output=True, text=True, check=True
    ).stdout
    assert "/virtio_blk.ko" in names


def test_a_server_of_it_boots_from_virtio(demo, image):
    """To its login on the serial console, by the name that cloud-init found on the CD of the configuration drive.

    Its initrd knew nothing but IDE disks.
    """
    flavor = demo.compute.find_flavor("m1.tiny")
    made = demo.compute.create_server(
        name="made-ready",
        image_id=image["id"],
        flavor_id=flavor.id,
        networks="none",
        config_drive=True,
    )
    try:
        servers.running(demo, made)
        servers.wait_until(lambda: _has_booted(servers.console(demo, made)), _PATIENCE, pause=3.0)
    finally:
        demo.compute.delete_server(made)
        demo.compute.wait_for_delete(made, wait=240)


def _has_booted(console: str) -> bool:
    return "Cloud-init v." in console and "made-ready login:" in console
