# SPDX-License-Identifier: Apache-2.0
"""The encrypting store in a real Glance: what goes in comes out, whole or in part."""

import concurrent.futures
import hashlib
import secrets
from collections.abc import Iterator

import pytest

from tests.functional import stored
from tests.functional.client import ApiError, Body, Client
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService
from tests.functional.stored import FIRST, FULL

SIZES = (0, 1, 4096, FIRST - 1, FIRST, FIRST + 1, FIRST + FULL, FIRST + 2 * FULL + 7)
SIZE = FIRST + 2 * FULL + 5000


def in_chunks(data: bytes, size: int = 70_000) -> Iterator[bytes]:
    """*data* in pieces that have nothing to do with segments."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.fixture(scope="module")
def image(shared_glance_service: GlanceService) -> Iterator[tuple[dict, bytes]]:
    """An image of four segments, and its bytes."""
    client = shared_glance_service.client()
    data = secrets.token_bytes(SIZE)
    image = client.create(cmkid=shared_glance_service.vault.make("demo"))
    client.upload(image["id"], data)
    yield client.show(image["id"]), data
    client.delete(image["id"])


class TestUpload:
    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("way", ["content length", "chunks", "chunks of announced size"])
    def test_comes_out_as_it_went_in(self, glance, glance_service, vault, size, way) -> None:
        data = secrets.token_bytes(size)
        image = glance.create(cmkid=vault.make("demo"))
        body: Body = data if way == "content length" else in_chunks(data)
        glance.upload(image["id"], body, size=size if way.endswith("size") else None)

        shown = glance.show(image["id"])
        assert (shown["status"], shown["size"], shown["stores"]) == ("active", size, "kms")
        assert shown["checksum"] == hashlib.md5(data).hexdigest()
        assert shown["os_hash_algo"] == "sha512"
        assert shown["os_hash_value"] == hashlib.sha512(data).hexdigest()
        answer = glance.call("GET", f"/v2/images/{image['id']}/file")
        assert (answer.status, answer.body) == (200, data)
        assert answer.headers["Content-Length"] == str(size)
        assert answer.headers["Content-MD5"] == hashlib.md5(data).hexdigest()

        found = stored.find(glance_service.directories.kms, image["id"])
        segments = 1 + (max(size, 1) - 1 + 40) // FULL
        assert found.body.stat().st_size == 40 + size + 16 * segments
        assert found.fields["plaintext_size"] == size

    @pytest.mark.parametrize(
        "piece", [1, 65_536, FIRST, 1 << 20, 3 << 20], ids="chunks of {}".format
    )
    def test_chunks_of_any_size(self, glance: Client, vault: Vault, piece: int) -> None:
        data = secrets.token_bytes(2000 if piece == 1 else 3 << 20)
        image = glance.create(cmkid=vault.make("demo"))
        glance.upload(image["id"], in_chunks(data, piece))
        assert glance.download(image["id"]) == data

    def test_virtual_size_is_that_of_the_plaintext(self, image: tuple[dict, bytes]) -> None:
        assert image[0]["virtual_size"] == SIZE

    def test_store_holds_ciphertext_only(self, glance, glance_service, vault) -> None:
        marker = secrets.token_bytes(24)
        image = glance.create(cmkid=vault.make("demo"), name="name-of-the-image")
        glance.upload(image["id"], marker * 100_000)
        found = stored.find(glance_service.directories.kms, image["id"])
        assert found.body.stat().st_size > len(marker) * 100_000
        for path in stored.names(glance_service.directories.root):
            assert not path.is_file() or marker not in path.read_bytes(), path
        assert image["id"] not in found.body.name

    def test_equal_images_look_different(self, glance, glance_service, vault) -> None:
        key = vault.make("demo")
        bodies = []
        for _ in range(2):
            image = glance.create(cmkid=key)
            glance.upload(image["id"], bytes(FIRST * 2))
            bodies.append(stored.find(glance_service.directories.kms, image["id"]).body)
        one, other = (body.read_bytes() for body in bodies)
        pairs = zip(one[41:], other[41:], strict=True)
        same = sum(first == second for first, second in pairs)
        assert same < len(one) / 128

    def test_named_store(self, glance, glance_service, vault) -> None:
        data = secrets.token_bytes(5000)
        image = glance.create(cmkid=vault.make("demo"))
        with stored.nothing_left(glance_service.directories.kms):
            glance.upload(image["id"], data, store="kms2")
        assert glance.show(image["id"])["stores"] == "kms2"
        assert stored.find(glance_service.directories.kms2, image["id"]).header.exists()
        assert glance.download(image["id"]) == data

    def test_second_upload_is_refused(self, glance, glance_service, image) -> None:
        shown, data = image
        with stored.nothing_left(glance_service.directories.kms), pytest.raises(ApiError) as caught:
            glance.upload(shown["id"], b"something else")
        assert caught.value.status == 409
        assert glance.download(shown["id"]) == data

    def test_several_images_at_once(self, glance: Client, vault: Vault) -> None:
        key = vault.make("demo")

        def round_trip(number: int) -> bool:
            data = secrets.token_bytes(FIRST + FULL + number)
            image = glance.create(cmkid=key)
            glance.upload(image["id"], in_chunks(data) if number % 2 else data)
            same = glance.download(image["id"]) == data
            glance.delete(image["id"])
            return same

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            assert list(pool.map(round_trip, range(12))) == [True] * 12

    def test_both_workers_read_it(self, glance, glance_service, image) -> None:
        shown, data = image
        assert len(glance_service.workers) == 2
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            read = list(pool.map(glance.download, [shown["id"]] * 8))
        assert read == [data] * 8


class TestRange:
    @pytest.mark.parametrize(
        ("asked", "first", "last"),
        [
            ("0-0", 0, 0),
            ("0-", 0, SIZE - 1),
            (f"{SIZE - 1}-", SIZE - 1, SIZE - 1),
            (f"{SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE - 1),
            ("-1", SIZE - 1, SIZE - 1),
            (f"-{SIZE - FIRST}", FIRST, SIZE - 1),
            (f"-{SIZE * 2}", 0, SIZE - 1),
            ("1-4096", 1, 4096),
            (f"{FIRST - 3}-{FIRST + 3}", FIRST - 3, FIRST + 3),
            (f"{FIRST - 1}-{FIRST - 1}", FIRST - 1, FIRST - 1),
            (f"{FIRST}-{FIRST}", FIRST, FIRST),
            (f"{FIRST}-{FIRST + FULL - 1}", FIRST, FIRST + FULL - 1),
            (f"{FIRST + FULL - 1}-{FIRST + FULL}", FIRST + FULL - 1, FIRST + FULL),
            (f"7-{SIZE - 8}", 7, SIZE - 8),
            (f"5-{SIZE}", 5, SIZE - 1),
            (f"{SIZE - 2}-{SIZE * 9}", SIZE - 2, SIZE - 1),
        ],
    )
    def test_part(self, glance: Client, image, asked: str, first: int, last: int) -> None:
        shown, data = image
        path = f"/v2/images/{shown['id']}/file"
        answer = glance.send("GET", path, headers={"Range": f"bytes={asked}"})
        assert (answer.status, answer.body) == (206, data[first : last + 1])
        assert answer.headers["Content-Length"] == str(last + 1 - first)
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"

    @pytest.mark.parametrize("asked", [f"{SIZE}-", f"{SIZE}-{SIZE + 1}", "9-5", "x"])
    def test_not_satisfiable(self, glance: Client, image, asked: str) -> None:
        path = f"/v2/images/{image[0]['id']}/file"
        assert glance.send("GET", path, headers={"Range": f"bytes={asked}"}).status == 416

    def test_of_an_empty_image(self, glance: Client, vault: Vault) -> None:
        image = glance.create(cmkid=vault.make("demo"))
        glance.upload(image["id"], b"")
        path = f"/v2/images/{image['id']}/file"
        assert glance.send("GET", path, headers={"Range": "bytes=0-0"}).status == 416

    def test_only_touched_segments_are_read(self, glance, glance_service, vault) -> None:
        data = secrets.token_bytes(SIZE)
        image = glance.create(cmkid=vault.make("demo"))
        glance.upload(image["id"], data)
        body = stored.find(glance_service.directories.kms, image["id"]).body
        stored.flip(body, 100)
        stored.flip(body, 2 << 20)
        assert glance.download(image["id"], FIRST, FIRST + 9) == data[FIRST : FIRST + 10]
        assert glance.download(image["id"], SIZE - 9) == data[-9:]


class TestDelete:
    def test_header_and_body_go(self, glance, glance_service, vault) -> None:
        with stored.nothing_left(glance_service.directories.kms):
            image = glance.create(cmkid=vault.make("demo"))
            glance.upload(image["id"], secrets.token_bytes(SIZE))
            assert stored.find(glance_service.directories.kms, image["id"]).body.exists()
            glance.delete(image["id"])
        for method, path in (("GET", "/file"), ("GET", ""), ("DELETE", "")):
            assert glance.send(method, f"/v2/images/{image['id']}{path}").status == 404

    def test_without_the_key(self, glance, glance_service, vault) -> None:
        with stored.nothing_left(glance_service.directories.kms):
            key = vault.make("demo")
            image = glance.create(cmkid=key)
            glance.upload(image["id"], b"data")
            vault.delete(key)
            glance.delete(image["id"])

    def test_key_manager_away(self, glance, glance_service, vault) -> None:
        with stored.nothing_left(glance_service.directories.kms):
            image = glance.create(cmkid=vault.make("demo"))
            glance.upload(image["id"], b"data")
            vault.away = True
            glance.delete(image["id"])

    def test_what_is_gone_already_does_not_matter(self, glance, glance_service, vault) -> None:
        with stored.nothing_left(glance_service.directories.kms):
            image = glance.create(cmkid=vault.make("demo"))
            glance.upload(image["id"], b"data")
            stored.find(glance_service.directories.kms, image["id"]).header.unlink()
            glance.delete(image["id"])
