# SPDX-License-Identifier: Apache-2.0
"""The guard in real Glances: side doors, odd spellings, other configurations."""

import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ims_glance.model.image.attributes import STORE_KEY
from tests.functional import identity
from tests.functional.client import PATCH_TYPE, ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.refusals import CMK_ID, DATA, by_glance, default_keys, refused


@pytest.fixture(scope="module")
def web_port() -> Iterator[int]:
    """Port of a web server that has DATA."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Be quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def client(make_glance: MakeGlance, web_port: int) -> Iterator[Client]:
    """A Glance that shows locations and lets members change them."""
    options = {
        "DEFAULT": {
            "show_multiple_locations": True,
            "enabled_backends": "plain:file, kms:ims-kms, web:http",
        },
        "import_filtering_opts": {
            "allowed_ports": f"[1, {web_port}]",
            "allowed_hosts": "[127.0.0.1]",
        },
    }
    with make_glance(options) as service:
        yield service.client()


def _location(url: str) -> dict:
    value = {"url": url, "metadata": {}}
    return {"op": "add", "path": "/locations/-", "value": value}


class TestLocations:
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

    def test_nobody_points_at_the_data_of_a_product(self, client: Client) -> None:
        """Whoever may name places at all is asked which, once for all that they name."""
        body = {"visibility": "shared", "__imagetype": "market", "__productcode": "c0de" * 8}
        headers = {"X-Service-Roles": "ims_service"}
        sold = client.call("POST", "/v2/images", json_body=body, headers=headers).json["id"]
        image, plain = client.create(), client.create()["id"]
        unknown = [str(uuid.uuid4()) for _ in range(15)]
        for ids, refusal in (
            ([sold], refused(409, "IMG.0079")),
            ([plain, *unknown, sold], refused(400, "IMG.0016")),
            ([plain, *unknown], by_glance(400)),
        ):
            location = {"url": f"http://127.0.0.1:1/{'/'.join(ids)}", "metadata": {}}
            with refusal:
                client.patch(image["id"], {"op": "add", "path": "/locations/-", "value": location})

    def test_plain_image_may_have_others(self, client: Client) -> None:
        image = client.create()
        location = {"url": "http://127.0.0.1:1/x", "metadata": {}}
        with by_glance(400):  # nobody answers there, which is for Glance to find out
            client.patch(image["id"], {"op": "add", "path": "/locations/-", "value": location})

    def test_image_whose_owner_named_no_key_may_lie_elsewhere_too(
        self, client: Client, web_port: int
    ) -> None:
        """It shows the key of its store as long as no other has it."""
        image = client.create()["id"]
        client.upload(image, DATA, store="kms")
        key = client.show(image)[CMK_ID]
        with by_glance(400):
            client.patch(image, _location("http://127.0.0.1:1/x"))
        assert client.show(image)[CMK_ID] == key
        location = _location(f"http://127.0.0.1:{web_port}/x")
        location["value"]["metadata"] = {"store": "web"}
        changed = client.patch(image, location)
        assert set(changed["stores"].split(",")) == {"kms", "web"}
        assert (changed.get(CMK_ID), changed[STORE_KEY]) == (None, key)
        assert client.download(image) == DATA

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
        headers = {"Content-Type": PATCH_TYPE}
        body = json.dumps([{"op": "add", "path": f"/{CMK_ID}", "value": "x"}]).encode()
        for method, override in (("GET", "PATCH"), ("POST", "patch"), ("PUT", "x&_method=PATCH")):
            with refused(409, "IMG.0035"):
                glance.call(
                    method, f"/v2/images/{image['id']}?_method={override}", body=body,
                    headers=headers,
                )  # fmt: skip

    def test_method_taken_out_of_the_way_by_the_query(self, glance: Client) -> None:
        listed = glance.call("POST", "/v2/images?_method=GET", json_body={CMK_ID: "nonsense"}).json
        assert "images" in listed

    @pytest.mark.parametrize(
        "path", ["/v2/images/{id}/file/", "/v2/images/{ID}/file", "/v2/images"]
    )
    def test_what_glance_refuses(self, glance: Client, key: str, path: str) -> None:
        image = glance.create(cmkid=key)
        target = path.format(id=image["id"], ID=image["id"].upper())
        headers = {"Content-Type": "application/octet-stream", "X-Image-Meta-Store": "plain"}
        answer = glance.send("PUT", target, body=b"x", headers=headers)
        assert answer.status in (400, 404, 405)
        assert "IMG." not in answer.text


def test_default_key_is_recorded_where_tenants_may_not(
    make_glance: MakeGlance, tmp_path: Path
) -> None:
    """An operator may keep tenants from writing ``__system__...`` properties themselves."""
    rules = tmp_path / "protections.conf"
    rules.write_text(
        "[^__system__.*]\ncreate = admin\nread = @\nupdate = admin\ndelete = admin\n"
        "[.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n"
    )
    with make_glance({"DEFAULT": {"property_protection_file": rules}}) as service:
        client = service.client()
        with by_glance(403):
            client.create(cmkid="ims/default")
        image = client.create()
        client.upload(image["id"], DATA, store="kms")
        assert client.show(image["id"])[CMK_ID]
        assert client.download(image["id"]) == DATA


def test_default_store_encrypts(make_glance: MakeGlance) -> None:
    options = {
        "DEFAULT": {"enabled_backends": "kms:ims-kms, kms2:ims-kms"},
        "glance_store": {"default_backend": "kms2"},
        # Unset; the drop-in says "kms".
        "ims_kms": {"default_store": ""},
    }
    with make_glance(options) as service:
        client = service.client()
        image = client.create()
        client.upload(image["id"], DATA)
        image = client.show(image["id"])
        assert image["stores"] == "kms2"
        assert image[CMK_ID]
        image = client.create(cmkid="ims/default")
        client.upload(image["id"], DATA, stage=True)
        client.import_(image["id"], all_stores=True)
        assert set(client.wait(image["id"])["stores"].split(",")) == {"kms", "kms2"}


def test_no_encrypting_store(make_glance: MakeGlance) -> None:
    with make_glance({"DEFAULT": {"enabled_backends": "plain:file"}}) as service:
        client = service.client()
        with refused(409, "IMG.0035"):
            client.create(cmkid="ims/default")
        assert service.vault.keys() == []
        image = client.create()
        client.upload(image["id"], DATA)
        assert client.download(image["id"]) == DATA


def test_wrong_default_store(make_glance: MakeGlance) -> None:
    """Glance does not even start, rather than refuse all encrypted images later."""
    with pytest.raises(RuntimeError, match="default_store names it"):
        make_glance({"ims_kms": {"default_store": "plain"}})


def test_default_key_is_made_once_by_several_workers(make_glance: MakeGlance) -> None:
    found: list[str] = []
    with make_glance(processes=2) as service:

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
