# SPDX-License-Identifier: Apache-2.0
"""The encrypting store when bytes or disk fail: a clear answer, nothing left, and another try."""

import contextlib
import os
import resource
import secrets
from collections.abc import Iterator

import pytest

from tests.functional import stored
from tests.functional.client import Answer, Client
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService
from tests.functional.stored import FIRST, FULL

DATA = secrets.token_bytes(FIRST + 3 * FULL + 99)


@pytest.fixture
def image(glance: Client, vault: Vault) -> dict:
    """An image without data."""
    return glance.create(cmkid=vault.make("demo"))


def try_upload(client: Client, image_id: str, data: bytes, chunked: bool, **headers: str) -> Answer:
    """Send an upload to store ``kms2``; the answer, whatever it is."""
    return client.send(
        "PUT",
        f"/v2/images/{image_id}/file",
        body=iter([data]) if chunked else data,
        headers={
            "Content-Type": "application/octet-stream",
            "X-Image-Meta-Store": "kms2",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def upload_works(client: Client, image_id: str, data: bytes = DATA) -> None:
    """Upload to the image again, and read it; a stock store is not able to do that."""
    client.upload(image_id, data, store="kms2")
    assert client.wait(image_id)["size"] == len(data)
    assert client.download(image_id) == data


def assert_queued(client: Client, image_id: str) -> None:
    """The image is as it was before an upload."""
    shown = client.show(image_id)
    assert (shown["status"], shown["size"], shown["checksum"]) == ("queued", None, None)


class TestSizes:
    @pytest.mark.parametrize("chunked", [False, True])
    @pytest.mark.parametrize(
        "announced",
        [1, FIRST, FIRST + 2 * FULL, len(DATA) - 1, len(DATA) + 1, len(DATA) + FULL, 10**12],
    )
    def test_another_than_announced(
        self, glance, glance_service, image, announced, chunked
    ) -> None:
        with stored.nothing_left(glance_service.directories.kms2):
            answer = try_upload(
                glance, image["id"], DATA, chunked, X_OpenStack_Image_Size=str(announced)
            )
        assert answer.status == 400, answer
        assert str(announced) in answer.text
        assert_queued(glance, image["id"])
        upload_works(glance, image["id"])

    @pytest.mark.parametrize("announced", ["five", "1.5", "", "-7"])
    def test_no_size(self, glance, glance_service, image, announced) -> None:
        with stored.nothing_left(glance_service.directories.kms2):
            answer = try_upload(glance, image["id"], DATA, False, X_OpenStack_Image_Size=announced)
        assert answer.status == 400, answer
        assert_queued(glance, image["id"])
        upload_works(glance, image["id"])

    def test_something_announced_and_nothing_sent(self, glance, glance_service, image) -> None:
        with stored.nothing_left(glance_service.directories.kms2):
            answer = try_upload(glance, image["id"], b"", False, X_OpenStack_Image_Size="5")
        assert answer.status == 400, answer
        assert_queued(glance, image["id"])

    def test_greater_than_glance_allows(self, make_glance) -> None:
        service = make_glance({"DEFAULT": {"image_size_cap": FIRST + 5}})
        client = service.client()
        image = client.create(cmkid=service.vault.make("demo"))
        for chunked in (False, True):
            with stored.nothing_left(service.directories.kms2):
                assert try_upload(client, image["id"], DATA, chunked).status == 413
            assert_queued(client, image["id"])
        with stored.nothing_left(service.directories.kms2):
            answer = try_upload(client, image["id"], b"", False, X_OpenStack_Image_Size=str(10**12))
        assert answer.status == 413, answer
        assert f"an image has {FIRST + 5} bytes at most here" in answer.text
        assert_queued(client, image["id"])
        upload_works(client, image["id"], DATA[: FIRST + 5])


class TestFullDisk:
    """Known size or not: in the body, and where only the header does not fit any more."""

    @pytest.mark.parametrize("chunked", [False, True])
    @pytest.mark.parametrize(
        "disk", ["size=8k", "size=1m", "size=3m", "size=4m", "nr_inodes=1", "nr_inodes=2"]
    )
    def test_is_told_and_leaves_nothing(self, glance, glance_service, image, disk, chunked) -> None:
        directory = glance_service.directories.kms2
        # The body fills the disk of 4 MiB to the last byte.
        data = DATA[: FIRST + 3 * FULL]
        with stored.tiny_disk(directory, disk):
            answer = try_upload(glance, image["id"], data, chunked)
            assert list(directory.iterdir()) == []
            os.statvfs(directory)
        assert answer.status == 413, answer
        assert "full" in answer.text
        assert_queued(glance, image["id"])
        upload_works(glance, image["id"])

    def test_smaller_image_fits(self, glance, glance_service, image) -> None:
        with stored.tiny_disk(glance_service.directories.kms2, "size=3m"):
            assert try_upload(glance, image["id"], DATA, True).status == 413
            upload_works(glance, image["id"], DATA[: 2 * FULL])
            glance.delete(image["id"])

    @pytest.mark.parametrize("chunked", [False, True])
    def test_limit_of_file_size(self, glance, glance_service, image, chunked) -> None:
        with (
            stored.nothing_left(glance_service.directories.kms2),
            file_size_limit(glance_service, 2 << 20),
        ):
            answer = try_upload(glance, image["id"], DATA, chunked)
        assert answer.status == 413, answer
        assert_queued(glance, image["id"])
        upload_works(glance, image["id"])


class TestReadOnlyDisk:
    def test_upload(self, glance, glance_service, image) -> None:
        directory = glance_service.directories.kms2
        with stored.nothing_left(directory), stored.read_only(directory):
            answer = try_upload(glance, image["id"], DATA, False)
        assert answer.status == 503, answer
        assert_queued(glance, image["id"])
        upload_works(glance, image["id"])

    def test_reading_and_deleting(self, glance, glance_service, image) -> None:
        upload_works(glance, image["id"])
        directory = glance_service.directories.kms2
        with stored.nothing_left(directory), stored.read_only(directory):
            assert glance.download(image["id"]) == DATA
            assert 400 <= glance.send("DELETE", f"/v2/images/{image['id']}").status < 600
        assert glance.show(image["id"])["status"] == "active"
        assert glance.download(image["id"]) == DATA
        glance.delete(image["id"])

    def test_directory_is_gone(self, glance, glance_service, image) -> None:
        directory = glance_service.directories.kms2
        away = directory.with_name("away")
        directory.rename(away)
        try:
            answer = try_upload(glance, image["id"], DATA, False)
        finally:
            away.rename(directory)
        assert answer.status >= 500, answer
        assert_queued(glance, image["id"])
        upload_works(glance, image["id"])


@contextlib.contextmanager
def file_size_limit(service: GlanceService, size: int) -> Iterator[None]:
    """Let the workers write no file beyond *size*, their log aside."""
    limit = size + service.directories.log.stat().st_size
    unlimited = resource.RLIM_INFINITY
    for worker in service.workers:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (limit, unlimited))
    try:
        yield
    finally:
        for worker in service.workers:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (unlimited, unlimited))
