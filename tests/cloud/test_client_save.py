# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image save`` on the real cloud: what is saved is read by QEMU's own tool."""

import secrets
import subprocess

import pytest

from tests.cloud import client_shell
from tests.cloud.client_shell import ims, refusal

MIB = client_shell.MIB
# Data, zeros, and an end that is no multiple of anything.
DISK = secrets.token_bytes(3 * MIB) + bytes(20 * MIB) + b"the end" * 100
QEMU = {"qcow2": "qcow2", "vhd": "vpc", "vmdk": "vmdk", "raw": "raw"}


@pytest.fixture(params=[{}, {"__system__cmkid": "ims/default"}], ids=["plain", "encrypted"])
def image(demo, request):
    made = demo.image.create_image(
        name=f"save-{secrets.token_hex(4)}",
        data=DISK,
        disk_format="raw",
        container_format="bare",
        visibility="private",
        wait=True,
        **request.param,
    )
    yield made
    demo.image.delete_image(made.id)


def test_saved_in_each_format(image, request, tmp_path):
    is_encrypted = "encrypted" in request.node.name
    decrypt = ["--decrypt"] if is_encrypted else []
    (tmp_path / "disk").write_bytes(DISK)
    for name, driver in QEMU.items():
        target = tmp_path / name
        command = ["image", "save", image.name, "--format", name, "--file", str(target)]
        if is_encrypted:
            assert "--decrypt" in refusal("demo", *command)
            assert not target.exists()
        ims("demo", *command, *decrypt)
        compare = ["qemu-img", "compare", "-f", "raw", "-F", driver, tmp_path / "disk", target]
        subprocess.run(compare, check=True)
    assert "there already" in refusal("demo", *command, *decrypt)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["disk", *QEMU])
