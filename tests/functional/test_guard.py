# SPDX-License-Identifier: Apache-2.0
"""The guard in a real Glance: who gets which key, and which data goes where."""

import contextlib
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.functional import identity
from tests.functional.client import PATCH_TYPE_20, ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService

DATA = b"an image" * 1000
CMK_ID = "__system__cmkid"
PNG = "\N{SNOWMAN}"


@contextlib.contextmanager
def refused(status: int, code: str = "IMG.") -> Iterator[None]:
    """The block is answered with *status*, by ims_glance if *code* is not empty."""
    with pytest.raises(ApiError) as caught:
        yield
    answer = caught.value.answer
    assert (status, code in answer.text) == (answer.status, True), answer
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    assert bool(code) == ("IMG." in answer.text)


def by_glance(status: int) -> contextlib.AbstractContextManager[None]:
    """The block is answered with *status*, by Glance."""
    return refused(status, "")


@pytest.fixture
def key(vault: Vault) -> str:
    """A key of project ``demo``."""
    return vault.make("demo")


def default_keys(vault: Vault, project: str) -> list[str]:
    return [key.id for key in vault.keys(project) if key.name == "ims/default"]


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


class TestCreate:
    def test_key_by_id(self, glance: Client, key: str) -> None:
        assert glance.create(cmkid=key)[CMK_ID] == key

    @pytest.mark.parametrize(
        "form",
        [
            "{KEY}",
            "https://kms.example.org:9311/v1/secrets/{key}",
            "http://kms.example.org/key-manager/v1/secrets/{key}/",
        ],
    )
    def test_other_forms_of_the_id_are_replaced(self, glance, key, form) -> None:
        image = glance.create(cmkid=form.format(key=key, KEY=key.upper()), name=PNG)
        assert (image[CMK_ID], image["name"]) == (key, PNG)

    def test_word_for_the_default_key(self, glance: Client, vault: Vault) -> None:
        images = [glance.create(cmkid="ims/default") for _ in range(2)]
        (default,) = default_keys(vault, "demo")
        assert [image[CMK_ID] for image in images] == [default, default]

    @pytest.mark.parametrize(
        "value", ["", " ", "default", "a" * 32 + "-", "../" + "a" * 32, "http://x/secrets/", "\0"]
    )
    def test_no_key_id(self, glance: Client, value: str) -> None:
        with refused(400, "IMG.0016"):
            glance.create(cmkid=value)

    @pytest.mark.parametrize("value", [None, 5, ["ims/default"]])
    def test_no_string(self, glance: Client, value: object) -> None:
        with by_glance(400):
            glance.create(cmkid=value)

    def test_missing_key(self, glance: Client) -> None:
        with refused(400, "IMG.0095"):
            glance.create(cmkid=str(uuid.uuid4()))

    def test_key_of_another_project(self, other: Client, key: str) -> None:
        with refused(403, "IMG.0099"):
            other.create(cmkid=key)

    @pytest.mark.parametrize("kind", [{"bits": 128}, {"algorithm": "opaque"}])
    def test_unfit_key(self, glance: Client, vault: Vault, kind: dict) -> None:
        with refused(400, "IMG.0097"):
            glance.create(cmkid=vault.make("demo", **kind))

    def test_key_closed_to_the_service(self, glance: Client, vault: Vault, key: str) -> None:
        vault.change(key, service=False)
        with refused(403, "IMG.0100"):
            glance.create(cmkid=key)

    @pytest.mark.parametrize("value", ["ims/default", str(uuid.uuid4())])
    def test_key_manager_away(self, glance: Client, vault: Vault, value: str) -> None:
        vault.away = True
        with refused(503, "IMG.0014"):
            glance.create(cmkid=value)

    def test_nothing_is_asked_of_the_key_manager_without_a_key(self, glance, vault) -> None:
        vault.away = True
        image = glance.create()
        glance.upload(image["id"], DATA)
        assert CMK_ID not in glance.wait(image["id"])

    def test_without_permission_no_key_is_made(self, glance: Client, vault: Vault) -> None:
        reader = glance.as_(identity.Caller("readers", ("reader",)))
        with by_glance(403):
            reader.create(cmkid="ims/default")
        assert vault.keys("readers") == []

    def test_default_key_of_another_project(self, admin: Client, vault: Vault) -> None:
        with refused(403, "IMG.0099"):
            admin.create(cmkid="ims/default", owner="someone")
        assert vault.keys("someone") == []

    @pytest.mark.parametrize("body", [b"", b"{", b'"x"', b"\xff", b"5"])
    def test_malformed_body(self, glance: Client, body: bytes) -> None:
        with by_glance(400):
            glance.call("POST", "/v2/images", body=body)

    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("application/json", "application/json"),
            ("text/html", "text/html"),
            ("text/plain", "text/plain"),
        ],
    )
    def test_answer_in_the_form_of_glance(self, glance: Client, accept: str, kind: str) -> None:
        headers = {"Accept": accept}
        ours, glances = (
            glance.send("POST", "/v2/images", json_body=body, headers=headers)
            for body in ({CMK_ID: "<b>"}, {"name": 1})
        )
        assert (ours.status, glances.status) == (400, 400)
        assert ours.headers["Content-Type"] == glances.headers["Content-Type"]
        assert ours.headers["Content-Type"].startswith(kind)
        if kind == "application/json":
            assert ours.json.keys() == glances.json.keys()
            assert ours.json["message"].startswith("IMG.0016: ")
        if kind == "text/html":
            assert "<b>" not in ours.text

    def test_no_token(self, glance: Client) -> None:
        answer = glance.send(
            "POST", "/v2/images", json_body={CMK_ID: "x"}, headers={"X-Auth-Token": "none"}
        )
        assert answer.status == 401


class TestPatch:
    @pytest.fixture
    def image(self, glance: Client, key: str) -> dict:
        return glance.create(cmkid=key)

    @pytest.mark.parametrize(
        "change",
        [
            {"op": "replace", "value": str(uuid.uuid4())},
            {"op": "add", "value": "ims/default"},
            {"op": "add", "value": ""},
            {"op": "replace", "value": None},
            {"op": "remove"},
        ],
    )
    @pytest.mark.parametrize("path", [f"/{CMK_ID}", f"//{CMK_ID}", f"/ {CMK_ID}\t"])
    @pytest.mark.parametrize("caller", [identity.DEMO, identity.ADMIN])
    def test_key_stays(self, glance, image, key, change, path, caller) -> None:
        with refused(409, "IMG.0035"):
            glance.as_(caller).patch(image["id"], {**change, "path": path})
        assert glance.show(image["id"])[CMK_ID] == key

    def test_key_stays_in_the_older_format(self, glance, image, key) -> None:
        for change in ({"replace": f"/{CMK_ID}", "value": "x"}, {"remove": f"/{CMK_ID}"}):
            with refused(409, "IMG.0035"):
                glance.patch(image["id"], change, content_type=PATCH_TYPE_20)
        assert glance.show(image["id"])[CMK_ID] == key

    def test_key_stays_among_other_changes(self, glance, image) -> None:
        with refused(409, "IMG.0035"):
            glance.patch(
                image["id"],
                {"op": "replace", "path": "/name", "value": "new"},
                {"op": "remove", "path": f"/{CMK_ID}"},
            )
        assert glance.show(image["id"])["name"] == "test"

    def test_no_key_can_be_given_later(self, glance: Client, key: str) -> None:
        image = glance.create()
        with refused(409, "IMG.0035"):
            glance.patch(image["id"], {"op": "add", "path": f"/{CMK_ID}", "value": key})
        assert CMK_ID not in glance.show(image["id"])

    @pytest.mark.parametrize("operation", ["add", "replace"])
    def test_the_same_key_is_harmless(self, glance, image, key, operation) -> None:
        changed = glance.patch(
            image["id"],
            {"op": operation, "path": f"/{CMK_ID}", "value": key},
            {"op": "replace", "path": "/name", "value": "new"},
        )
        assert (changed["name"], changed[CMK_ID]) == ("new", key)

    def test_other_changes_pass(self, glance: Client, image: dict) -> None:
        changed = glance.patch(
            image["id"],
            {"op": "add", "path": "/a~1b~0c", "value": "1"},
            {"op": "replace", "path": "/tags", "value": ["t"]},
        )
        assert (changed["a/b~c"], changed["tags"]) == ("1", ["t"])

    def test_an_image_cannot_be_written_over_another(self, glance, image, key) -> None:
        attacker = glance.create()
        for change in (
            {"op": "replace", "path": "/image_id", "value": image["id"]},
            {"op": "add", "path": "/image_id", "value": image["id"]},
        ):
            with refused(403, "IMG.0026"):
                glance.patch(attacker["id"], change)
        assert glance.show(image["id"])[CMK_ID] == key

    def test_of_another_project(self, glance: Client, other: Client, key: str) -> None:
        image = glance.create(cmkid=key, visibility="private")
        with by_glance(404):
            other.patch(image["id"], {"op": "remove", "path": f"/{CMK_ID}"})

    def test_unknown_image(self, glance: Client) -> None:
        for path in (CMK_ID, "image_id"):
            with by_glance(404):
                glance.patch(str(uuid.uuid4()), {"op": "replace", "path": f"/{path}", "value": "x"})

    @pytest.mark.parametrize(
        ("content_type", "status"), [("application/json", 415), ("text/plain", 415)]
    )
    def test_no_patch(self, glance, image, content_type, status) -> None:
        with by_glance(status):
            glance.patch(
                image["id"], {"op": "remove", "path": f"/{CMK_ID}"}, content_type=content_type
            )

    @pytest.mark.parametrize("body", [b"{}", b"[1]", b"[{}]", b"x", b'[{"op":"add","path":"x"}]'])
    def test_malformed(self, glance: Client, image: dict, body: bytes) -> None:
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        with by_glance(400):
            glance.call("PATCH", f"/v2/images/{image['id']}", body=body, headers=headers)


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
    def test_not_to_both_kinds_of_store(self, glance, staged, naming) -> None:
        with refused(409, "IMG.0035"):
            glance.import_(staged["id"], **naming)
        assert CMK_ID not in glance.show(staged["id"])

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


class TestWebDownload:
    @pytest.fixture(scope="class")
    def url(self) -> Iterator[str]:
        """A web server with DATA."""

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
        yield f"http://127.0.0.1:{server.server_port}/image"
        server.shutdown()
        server.server_close()

    @pytest.fixture(scope="class")
    def client(self, make_glance: MakeGlance, url: str) -> Client:
        port = url.split(":")[2].split("/")[0]
        filters = {"allowed_ports": f"[{port}]", "allowed_hosts": "[127.0.0.1]"}
        return make_glance({"import_filtering_opts": filters}).client()

    @pytest.mark.parametrize("body", [{}, {"stores": ["kms2"]}])
    def test_image_with_key(self, client: Client, url: str, body: dict) -> None:
        image = client.create(cmkid="ims/default")
        client.import_(image["id"], "web-download", method_options={"uri": url}, **body)
        image = client.wait(image["id"])
        assert image["stores"] == body.get("stores", ["kms"])[0]
        assert client.download(image["id"]) == DATA

    def test_image_without_key(self, client: Client, url: str) -> None:
        image = client.create()
        options = {"uri": url}
        client.import_(image["id"], "web-download", method_options=options, store="kms")
        assert client.wait(image["id"])[CMK_ID]


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
    def test_plain_data(self, glance, admin, plain_image, naming) -> None:
        with refused(409, "IMG.0035"):
            admin.import_(plain_image["id"], "copy-image", **naming)
        image = glance.show(plain_image["id"])
        assert (image["stores"], CMK_ID in image) == ("plain", False)

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


class TestLocations:
    @pytest.fixture(scope="class")
    def service(self, make_glance: MakeGlance) -> GlanceService:
        """A Glance that shows locations and lets members change them."""
        return make_glance(
            {
                "DEFAULT": {
                    "show_multiple_locations": True,
                    "enabled_backends": "plain:file, kms:ims-kms, web:http",
                },
                "import_filtering_opts": {
                    "allowed_ports": "[1]",
                    "allowed_hosts": "[127.0.0.1]",
                },
            }
        )

    @pytest.fixture
    def client(self, service: GlanceService) -> Client:
        return service.client()

    @pytest.fixture
    def image(self, client: Client) -> dict:
        image = client.create(cmkid="ims/default")
        client.upload(image["id"], DATA)
        return client.show(image["id"])

    @pytest.mark.parametrize("scheme", ["ims-kms", "IMS-KMS", " ims-kms", "ims-\tkms"])
    @pytest.mark.parametrize("change", ["add", "replace"])
    def test_location_of_an_encrypting_store(self, client, image, scheme, change) -> None:
        url = image["locations"][0]["url"].replace("ims-kms", scheme)
        thief = client.create()
        location = {"url": url, "metadata": {}}
        with refused(403, "IMG.0026"):
            if change == "add":
                client.patch(thief["id"], {"op": "add", "path": "/locations/-", "value": location})
            else:
                patch = {"op": "replace", "path": "/locations", "value": [location]}
                client.patch(thief["id"], patch)
        assert client.show(thief["id"])["locations"] == []

    @pytest.mark.parametrize("caller", [identity.DEMO, identity.ADMIN])
    def test_by_the_locations_api(self, client, image, caller) -> None:
        thief = client.create()
        with refused(403, "IMG.0026"):
            client.as_(caller).call(
                "POST",
                f"/v2/images/{thief['id']}/locations",
                json_body={"url": image["locations"][0]["url"]},
            )

    def test_list_may_be_replaced_by_itself(self, client: Client, image: dict) -> None:
        locations = [
            {"url": location["url"], "metadata": {**location["metadata"], "note": "seen"}}
            for location in image["locations"]
        ]
        patch = {"op": "replace", "path": "/locations", "value": locations}
        changed = client.patch(image["id"], patch)
        assert changed["locations"][0]["metadata"] == {"store": "kms", "note": "seen"}
        assert client.download(image["id"]) == DATA

    def test_image_with_key_gets_no_plain_location(self, client: Client) -> None:
        image = client.create(cmkid="ims/default")
        location = {"url": "http://127.0.0.1/x", "metadata": {}}
        with refused(409, "IMG.0035"):
            client.patch(image["id"], {"op": "add", "path": "/locations/-", "value": location})
        with refused(409, "IMG.0035"):
            client.call(
                "POST", f"/v2/images/{image['id']}/locations", json_body={"url": location["url"]}
            )

    def test_plain_image_may_have_others(self, client: Client) -> None:
        image = client.create()
        location = {"url": "http://127.0.0.1:1/x", "metadata": {}}
        with by_glance(400):  # nobody answers there, which is for Glance to find out
            client.patch(image["id"], {"op": "add", "path": "/locations/-", "value": location})

    @pytest.mark.parametrize("value", [None, "x", 5, {"url": 5}, [], [[]], {"url": "http://[x"}])
    def test_malformed(self, client: Client, value: object) -> None:
        image = client.create()
        with pytest.raises(ApiError) as caught:
            client.patch(image["id"], {"op": "add", "path": "/locations/-", "value": value})
        assert caught.value.status == 400
        with pytest.raises(ApiError) as caught:
            client.call("POST", f"/v2/images/{image['id']}/locations", json_body={"url": value})
        assert caught.value.status in (400, 403)


class TestTasks:
    """The tasks API, which only administrators may use, leads around Glance's import."""

    def test_no_task_for_an_image_with_key(self, glance, admin, key) -> None:
        image = glance.create(cmkid=key)
        glance.upload(image["id"], DATA, stage=True)
        task = {
            "type": "api_image_import",
            "input": {
                "image_id": image["id"],
                "import_req": {"method": {"name": "glance-direct"}},
                "backend": ["plain"],
            },
        }
        with refused(409, "IMG.0035"):
            admin.call("POST", "/v2/tasks", json_body=task)

    def test_no_task_that_names_a_key(self, admin: Client, key: str) -> None:
        properties = {"name": "x", CMK_ID: key}
        task = {"type": "import", "input": {"image_properties": properties}}
        with refused(409, "IMG.0035"):
            admin.call("POST", "/v2/tasks", json_body=task)

    def test_no_location_of_an_encrypting_store(self, glance: Client, admin: Client) -> None:
        image = glance.create()
        task = {
            "type": "location_import",
            "input": {"image_id": image["id"], "loc_url": "ims-kms://kms/x"},
        }
        with refused(403, "IMG.0026"):
            admin.call("POST", "/v2/tasks", json_body=task)

    @pytest.mark.parametrize("body", [[], {"input": 1}, {"type": "import", "input": {}}])
    def test_malformed(self, admin: Client, body: object) -> None:
        with pytest.raises(ApiError) as caught:
            admin.call("POST", "/v2/tasks", json_body=body)
        assert "IMG." not in str(caught.value)


class TestPaths:
    """However a request is spelled: what Glance takes, the guard has looked at."""

    @pytest.mark.parametrize(
        "path",
        [
            "/v2/images/{id}/file",
            "/v2.3/images/{id}/file",
            "/v2.17/images/{id}/file",
            "//v2//images///{id}//file",
            "/v2/%69mages/{id}/fil%65",
            "/v2/images%2F{id}%2Ffile",
            "/v2/./images/../images/{id}/file",
            "/v2/images/{id}/file%0A",
            "/v2/images/{id}/file?x=y",
            "/v2/images/{id}/file?_method=put",
        ],
    )
    def test_upload(self, glance: Client, glance_service, key: str, path: str) -> None:
        image = glance.create(cmkid=key)
        headers = {"Content-Type": "application/octet-stream", "X-Image-Meta-Store": "plain"}
        with refused(409, "IMG.0035"):
            glance.call("PUT", path.format(**image), body=DATA, headers=headers)
        assert not (glance_service.directories.plain / image["id"]).exists()

    def test_version_by_media_type(self, glance: Client, key: str) -> None:
        image = glance.create(cmkid=key)
        headers = {
            "Accept": "application/vnd.openstack.images-v2",
            "Content-Type": "application/octet-stream",
            "X-Image-Meta-Store": "plain",
        }
        with refused(409, "IMG.0035"):
            glance.call("PUT", f"/images/{image['id']}/file", body=DATA, headers=headers)

    def test_method_in_the_query(self, glance: Client, key: str) -> None:
        image = glance.create(cmkid=key)
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        body = json.dumps([{"op": "remove", "path": f"/{CMK_ID}"}]).encode()
        for method, override in (("GET", "PATCH"), ("POST", "patch"), ("PUT", "x&_method=PATCH")):
            with refused(409, "IMG.0035"):
                glance.call(
                    method, f"/v2/images/{image['id']}?_method={override}", body=body,
                    headers=headers,
                )  # fmt: skip

    def test_method_taken_out_of_the_way_by_the_query(self, glance: Client) -> None:
        listed = glance.call("POST", "/v2/images?_method=GET", json_body={CMK_ID: "nonsense"}).json
        assert "images" in listed

    @pytest.mark.parametrize("path", ["/v2/images/{id}/file/", "/v2/images/{ID}/file", "/v2/images"])
    def test_what_glance_refuses(self, glance: Client, key: str, path: str) -> None:
        image = glance.create(cmkid=key)
        target = path.format(id=image["id"], ID=image["id"].upper())
        headers = {"Content-Type": "application/octet-stream", "X-Image-Meta-Store": "plain"}
        answer = glance.send("PUT", target, body=b"x", headers=headers)
        assert answer.status in (400, 404, 405)
        assert "IMG." not in answer.text


class TestProtectedProperty:
    """An operator may keep tenants from writing ``__system__...`` properties themselves."""

    @pytest.fixture(scope="class")
    def client(self, make_glance: MakeGlance, tmp_path_factory: pytest.TempPathFactory) -> Client:
        rules = tmp_path_factory.mktemp("protections") / "protections.conf"
        rules.write_text(
            "[^__system__.*]\ncreate = admin\nread = @\nupdate = admin\ndelete = admin\n"
            "[.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n"
        )
        service = make_glance({"DEFAULT": {"property_protection_file": rules}})
        return service.client()

    def test_default_key_is_recorded_all_the_same(self, client: Client) -> None:
        image = client.create()
        client.upload(image["id"], DATA, store="kms")
        assert client.show(image["id"])[CMK_ID]
        assert client.download(image["id"]) == DATA


class TestOtherStores:
    """Glances whose stores differ from the usual ones."""

    def test_default_store_encrypts(self, make_glance: MakeGlance) -> None:
        client = make_glance(
            {
                "DEFAULT": {"enabled_backends": "kms:ims-kms, kms2:ims-kms"},
                "glance_store": {"default_backend": "kms2"},
                # Unset; the drop-in says "kms".
                "ims_kms": {"default_store": ""},
            }
        ).client()
        image = client.create()
        client.upload(image["id"], DATA)
        image = client.show(image["id"])
        assert image["stores"] == "kms2"
        assert image[CMK_ID]
        image = client.create(cmkid="ims/default")
        client.upload(image["id"], DATA, stage=True)
        client.import_(image["id"], all_stores=True)
        assert set(client.wait(image["id"])["stores"].split(",")) == {"kms", "kms2"}

    def test_no_encrypting_store(self, make_glance: MakeGlance) -> None:
        service = make_glance({"DEFAULT": {"enabled_backends": "plain:file"}})
        with refused(409, "IMG.0035"):
            service.client().create(cmkid="ims/default")
        image = service.client().create()
        service.client().upload(image["id"], DATA)
        assert service.client().download(image["id"]) == DATA

    def test_default_key_is_made_once_by_several_workers(self, make_glance: MakeGlance) -> None:
        service = make_glance(processes=2)
        found: list[str] = []

        def create() -> None:
            found.append(service.client().create(cmkid="ims/default")[CMK_ID])

        threads = [threading.Thread(target=create) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 12
        assert set(found) == set(default_keys(service.vault, "demo"))
        assert len(set(found)) == 1


def test_log_has_neither_tokens_nor_keys(glance, glance_service, vault, key) -> None:
    vault.change(key, service=False)
    for value in (key, vault.make("other"), "swordfish"):
        with refused(403 if value != "swordfish" else 400):
            glance.create(cmkid=value)
    log = glance_service.log
    assert "Refused POST '/v2/images': KeyIdInvalid" in log
    assert "swordfish" not in log
    assert glance.caller.token not in log
    assert not [key.id for key in vault.keys() if key.secret in log]
