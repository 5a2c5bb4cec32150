# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image export --sealed`` and back, on the real cloud: whoever has the key, and nobody else."""

import contextlib
import secrets

import pytest

from tests.cloud import buckets, client_shell, login
from tests.cloud.client_shell import read, refusal

pytestmark = pytest.mark.pocket

MIB = 1 << 20
DISK = secrets.token_bytes(5 * MIB) + bytes(3 * MIB) + secrets.token_bytes(MIB + 512)
_PIECE = 64


@pytest.fixture(scope="module")
def keys(demo):
    """Two keys of the project's; deleted in the end."""
    made = [login.make_key(demo) for _ in range(2)]
    yield made
    for key_id in made:
        demo.key_manager.delete_secret(key_id)


@pytest.fixture
def make(demo):
    """Makes an image of a file, and deletes it in the end."""
    with contextlib.ExitStack() as forgetting:

        def make(url, *arguments):
            name = f"sealed-{secrets.token_hex(4)}"
            forgetting.callback(client_shell.forget, demo, name)
            of = ("--file", url, "--min-disk", "1", "--for", "data")
            made = read("demo", "image", "create", name, *of, *arguments, "--wait")
            return demo.image.get_image(made["id"])

        yield make


def test_out_and_back_and_for_nobody_else(demo, other, make, keys):
    named = f"sealed-{secrets.token_hex(4)}"
    with buckets.bucket(demo, named) as bucket, buckets.bucket(other, f"{named}-o") as theirs:
        bucket.put("disk.raw", DISK)
        image = make(f"{bucket.name}:disk.raw", "--key", keys[0])
        url = f"{bucket.name}:disk.ims"
        job = read("demo", "image", "export", image.id, url, "--sealed", "--wait")
        assert job["status"] == "SUCCESS"

        file = bucket.get("disk.ims")
        assert len(file) < len(DISK) + 2000
        for at in range(0, len(DISK), MIB // 2):
            piece = DISK[at : at + _PIECE]
            assert not piece.strip(b"\0") or piece not in file

        again, mine = make(url), make(url, "--key", keys[1])
        for each, key_id in ((again, keys[0]), (mine, keys[1])):
            assert each.hash_value == image.hash_value
            assert each.properties["__system__cmkid"] == key_id
        assert demo.image.download_image(mine.id).content == DISK

        # Whoever has the file and not the key.
        theirs.put("stolen.ims", file)
        of = ("--file", f"{theirs.name}:stolen.ims", "--min-disk", "1", "--for", "data")
        said = refusal("other", "image", "create", "x", *of)
        assert "IMG.0099" in said
        assert keys[0] in said
        assert not list(other.image.images(name="x"))


def test_what_is_not_encrypted_is_not_sealed(demo, make):
    with buckets.bucket(demo, f"sealed-{secrets.token_hex(4)}") as bucket:
        bucket.put("disk.raw", DISK[: MIB + 512])
        image = make(f"{bucket.name}:disk.raw")
        of = (image.id, f"{bucket.name}:disk.ims", "--sealed")
        assert "IMG.0105" in refusal("demo", "image", "export", *of)
