# SPDX-License-Identifier: Apache-2.0
"""Imports and copies into encrypting stores: the same image everywhere, plaintext nowhere."""

import contextlib
import hashlib
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.functional import identity, stored
from tests.functional.client import ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService
from tests.functional.stored import FIRST, FULL

DATA = secrets.token_bytes(FIRST + 2 * FULL + 99)


@pytest.fixture(scope="module")
def web_server() -> Iterator[int]:
    """Port of a server that gives the image to whoever asks."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            # "/short" hangs up too early.
            self.wfile.write(DATA[:-5] if self.path == "/short" else DATA)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def service(make_glance: MakeGlance, web_server: int) -> Iterator[GlanceService]:
    filters = {"allowed_ports": f"[{web_server}]", "allowed_hosts": "[127.0.0.1]"}
    with make_glance({"import_filtering_opts": filters}, processes=2) as service:
        yield service


@pytest.fixture
def client(service: GlanceService) -> Client:
    return service.client()


@pytest.fixture
def key(service: GlanceService) -> str:
    return service.vault.make("demo")


@pytest.fixture
def directories(service: GlanceService) -> tuple[Path, ...]:
    where = service.directories
    return where.kms, where.kms2, where.plain, where.staging, where.tasks


def stage(client: Client, key: str) -> str:
    """An image whose data waits to be imported."""
    image = client.create(cmkid=key)
    client.upload(image["id"], DATA, stage=True)
    return str(image["id"])


def assert_is_intact(client: Client, image_id: str, stores: str) -> None:
    shown = client.wait(image_id)
    assert (shown["size"], shown["checksum"]) == (len(DATA), hashlib.md5(DATA).hexdigest())
    assert shown["os_hash_value"] == hashlib.sha512(DATA).hexdigest()
    assert set(shown["stores"].split(",")) == set(stores.split(","))
    assert client.download(image_id) == DATA


def remove(directory: Path, image_id: str) -> None:
    """Have a store lose an image."""
    found = stored.find(directory, image_id)
    found.body.unlink()
    found.header.unlink()


def assert_fails(client: Client, image_id: str) -> None:
    """An import that fails where data goes to its store leaves the image as it is, by Glance."""
    shown = client.wait(image_id, "importing")
    assert "stores" not in shown
    assert shown["checksum"] is None


class TestImport:
    def test_staged_data(self, client, key, directories) -> None:
        with stored.nothing_left(*directories):
            image = stage(client, key)
            client.import_(image)
            assert_is_intact(client, image, "kms")
            assert list(directories[3].iterdir()) == []
            client.delete(image)

    def test_web_download(self, client, key, directories, web_server) -> None:
        with stored.nothing_left(*directories):
            image = client.create(cmkid=key)["id"]
            uri = f"http://127.0.0.1:{web_server}/image"
            client.import_(image, "web-download", method_options={"uri": uri})
            assert_is_intact(client, image, "kms")
            client.delete(image)

    def test_web_download_that_ends_too_early(self, client, key, directories, web_server) -> None:
        with stored.nothing_left(*directories):
            image = client.create(cmkid=key)["id"]
            uri = f"http://127.0.0.1:{web_server}/short"
            client.import_(image, "web-download", method_options={"uri": uri})
            client.wait(image, "queued")

    def test_to_two_stores(self, service, client, key, directories) -> None:
        with stored.nothing_left(*directories):
            image = stage(client, key)
            client.import_(image, stores=["kms", "kms2"])
            assert_is_intact(client, image, "kms,kms2")
            one, other = (stored.find(directory, image) for directory in directories[:2])
            assert one.object_id != other.object_id
            secret = bytes.fromhex(service.vault.get(key).secret)
            assert one.data_key(secret) != other.data_key(secret)
            assert one.body.read_bytes()[40:] != other.body.read_bytes()[40:]
            client.delete(image)

    def test_disk_full(self, client, key, directories) -> None:
        with stored.nothing_left(*directories), stored.tiny_disk(directories[0], "size=2m"):
            image = stage(client, key)
            client.import_(image)
            assert_fails(client, image)
            assert list(directories[0].iterdir()) == []
            client.delete(image)

    @pytest.mark.parametrize("must", [True, False])
    def test_one_of_two_stores_fails(self, client, key, directories, must) -> None:
        with stored.nothing_left(*directories):
            image = stage(client, key)
            with stored.read_only(directories[1]):
                client.import_(image, stores=["kms", "kms2"], all_stores_must_succeed=must)
                if must:
                    assert_fails(client, image)
                else:
                    assert_is_intact(client, image, "kms")
            client.delete(image)


class TestAllStores:
    @pytest.fixture(scope="class", params=[1, 2], ids="{} at once".format)
    @classmethod
    def service(cls, request, make_glance: MakeGlance) -> Iterator[GlanceService]:
        """A Glance with encrypting stores only, which can be written at the same time."""
        options = {
            "DEFAULT": {"enabled_backends": "kms:ims-kms, kms2:ims-kms"},
            "glance_store": {"default_backend": "kms"},
            "image_import_opts": {"max_parallel_stores": request.param},
        }
        with make_glance(options) as service:
            yield service

    def test_all_stores(self, client, key, directories) -> None:
        with stored.nothing_left(*directories):
            image = stage(client, key)
            client.import_(image, all_stores=True)
            assert_is_intact(client, image, "kms,kms2")
            client.delete(image)

    def test_default_key(self, service, client, directories) -> None:
        image = client.create()["id"]
        client.upload(image, DATA)
        assert_is_intact(client, image, "kms")
        (key,) = (key for key in service.vault.keys("demo") if key.name == "ims/default")
        assert client.show(image)["__system__cmkid"] == key.id

    def test_one_fails(self, client, key, directories) -> None:
        with stored.nothing_left(*directories):
            image = stage(client, key)
            with stored.read_only(directories[1]):
                client.import_(image, all_stores=True, all_stores_must_succeed=True)
                assert_fails(client, image)
            client.delete(image)


class TestCopy:
    @pytest.fixture
    def admin(self, service: GlanceService) -> Client:
        return service.client(identity.ADMIN)

    @pytest.fixture
    def image(self, client: Client, key: str) -> Iterator[str]:
        image = client.create(cmkid=key)["id"]
        client.upload(image, DATA)
        yield image
        with contextlib.suppress(ApiError):
            client.delete(image)

    def test_either_copy_will_do(self, client, admin, image, directories) -> None:
        for lost in directories[:2]:
            admin.import_(image, "copy-image", stores=["kms2" if lost.name == "kms" else "kms"])
            assert_is_intact(client, image, "kms,kms2")
            one, other = (stored.find(directory, image) for directory in directories[:2])
            assert one.body.read_bytes() != other.body.read_bytes()
            remove(lost, image)
            assert client.download(image) == DATA
            assert client.download(image, FIRST - 1, FIRST) == DATA[FIRST - 1 : FIRST + 1]
            admin.call("DELETE", f"/v2/stores/{lost.name}/{image}")
        assert client.show(image)["stores"] == "kms"
        assert list(directories[3].iterdir()) == []

    def test_one_copy_is_deleted(self, client, admin, image, directories) -> None:
        with stored.nothing_left(*directories):
            admin.import_(image, "copy-image", stores=["kms2"])
            client.wait(image)
            admin.call("DELETE", f"/v2/stores/kms2/{image}")
        assert_is_intact(client, image, "kms")

    def test_damaged_image_is_not_copied(self, client, admin, image, directories) -> None:
        stored.flip(stored.find(directories[0], image).body, 2 << 20)
        with stored.nothing_left(*directories):
            admin.import_(image, "copy-image", stores=["kms2"])
            assert client.wait(image)["stores"] == "kms"

    def test_damaged_copy_does_not_matter(self, client, admin, image, directories) -> None:
        admin.import_(image, "copy-image", stores=["kms2"])
        client.wait(image)
        stored.flip(stored.find(directories[0], image).body, 100)
        assert client.download(image) == DATA

    def test_hash_is_compared(self, service, commands, client, admin, image, directories) -> None:
        """What Glance leaves in the store then, "ims-manage" finds; what it has staged goes with
        the image."""
        with service.database() as database:
            change = "UPDATE images SET os_hash_value = 'aa' WHERE id = ?"
            database.execute(change, [image])
        before = stored.names(*directories)
        admin.import_(image, "copy-image", stores=["kms2"])
        shown = client.wait(image)
        assert (shown["stores"], shown["os_glance_failed_import"]) == ("kms", "kms2")
        done = commands.run(service, "orphans", "--delete", "--min-age", "0")
        assert done.stdout.endswith("1 orphan(s)\n"), done
        assert stored.names(*directories) - before == {directories[3] / image}
        client.delete(image)
        assert list(directories[3].iterdir()) == []
