# SPDX-License-Identifier: Apache-2.0
"""The guard in a real Glance: which store the data of an image goes to."""

import hashlib
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ims_glance.model.copy import EXPECTED_HEADER, RECEIVED_HEADER, Digest
from tests.base import checksum
from tests.functional import identity
from tests.functional.client import Answer, ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.key_vault import Vault
from tests.functional.refusals import CMK_ID, DATA, by_glance, default_keys, refused

STORE_KEY = "__store_key"
AS_SERVICE = {"X-Service-Roles": "ims_service"}


def _sent(
    client: Client, image_id: str, body: bytes | Iterator[bytes], headers: dict[str, str]
) -> Answer:
    """The answer to an upload."""
    headers = {"Content-Type": "application/octet-stream", **headers}
    return client.send("PUT", f"/v2/images/{image_id}/file", body=body, headers=headers)


@pytest.fixture
def staged(glance: Client) -> dict:
    """An image without a key whose data waits to be imported."""
    image = glance.create()
    glance.upload(image["id"], DATA, stage=True)
    return image


@pytest.fixture
def staged_with_key(glance: Client, key: str) -> dict:
    image = glance.create(cmkid=key)
    glance.upload(image["id"], DATA, stage=True)
    return image


class TestUpload:
    def test_image_with_key_goes_to_the_chosen_store(self, glance, glance_service, key) -> None:
        image = glance.create(cmkid=key)
        glance.upload(image["id"], DATA)
        image = glance.show(image["id"])
        assert (image["status"], image["stores"]) == ("active", "kms")
        assert glance.download(image["id"]) == DATA
        assert not (glance_service.directories.plain / image["id"]).exists()

    def test_image_with_key_goes_to_a_named_encrypting_store(self, glance, key) -> None:
        image = glance.create(cmkid=key)
        glance.upload(image["id"], DATA, store="kms2")
        assert glance.show(image["id"])["stores"] == "kms2"

    @pytest.mark.parametrize("store", ["plain", "os_glance_staging_store", "nonsense", "", "KMS"])
    def test_image_with_key_goes_nowhere_else(self, glance, glance_service, key, store) -> None:
        image = glance.create(cmkid=key)
        with refused(409, "IMG.0035"):
            glance.upload(image["id"], DATA, store=store)
        assert glance.show(image["id"])["status"] == "queued"
        assert not (glance_service.directories.plain / image["id"]).exists()

    def test_refusal_of_a_large_upload_reaches_the_client(self, glance, key) -> None:
        image = glance.create(cmkid=key)
        with refused(409, "IMG.0035"):
            glance.upload(image["id"], bytes(64 << 20), store="plain")

    def test_image_without_key_stays_plain(self, glance, glance_service) -> None:
        image = glance.create()
        glance.upload(image["id"], DATA)
        image = glance.show(image["id"])
        assert image["stores"] == "plain"
        assert CMK_ID not in image
        assert (glance_service.directories.plain / image["id"]).read_bytes() == DATA

    def test_encrypting_store_gives_the_default_key(self, glance, vault) -> None:
        image = glance.create()
        glance.upload(image["id"], DATA, store="kms2")
        image = glance.show(image["id"])
        assert image["stores"] == "kms2"
        assert [image[CMK_ID]] == default_keys(vault, "demo")
        assert glance.download(image["id"]) == DATA

    def test_unknown_store(self, glance: Client) -> None:
        image = glance.create()
        with by_glance(400):
            glance.upload(image["id"], DATA, store="nonsense")

    def test_chunked(self, glance: Client, key: str) -> None:
        image = glance.create(cmkid=key)
        glance.upload(image["id"], iter([DATA, b"more"]))
        assert glance.download(image["id"]) == DATA + b"more"

    def test_the_worker_is_told_what_arrived(self, glance: Client, key: str) -> None:
        told = checksum(DATA)
        for attributes in ({}, {"cmkid": key}):
            answer = _sent(glance, glance.create(**attributes)["id"], DATA, AS_SERVICE)
            assert (answer.status, answer.headers.get(RECEIVED_HEADER)) == (204, told)

    def test_others_see_no_difference(self, glance: Client) -> None:
        for body, headers in ((DATA, {}), (iter([DATA]), AS_SERVICE)):
            answer = _sent(glance, glance.create()["id"], body, headers)
            assert (answer.status, RECEIVED_HEADER in answer.headers) == (204, False)

    def test_nothing_is_told_of_what_was_refused(self, glance: Client) -> None:
        image_id = glance.create()["id"]
        glance.upload(image_id, DATA)
        answer = _sent(glance, image_id, DATA, AS_SERVICE)
        assert (answer.status, RECEIVED_HEADER in answer.headers) == (409, False)

    def test_what_the_worker_does_not_expect_is_not_stored(self, glance: Client, key: str) -> None:
        image_id = glance.create(cmkid=key)["id"]
        wrong = Digest(len(DATA), "0" * 32).to_text()
        headers = {**AS_SERVICE, EXPECTED_HEADER: wrong}
        answer = _sent(glance, image_id, DATA, headers)
        assert answer.status == 400
        # Where our worker looks for a code.
        assert answer.json["message"].startswith("IMG.0057: What arrived is not")
        assert glance.show(image_id)["status"] == "queued"
        # Who is no worker has nothing to expect, and what it says is not looked at.
        other = glance.create(cmkid=key)["id"]
        assert _sent(glance, other, DATA, {EXPECTED_HEADER: wrong}).status == 204
        right = Digest(len(DATA), hashlib.md5(DATA).hexdigest()).to_text()
        assert _sent(glance, image_id, DATA, {**AS_SERVICE, EXPECTED_HEADER: right}).status == 204
        assert glance.download(image_id) == DATA

    def test_key_gone(self, glance: Client, vault: Vault, key: str) -> None:
        image = glance.create(cmkid=key)
        vault.delete(key)
        with refused(409, "IMG.0101"):
            glance.upload(image["id"], DATA)
        assert glance.show(image["id"])["status"] == "queued"

    def test_key_closed_to_the_service(self, glance: Client, vault: Vault, key: str) -> None:
        image = glance.create(cmkid=key)
        vault.change(key, service=False)
        with refused(403, "IMG.0100"):
            glance.upload(image["id"], DATA)
        vault.change(key, service=True)
        glance.upload(image["id"], DATA)
        assert glance.download(image["id"]) == DATA

    def test_uploader_need_not_be_able_to_read_the_key(self, glance, vault, key) -> None:
        image = glance.create(cmkid=key)
        vault.change(key, members=False)
        glance.upload(image["id"], DATA)
        assert glance.download(image["id"]) == DATA

    @pytest.mark.parametrize("with_key", [False, True])
    def test_key_manager_away(self, glance, vault, key, with_key) -> None:
        image = glance.create(cmkid=key) if with_key else glance.create()
        vault.away = True
        with refused(503, "IMG.0014"):
            glance.upload(image["id"], DATA, store="kms")
        vault.away = False
        image = glance.show(image["id"])
        assert (image["status"], CMK_ID in image) == ("queued", with_key)
        glance.upload(image["id"], DATA, store="kms")
        assert glance.download(image["id"]) == DATA

    def test_default_key_of_another_project(self, glance, admin, vault) -> None:
        image = glance.as_(identity.Caller("owner")).create()
        with refused(403, "IMG.0099"):
            admin.upload(image["id"], DATA, store="kms")
        assert CMK_ID not in admin.show(image["id"])
        assert vault.keys("owner") == []

    def test_visible_image_of_another_project_gets_no_key(self, glance, other, vault) -> None:
        image = glance.create(visibility="community")
        before = vault.keys("other")
        with by_glance(403):
            other.upload(image["id"], DATA, store="kms")
        assert CMK_ID not in glance.show(image["id"])
        assert vault.keys("other") == before

    @pytest.mark.parametrize("with_key", [False, True])
    def test_second_upload(self, glance, vault, key, with_key) -> None:
        image = glance.create(cmkid=key) if with_key else glance.create()
        glance.upload(image["id"], DATA)
        vault.away = True
        with by_glance(409):
            glance.upload(image["id"], b"other", store="kms")
        vault.away = False
        assert glance.download(image["id"]) == DATA
        assert (CMK_ID in glance.show(image["id"])) == with_key

    def test_unknown_or_hidden_image(self, glance: Client, other: Client, key: str) -> None:
        image = glance.create(cmkid=key, visibility="private")
        for image_id in (image["id"], str(uuid.uuid4())):
            with by_glance(404):
                other.upload(image_id, DATA, store="kms")

    def test_body_is_not_read_by_the_guard(self, glance: Client, key: str) -> None:
        # Content type is Glance's to refuse, and it does so before it reads.
        image = glance.create(cmkid=key)
        with by_glance(415):
            glance.call(
                "PUT",
                f"/v2/images/{image['id']}/file",
                body=DATA,
                headers={"Content-Type": "text/plain"},
            )

    def test_what_glance_refuses_leaves_no_key_in_sight(self, glance: Client) -> None:
        image = glance.create()["id"]
        with by_glance(415):
            glance.call(
                "PUT",
                f"/v2/images/{image}/file",
                body=DATA,
                headers={"Content-Type": "text/plain", "X-Image-Meta-Store": "kms"},
            )
        assert CMK_ID not in glance.show(image)
        glance.upload(image, DATA, store="kms")
        assert CMK_ID in glance.show(image)


class TestImport:
    def test_image_with_key_goes_to_the_chosen_store(self, glance, staged_with_key) -> None:
        glance.import_(staged_with_key["id"])
        image = glance.wait(staged_with_key["id"])
        assert image["stores"] == "kms"
        assert glance.download(image["id"]) == DATA

    @pytest.mark.parametrize("naming", [{"stores": ["kms2"]}, {"store": "kms2"}])
    def test_image_with_key_to_a_named_store(self, glance, staged_with_key, naming) -> None:
        glance.import_(staged_with_key["id"], **naming)
        assert glance.wait(staged_with_key["id"])["stores"] == "kms2"

    def test_image_with_key_to_two_stores(self, glance, staged_with_key) -> None:
        glance.import_(staged_with_key["id"], stores=["kms", "kms2"])
        image = glance.wait(staged_with_key["id"])
        assert set(image["stores"].split(",")) == {"kms", "kms2"}
        assert glance.download(image["id"]) == DATA

    @pytest.mark.parametrize(
        "naming",
        [
            {"stores": ["plain"]},
            {"stores": ["kms", "plain"]},
            {"stores": {"plain": 1}},
            {"stores": "plain"},
            {"store": "plain"},
            {"all_stores": True},
            {"all_stores": True, "all_stores_must_succeed": False},
            {"stores": ["kms", "plain"], "all_stores_must_succeed": False},
        ],
    )
    def test_image_with_key_goes_nowhere_else(self, glance, staged_with_key, naming) -> None:
        with refused(409, "IMG.0035"):
            glance.import_(staged_with_key["id"], **naming)
        assert glance.show(staged_with_key["id"])["status"] == "uploading"

    def test_refusal_names_the_stores_that_encrypt(self, glance, staged_with_key) -> None:
        with pytest.raises(ApiError, match="kms, kms2"):
            glance.import_(staged_with_key["id"], all_stores=True)

    def test_image_without_key_stays_plain(self, glance, staged) -> None:
        glance.import_(staged["id"])
        image = glance.wait(staged["id"])
        assert (image["stores"], CMK_ID in image) == ("plain", False)

    @pytest.mark.parametrize("naming", [{"stores": ["kms", "kms2"]}, {"store": "kms2"}])
    def test_encrypting_stores_give_the_default_key(self, glance, vault, staged, naming) -> None:
        glance.import_(staged["id"], **naming)
        image = glance.wait(staged["id"])
        assert [image[CMK_ID]] == default_keys(vault, "demo")
        assert glance.download(image["id"]) == DATA

    @pytest.mark.parametrize("naming", [{"stores": ["plain", "kms"]}, {"all_stores": True}])
    def test_to_both_kinds_of_store(self, glance, admin, vault, staged, naming) -> None:
        """Encrypted where the store encrypts; not shown as encrypted until it is everywhere."""
        glance.import_(staged["id"], **naming)
        image = glance.wait(staged["id"])
        assert CMK_ID not in image
        assert [image[STORE_KEY]] == default_keys(vault, "demo")
        assert {"plain", "kms"} <= set(image["stores"].split(","))
        assert glance.download(image["id"]) == DATA
        admin.call("DELETE", f"/v2/stores/plain/{image['id']}")
        image = glance.show(image["id"])
        assert image[CMK_ID] == image[STORE_KEY]
        assert glance.download(image["id"]) == DATA

    def test_a_copy_that_the_store_did_not_encrypt_ends_that(
        self, glance, admin, vault, staged
    ) -> None:
        glance.import_(staged["id"], stores=["kms"])
        assert [glance.wait(staged["id"])[CMK_ID]] == default_keys(vault, "demo")
        admin.import_(staged["id"], "copy-image", stores=["plain"])
        image = glance.wait(staged["id"])
        assert CMK_ID not in image
        # It is shared as any image that is not encrypted.
        glance.share(image["id"], "other")

    def test_key_gone(self, glance, vault, key, staged_with_key) -> None:
        vault.delete(key)
        with refused(409, "IMG.0101"):
            glance.import_(staged_with_key["id"])
        assert glance.show(staged_with_key["id"])["status"] == "uploading"

    def test_key_manager_away(self, glance, vault, staged_with_key, staged) -> None:
        vault.away = True
        for image in (staged_with_key, staged):
            with refused(503, "IMG.0014"):
                glance.import_(image["id"], stores=["kms"])
            assert glance.show(image["id"])["status"] == "uploading"
        assert CMK_ID not in glance.show(staged["id"])

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"method": {"name": "nonsense"}}, 400),
            ({"method": {}}, 400),
            ({"stores": ["plain"]}, 400),
            ({"method": {"name": "glance-direct"}, "all_stores": 1}, 400),
            ({"method": {"name": "glance-direct"}, "all_stores": True, "stores": ["kms"]}, 400),
            ({"method": {"name": "glance-direct"}, "stores": ["nonsense"]}, 409),
        ],
    )
    def test_malformed(self, glance, staged, body, status) -> None:
        with by_glance(status):
            glance.call("POST", f"/v2/images/{staged['id']}/import", json_body=body)

    def test_of_another_project(self, glance, other, vault) -> None:
        image = glance.create(visibility="community")
        glance.upload(image["id"], DATA, stage=True)
        with by_glance(403):
            other.import_(image["id"], stores=["kms"])
        assert CMK_ID not in glance.show(image["id"])

    def test_active_image(self, glance: Client, key: str) -> None:
        image = glance.create(cmkid=key)
        glance.upload(image["id"], DATA)
        with by_glance(409):
            glance.import_(image["id"])


@pytest.fixture(scope="module")
def web_port() -> Iterator[int]:
    """Port of a web server that has DATA."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA)

        def log_message(self, *_arguments: object) -> None:
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def downloading(
    make_glance: MakeGlance, web_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """A Glance that may fetch from that server, and where every member may copy images."""
    policy = tmp_path_factory.mktemp("policy") / "policy.yaml"
    policy.write_text('"copy_image": "role:member"\n')
    options = {
        "import_filtering_opts": {
            "allowed_ports": f"[{web_port}]",
            "allowed_hosts": "[127.0.0.1]",
        },
        "oslo_policy": {"policy_file": policy},
    }
    with make_glance(options) as service:
        yield service.client()


class TestWebDownload:
    @pytest.fixture
    def url(self, web_port: int) -> str:
        return f"http://127.0.0.1:{web_port}/image"

    @pytest.mark.parametrize("body", [{}, {"stores": ["kms2"]}])
    def test_image_with_key(self, downloading: Client, url: str, body: dict) -> None:
        image = downloading.create(cmkid="ims/default")
        downloading.import_(image["id"], "web-download", method_options={"uri": url}, **body)
        image = downloading.wait(image["id"])
        assert image["stores"] == body.get("stores", ["kms"])[0]
        assert downloading.download(image["id"]) == DATA

    def test_image_without_key(self, downloading: Client, url: str) -> None:
        image = downloading.create()
        options = {"uri": url}
        downloading.import_(image["id"], "web-download", method_options=options, store="kms")
        assert downloading.wait(image["id"])[CMK_ID]


class TestCopy:
    @pytest.fixture
    def image(self, glance: Client, key: str) -> dict:
        image = glance.create(cmkid=key)
        glance.upload(image["id"], DATA)
        return image

    @pytest.fixture
    def plain_image(self, glance: Client) -> dict:
        image = glance.create()
        glance.upload(image["id"], DATA)
        return image

    def test_to_an_encrypting_store(self, glance, admin, image) -> None:
        admin.import_(image["id"], "copy-image", stores=["kms2"])
        copied = glance.wait(image["id"])
        assert set(copied["stores"].split(",")) == {"kms", "kms2"}
        assert glance.download(image["id"]) == DATA

    @pytest.mark.parametrize("naming", [{"stores": ["plain"]}, {"all_stores": True}])
    def test_not_to_a_plain_one(self, glance, admin, glance_service, image, naming) -> None:
        with refused(409, "IMG.0035"):
            admin.import_(image["id"], "copy-image", **naming)
        assert glance.show(image["id"])["stores"] == "kms"
        assert not (glance_service.directories.plain / image["id"]).exists()

    def test_no_store_named(self, admin: Client, image: dict) -> None:
        # Not Glance's default store, which is plain, but the chosen one, where it is already.
        with by_glance(400):
            admin.import_(image["id"], "copy-image")

    @pytest.mark.parametrize("naming", [{"stores": ["kms"]}, {"all_stores": True}])
    def test_plain_data(self, glance, admin, vault, plain_image, naming) -> None:
        """The copy is under a key of whoever wants it: an administrator's token makes no others."""
        admin.import_(plain_image["id"], "copy-image", **naming)
        image = glance.wait(plain_image["id"])
        assert CMK_ID not in image
        assert [image[STORE_KEY]] == default_keys(vault, "admin")
        admin.call("DELETE", f"/v2/stores/plain/{image['id']}")
        assert glance.show(image["id"])[CMK_ID] == image[STORE_KEY]
        assert glance.download(image["id"]) == DATA

    @pytest.mark.parametrize(("first", "second"), [("kms", "plain"), ("plain", "kms")])
    def test_by_whom_the_policy_lets(self, downloading: Client, first: str, second: str) -> None:
        """They need not be one who may change the image: that it is mixed then, is seen."""
        image = downloading.create(visibility="community")["id"]
        downloading.upload(image, DATA, store=first)
        downloading.as_(identity.OTHER).import_(image, "copy-image", stores=[second])
        copied = downloading.wait(image)
        assert set(copied["stores"].split(",")) == {"plain", "kms"}
        assert CMK_ID not in copied
        assert copied[STORE_KEY]

    def test_key_gone(self, admin, vault, key, image) -> None:
        vault.delete(key)
        with refused(409, "IMG.0101"):
            admin.import_(image["id"], "copy-image", stores=["kms2"])

    def test_by_a_member(self, glance: Client, image: dict) -> None:
        with by_glance(403):
            glance.import_(image["id"], "copy-image", stores=["kms2"])

    def test_of_an_image_without_data(self, glance, admin, vault, key) -> None:
        image = glance.create(cmkid=key)
        vault.delete(key)
        with by_glance(409):
            admin.import_(image["id"], "copy-image", stores=["kms2"])

    def test_deactivated(self, glance, admin, vault, key, image) -> None:
        admin.deactivate(image["id"])
        vault.away = True
        with by_glance(409):
            admin.import_(image["id"], "copy-image", stores=["kms2"])
