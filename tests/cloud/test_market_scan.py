# SPDX-License-Identifier: Apache-2.0
"""A version with a key and an old package in it is refused with their places, on the real cloud."""

import os
import subprocess

import pytest

from tests.cloud import login, servers, tenants
from tests.cloud.test_market import Caller
from tests.unit.api.ims import market_world
from tests.unit.jobs.market.records import record, write

pytestmark = pytest.mark.pocket

# A machine starts without KVM, and inspects, on a busy machine.
PATIENCE = 900.0
RELEASE = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n"
PACKAGE = "Package: openssl\nStatus: install ok installed\nVersion: 3.0.11-1~deb12u1\n"
FILES = {
    "etc/os-release": RELEASE,
    "etc/debian_version": "12.11\n",
    "etc/fstab": "/dev/sda / ext4 defaults 0 1\n",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "etc/shadow": "root:*:1::::::\n",
    "root/.ssh/id_ed25519": KEY,
    "var/lib/dpkg/status": PACKAGE,
}


@pytest.fixture
def disk(tmp_path):
    """What libguestfs takes for a Debian, in 8 MiB."""
    tree, raw = tmp_path / "tree", tmp_path / "disk.raw"
    for name in ("bin", "boot", "usr/bin", "home"):
        (tree / name).mkdir(parents=True)
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    with raw.open("wb") as empty:
        empty.truncate(8 << 20)
    make = ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", str(tree), str(raw)]
    subprocess.run(make, check=True, env={**os.environ, "PATH": f"{os.environ['PATH']}:/sbin"})
    return raw


@pytest.fixture
def feed(cloud):
    """A record about its package, where the workers of the cloud look for them."""
    folder = cloud.path("etc", "osv")
    written = write(folder, record("TEST-1")) / "Debian" / "TEST-1.json"
    yield
    written.unlink()


def test_what_was_left_in_it_is_named_and_nothing_is_left_of_it(cloud, disk, feed):
    with tenants.tenant("seller") as connection:
        seller = Caller(connection, "ims_seller")
        image = seller.conn.image.create_image(
            "with a key", filename=str(disk), disk_format="raw", container_format="bare"
        )
        draft = market_world.whole("Keyed")
        draft["version"]["image_id"] = image.id
        made = seller.call("POST", "PROJECT/market/seller/products", draft)
        path = f"PROJECT/market/seller/products/{made['id']}"
        seller.call("POST", f"{path}/submit", {})

        def is_back() -> bool:
            return bool(seller.call("GET", path)["state"] == "draft")

        servers.wait_until(is_back, PATIENCE)
        (version,) = seller.call("GET", path)["versions"]
        assert (version["state"], version["error_code"]) == ("failed", "IMG.0024")
        assert "/root/.ssh/id_ed25519: A private key." in version["reason"]
        found = {each["rule"]: each["where"] for each in version["scan"]["findings"]}
        assert found == {
            "private key": "/root/.ssh/id_ed25519",
            "vulnerability": "openssl 3.0.11-1~deb12u1",
        }
        assert "c2VjcmV0" not in str(version)
        admin, query = login.connect("admin"), f"/images?__productcode={made['product_code']}"
        servers.wait_until(lambda: not admin.image.get(query).json()["images"], PATIENCE)
        seller.conn.image.delete_image(image.id)
