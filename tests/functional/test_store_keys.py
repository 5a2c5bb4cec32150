# SPDX-License-Identifier: Apache-2.0
"""The encrypting store when something is wrong with the key: at the door, and past it."""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.functional import stored
from tests.functional.client import Answer, ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.key_vault import Key, Vault
from tests.functional.service import GlanceService
from tests.functional.stored import FIRST, FULL

DATA = secrets.token_bytes(FIRST + FULL + 99)


class Trouble(NamedTuple):
    """Something wrong with a key, and the answers to an upload and to a download."""

    cause: Callable[[Vault, str], None]
    at_the_door: tuple[int, str]
    upload: tuple[int, str]
    download: tuple[int, str]


TROUBLES = {
    "key manager away": Trouble(
        lambda vault, _key: setattr(vault, "away", True),
        (503, "IMG.0014"),
        (503, "IMG.0014"),
        (503, "IMG.0014"),
    ),
    "closed to the service": Trouble(
        lambda vault, key: vault.change(key, service=False),
        (403, "IMG.0100"),
        (403, "IMG.0100"),
        (403, "IMG.0100"),
    ),
    "deleted": Trouble(
        lambda vault, key: vault.delete(key),
        (409, "IMG.0101"),
        (409, "IMG.0095"),
        (403, "IMG.0101"),
    ),
    "of 128 bits": Trouble(
        lambda vault, key: vault.change(key, secret="00" * 16),
        (400, "IMG.0097"),
        (400, "IMG.0097"),
        (403, "IMG.0097"),
    ),
    "no key at all": Trouble(
        lambda vault, key: vault.change(key, algorithm="opaque"),
        (400, "IMG.0097"),
        (400, "IMG.0097"),
        (403, "IMG.0097"),
    ),
}


@pytest.fixture(scope="module")
def unguarded_service(make_glance: MakeGlance) -> GlanceService:
    """A Glance whose pipeline is the stock one: the driver is alone."""
    paste = "{root}/etc/glance-api-paste.ini"
    return make_glance({"paste_deploy": {"flavor": "keystone", "config_file": paste}}, processes=2)


@pytest.fixture(params=[True, False], ids=["guarded", "unguarded"])
def guarded(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def service(
    guarded: bool, shared_glance_service: GlanceService, unguarded_service: GlanceService
) -> Iterator[GlanceService]:
    service = shared_glance_service if guarded else unguarded_service
    yield service
    service.vault.away = False


def upload(client: Client, image_id: str) -> Answer:
    headers = {"Content-Type": "application/octet-stream", "X-Image-Meta-Store": "kms"}
    return client.send("PUT", f"/v2/images/{image_id}/file", body=DATA, headers=headers)


def mend(vault: Vault, key: Key) -> None:
    """Make the key what it was."""
    vault.away = False
    vault.put(key)


@pytest.mark.parametrize("trouble", TROUBLES)
class TestTrouble:
    def test_upload(self, service: GlanceService, guarded: bool, trouble: str) -> None:
        client, vault = service.client(), service.vault
        key = vault.get(vault.make("demo"))
        image = client.create(cmkid=key.id)
        TROUBLES[trouble].cause(vault, key.id)
        with stored.nothing_left(service.directories.kms, service.directories.plain):
            answer = upload(client, image["id"])
        wanted = TROUBLES[trouble]
        status, code = wanted.at_the_door if guarded else wanted.upload
        assert (answer.status, code in answer.text) == (status, True), answer
        shown = client.show(image["id"])
        assert (shown["status"], shown["checksum"]) == ("queued", None)
        mend(vault, key)
        assert upload(client, image["id"]).status == 204
        assert client.download(image["id"]) == DATA

    def test_download(self, service: GlanceService, trouble: str) -> None:
        client, vault = service.client(), service.vault
        key = vault.get(vault.make("demo"))
        image = client.create(cmkid=key.id)
        assert upload(client, image["id"]).status == 204
        TROUBLES[trouble].cause(vault, key.id)
        status, code = TROUBLES[trouble].download
        for headers in ({}, {"Range": "bytes=5-9"}, {"Range": f"bytes={FIRST}-"}):
            answer = client.send("GET", f"/v2/images/{image['id']}/file", headers=headers)
            assert (answer.status, code in answer.text) == (status, True), answer
        mend(vault, key)
        assert client.download(image["id"]) == DATA


class TestDownload:
    def test_says_that_the_key_is_gone(self, glance, vault) -> None:
        key = vault.make("demo")
        image = glance.create(cmkid=key)
        glance.upload(image["id"], DATA)
        vault.delete(key)
        with pytest.raises(ApiError) as caught:
            glance.download(image["id"])
        assert caught.value.answer.json["message"].startswith(
            f"IMG.0101: Encryption key {key} of image {image['id']} no longer exists"
        )

    def test_key_with_other_bytes(self, glance, vault) -> None:
        key = vault.make("demo")
        image = glance.create(cmkid=key)
        glance.upload(image["id"], DATA)
        vault.change(key, secret="11" * 32)
        with pytest.raises(ApiError) as caught:
            glance.download(image["id"])
        assert caught.value.status == 500

    def test_reader_need_not_be_able_to_read_the_key(self, glance, other, vault) -> None:
        key = vault.make("demo")
        image = glance.create(cmkid=key, visibility="shared")
        glance.upload(image["id"], DATA)
        glance.share(image["id"], "other")
        vault.change(key, members=False)
        assert other.download(image["id"]) == DATA


class TestUpload:
    def test_key_of_another_project(self, glance, other, vault) -> None:
        with pytest.raises(ApiError) as caught:
            other.create(cmkid=vault.make("demo"))
        assert (caught.value.status, "IMG.0099" in str(caught.value)) == (403, True)

    def test_driver_alone_takes_no_image_without_a_key(self, unguarded_service) -> None:
        client = unguarded_service.client()
        image = client.create()
        with stored.nothing_left(unguarded_service.directories.kms):
            answer = upload(client, image["id"])
        assert (answer.status, "ims_guard" in answer.text) == (409, True), answer
        assert client.show(image["id"])["status"] == "queued"

    @pytest.mark.parametrize(
        "value", ["ims/default", "../../keys/x", "00000000-0000-4000-8000-000000000000"]
    )
    def test_driver_alone_with_a_key_that_is_none(self, unguarded_service, value) -> None:
        client = unguarded_service.client()
        image = client.create(cmkid=value)
        with stored.nothing_left(unguarded_service.directories.kms):
            answer = upload(client, image["id"])
        assert (answer.status, "IMG.0095" in answer.text) == (409, True), answer


@pytest.fixture(scope="module")
def caching_service(make_glance: MakeGlance) -> GlanceService:
    """A Glance that remembers keys; it has one worker, and so one cache."""
    return make_glance({"ims_kms": {"cache_seconds": 3600}})


class TestCache:
    def test_key_deleted_a_moment_ago(self, caching_service) -> None:
        """What is there can still be read for a while; nothing is written that nobody could read."""
        client, vault = caching_service.client(), caching_service.vault
        key = vault.make("demo")
        there, uploaded, imported = (client.create(cmkid=key) for _ in range(3))
        client.upload(imported["id"], DATA, stage=True)
        client.upload(there["id"], DATA)
        assert client.download(there["id"]) == DATA
        vault.delete(key)
        with stored.nothing_left(caching_service.directories.kms):
            for fill in (
                lambda: client.upload(uploaded["id"], DATA),
                lambda: client.import_(imported["id"]),
            ):
                with pytest.raises(ApiError) as caught:
                    fill()
                assert (caught.value.status, "IMG.0101" in str(caught.value)) == (409, True)
        assert client.download(there["id"]) == DATA
        statuses = [client.show(each["id"])["status"] for each in (uploaded, imported)]
        assert statuses == ["queued", "uploading"]

    def test_key_is_remembered(self, caching_service) -> None:
        client, vault = caching_service.client(), caching_service.vault
        image = client.create(cmkid=vault.make("demo"))
        client.upload(image["id"], DATA)
        assert client.download(image["id"]) == DATA
        vault.away = True
        try:
            assert client.download(image["id"]) == DATA
            assert client.download(image["id"], 5, 9) == DATA[5:10]
        finally:
            vault.away = False

    def test_key_is_remembered_no_longer_than_its_time(self, make_glance: MakeGlance) -> None:
        service = make_glance({"ims_kms": {"cache_seconds": 1}})
        client, vault = service.client(), service.vault
        image = client.create(cmkid=vault.make("demo"))
        client.upload(image["id"], DATA)
        assert client.download(image["id"]) == DATA
        vault.away = True
        time.sleep(1)
        with pytest.raises(ApiError) as caught:
            client.download(image["id"])
        assert caught.value.status == 503
        vault.away = False
        assert client.download(image["id"]) == DATA

    def test_many_reads_are_one_question(self, caching_service: GlanceService) -> None:
        client, vault = caching_service.client(), caching_service.vault
        image = client.create(cmkid=vault.make("demo"))
        client.upload(image["id"], DATA)
        asked = vault.questions
        for _ in range(5):
            client.download(image["id"], 5, 9)
        assert vault.questions - asked <= 1
