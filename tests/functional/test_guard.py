# SPDX-License-Identifier: Apache-2.0
"""The guard in a real Glance: who gets which key, and that images keep theirs."""

import uuid

import pytest

from tests.functional import identity
from tests.functional.client import PATCH_TYPE, PATCH_TYPE_20, Client
from tests.functional.key_vault import Vault
from tests.functional.refusals import CMK_ID, DATA, by_glance, default_keys, refused


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
        image = glance.create(cmkid=form.format(key=key, KEY=key.upper()), name="\N{SNOWMAN}")
        assert (image[CMK_ID], image["name"]) == (key, "\N{SNOWMAN}")

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

    @pytest.mark.parametrize("name", ["__system__CMKID", "__SYSTEM__cmkid", "__system__key"])
    def test_misspelt_name(self, glance: Client, name: str) -> None:
        with refused(400, "IMG.0016"):
            glance.create(**{name: "ims/default"})

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

    @pytest.mark.parametrize("value", ["ims/default", "00000000-0000-4000-8000-000000000000"])
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

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
    def test_malformed_body(self, glance: Client, body: bytes) -> None:
        with by_glance(400):
            glance.call("POST", "/v2/images", body=body)

    @pytest.mark.parametrize("body", [b'"x"', b"5", b"[]", b"[5]"])
    @pytest.mark.parametrize("path", ["", "/{}/import", "/{}/members"])
    def test_no_object(self, glance: Client, path: str, body: bytes) -> None:
        with refused(400, "IMG.0016"):
            glance.call("POST", f"/v2/images{path.format(uuid.uuid4())}", body=body)

    @pytest.mark.parametrize(
        "body",
        [
            {"method": "glance-direct"},
            {"method": {"name": "web-download", "uri": 5}},
            {"method": {"name": "glance-direct"}, "stores": 5},
        ],
    )
    def test_import_at_which_glance_fails(self, glance: Client, body: object) -> None:
        image_id = glance.create()["id"]
        with refused(400, "IMG.0016"):
            glance.call("POST", f"/v2/images/{image_id}/import", json_body=body)

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
        ],
    )
    @pytest.mark.parametrize("path", [f"/{CMK_ID}", f"//{CMK_ID}", f"/ {CMK_ID}\t"])
    @pytest.mark.parametrize("caller", [identity.DEMO, identity.ADMIN])
    def test_key_stays(self, glance, image, key, change, path, caller) -> None:
        with refused(409, "IMG.0035"):
            glance.as_(caller).patch(image["id"], {**change, "path": path})
        assert glance.show(image["id"])[CMK_ID] == key

    def test_key_stays_in_the_older_format(self, glance, image, key) -> None:
        change = {"replace": f"/{CMK_ID}", "value": "x"}
        with refused(409, "IMG.0035"):
            glance.patch(image["id"], change, content_type=PATCH_TYPE_20)
        assert glance.show(image["id"])[CMK_ID] == key

    def test_key_stays_among_other_changes(self, glance, image) -> None:
        with refused(409, "IMG.0035"):
            glance.patch(
                image["id"],
                {"op": "replace", "path": "/name", "value": "new"},
                {"op": "replace", "path": f"/{CMK_ID}", "value": "x"},
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

    def test_misspelt_name(self, glance: Client, image: dict) -> None:
        with refused(400, "IMG.0016"):
            glance.patch(image["id"], {"op": "add", "path": "/__System__cmkid", "value": "x"})

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
        headers = {"Content-Type": PATCH_TYPE}
        with by_glance(400):
            glance.call("PATCH", f"/v2/images/{image['id']}", body=body, headers=headers)


def test_log_has_neither_tokens_nor_keys(glance, glance_service, vault, key) -> None:
    vault.change(key, service=False)
    for value in (key, vault.make("other"), "swordfish"):
        with refused(403 if value != "swordfish" else 400):
            glance.create(cmkid=value)
    log = glance_service.log
    secrets = [key.secret for project in ("demo", "other") for key in vault.keys(project)]
    assert "Refused POST '/v2/images': KeyIdInvalid" in log
    assert "swordfish" not in log
    assert glance.caller.token not in log
    assert len(secrets) > 1
    assert not [secret for secret in secrets if secret in log]
