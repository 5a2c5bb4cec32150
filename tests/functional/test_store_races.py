# SPDX-License-Identifier: Apache-2.0
"""The encrypting store when several things happen to an image at once, or stop in the middle."""

import concurrent.futures
import contextlib
import secrets
import socket
import struct
import time
from pathlib import Path

import pytest

from tests.functional import stored
from tests.functional.client import ApiError, Client
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService
from tests.functional.slow_upload import SlowUpload, begin_by_hand
from tests.functional.stored import FIRST, FULL

DATA = secrets.token_bytes(FIRST + 2 * FULL + 99)


@pytest.fixture
def image(glance: Client, vault: Vault) -> dict:
    """An image without data."""
    return glance.create(cmkid=vault.make("demo"))


@pytest.fixture
def places(glance_service: GlanceService) -> tuple:
    """Where data may be."""
    where = glance_service.directories
    return where.kms, where.kms2, where.plain, where.staging


def upload_works(client: Client, image_id: str) -> None:
    """Upload to the image, and read it."""
    client.upload(image_id, DATA)
    assert client.wait(image_id)["size"] == len(DATA)
    assert client.download(image_id) == DATA


class TestSeveralUploads:
    def test_second_comes_while_the_first_goes_on(self, glance, glance_service, image) -> None:
        before = stored.names(glance_service.directories.kms)
        with SlowUpload(glance, image["id"], DATA[: 2 << 20]) as upload:
            with pytest.raises(ApiError) as caught:
                glance.upload(image["id"], b"the second one")
            assert caught.value.status == 409
            assert upload.finish(DATA[2 << 20 :]).status == 204
        assert glance.download(image["id"]) == DATA
        found = stored.find(glance_service.directories.kms, image["id"])
        after = stored.names(glance_service.directories.kms)
        assert after - before == {found.body, found.header}

    def test_all_begin_at_once(self, glance, vault, places) -> None:
        for _round in range(4):
            with stored.nothing_left(*places):
                image = glance.create(cmkid=vault.make("demo"))
                bodies = [secrets.token_bytes(FIRST + number) for number in range(5)]

                def upload(body: bytes, image_id: str = image["id"]) -> int:
                    path = f"/v2/images/{image_id}/file"
                    headers = {"Content-Type": "application/octet-stream"}
                    return glance.send("PUT", path, body=iter([body]), headers=headers).status

                with concurrent.futures.ThreadPoolExecutor(5) as pool:
                    statuses = list(pool.map(upload, bodies))
                assert statuses.count(204) == 1, statuses
                assert set(statuses) <= {204, 409, 410}
                assert glance.download(image["id"]) == bodies[statuses.index(204)]
                glance.delete(image["id"])

    def test_of_two_images(self, glance, vault, image) -> None:
        second = glance.create(cmkid=vault.make("demo"))
        with (
            SlowUpload(glance, image["id"], b"first of one, ") as one,
            SlowUpload(glance, second["id"], b"first of other, ") as other,
        ):
            assert (one.finish(b"rest of one").status, other.finish(b"rest").status) == (204, 204)
        assert glance.download(image["id"]) == b"first of one, rest of one"
        assert glance.download(second["id"]) == b"first of other, rest"


class TestDelete:
    def test_while_being_read(self, glance, vault, places) -> None:
        data = secrets.token_bytes(24 << 20)
        with stored.nothing_left(*places):
            image = glance.create(cmkid=vault.make("demo"))
            glance.upload(image["id"], data)
            answer = glance.open("GET", f"/v2/images/{image['id']}/file")
            beginning = answer.read(1 << 20)
            glance.delete(image["id"])
            assert beginning + answer.read() == data

    def test_while_being_uploaded(self, glance, places, image) -> None:
        before = stored.names(*places)
        with (
            stored.nothing_left(*places),
            SlowUpload(glance, image["id"], DATA[: 2 << 20]) as upload,
        ):
            glance.delete(image["id"])
            assert stored.names(*places) > before
            assert upload.finish(DATA[2 << 20 :]).status == 410
        assert glance.send("GET", f"/v2/images/{image['id']}").status == 404

    def test_queued_image(self, glance, places, image) -> None:
        with stored.nothing_left(*places):
            glance.delete(image["id"])

    def test_after_a_failed_upload(self, glance, places, image) -> None:
        with stored.nothing_left(*places):
            with pytest.raises(ApiError):
                glance.upload(image["id"], DATA, size=5)
            glance.delete(image["id"])

    def test_by_two_at_once(self, glance, vault, places) -> None:
        with stored.nothing_left(*places):
            image = glance.create(cmkid=vault.make("demo"))
            glance.upload(image["id"], DATA)
            path = f"/v2/images/{image['id']}"
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda _n: glance.send("DELETE", path).status, range(4)))
            assert 204 in answers
            # 400: Glance found it deleted in between ("status transition from deleted to deleted").
            assert set(answers) <= {204, 400, 404}


class TestClientGoesAway:
    @pytest.mark.parametrize("sent", [0, 1000, FIRST, 2 << 20], ids="after {} bytes".format)
    @pytest.mark.parametrize("how", ["closed", "reset"])
    def test_with_content_length(self, glance, places, image, sent, how) -> None:
        with stored.nothing_left(*places):
            connection = begin_by_hand(glance, image["id"], f"Content-Length: {len(DATA)}")
            connection.sendall(DATA[:sent])
            self._leave(glance, image["id"], connection, how)
        upload_works(glance, image["id"])

    @pytest.mark.parametrize("how", ["closed", "reset"])
    @pytest.mark.parametrize("end", [b"", b"4", b"400\r\nhalf of a chunk"])
    def test_between_and_within_chunks(self, glance, places, image, end, how) -> None:
        """The size is not known: what came must not pass for the whole image."""
        with stored.nothing_left(*places):
            connection = begin_by_hand(glance, image["id"], "Transfer-Encoding: chunked")
            half = DATA[: 2 << 20]
            connection.sendall(b"%x\r\n%s\r\n" % (len(half), half) + end)
            self._leave(glance, image["id"], connection, how)
        upload_works(glance, image["id"])

    def test_while_reading(self, glance, glance_service, vault) -> None:
        data = secrets.token_bytes(24 << 20)
        image = glance.create(cmkid=vault.make("demo"))
        glance.upload(image["id"], data)
        body = stored.find(glance_service.directories.kms, image["id"]).body
        for _ in range(3):
            answer = glance.open("GET", f"/v2/images/{image['id']}/file")
            answer.read(1000)
            answer.close()
        assert glance.download(image["id"]) == data
        end = time.monotonic() + 240
        while self._is_open(glance_service, body) and time.monotonic() < end:
            time.sleep(0.1)
        assert not self._is_open(glance_service, body)

    def _leave(self, client: Client, image_id: str, connection: socket.socket, how: str) -> None:
        client.wait(image_id, "saving")
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
        shown = client.wait(image_id, "queued")
        assert (shown["size"], shown["checksum"], shown["os_hash_value"]) == (None, None, None)

    def _is_open(self, service: GlanceService, path: Path) -> bool:
        opened = set()
        for worker in service.workers:
            for descriptor in Path(f"/proc/{worker}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    opened.add(descriptor.readlink())
        return path in opened
