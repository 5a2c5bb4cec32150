# SPDX-License-Identifier: Apache-2.0
"""``ims-manage`` show, verify and rekey on a Glance that runs."""

import json
import re
import secrets
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional import identity, stored
from tests.functional.client import ApiError, Client
from tests.functional.commands import Commands, Fault
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService
from tests.functional.stored import FIRST, FULL

DATA = secrets.token_bytes(FIRST + FULL + 77)
CMK_ID = "__system__cmkid"


@pytest.fixture
def key(vault: Vault) -> str:
    return vault.make("demo")


@pytest.fixture
def new_key(vault: Vault) -> str:
    return vault.make("demo")


@pytest.fixture
def image(glance: Client, key: str) -> Iterator[str]:
    """An image in store ``kms`` under *key*."""
    image = glance.create(cmkid=key)["id"]
    glance.upload(image, DATA)
    yield image
    glance.delete(image)


@pytest.fixture
def plain_image(glance: Client) -> str:
    image = glance.create()["id"]
    glance.upload(image, DATA)
    return str(image)


@pytest.fixture
def copied_image(glance: Client, admin: Client, image: str) -> str:
    """The image, in ``kms2`` as well."""
    admin.import_(image, "copy-image", stores=["kms2"])
    glance.wait(image)
    return image


def contents(*directories: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in stored.names(*directories)}


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that was refused said, in one line and without a traceback."""
    assert (done.returncode, done.stdout) == (1, ""), done
    assert "Traceback" not in done.stderr
    last_line = done.stderr.splitlines()[-1]
    assert last_line.startswith("ims-manage: ")
    return last_line


class TestShow:
    def test_every_copy(self, glance_service, commands, copied_image, key) -> None:
        done = commands.run(glance_service, "show", copied_image, "--json")
        assert done.returncode == 0, done
        told = json.loads(done.stdout)
        assert (told["status"], told["key_id"]) == ("active", key)
        for copy in told["stores"]:
            there = stored.find(getattr(glance_service.directories, copy["store"]), copied_image)
            (header,) = copy["headers"]
            assert copy["body"] == {
                "name": there.body.name,
                "size": there.body.stat().st_size,
                "at": f"file://{there.body}",
            }
            assert (copy["size"], copy["object_id"]) == (len(DATA), there.object_id)
            assert header["name"] == there.header.name
            assert (header["version"], header["key_ids"]) == (1, [key])
        assert sorted(copy["store"] for copy in told["stores"]) == ["kms", "kms2"]

    def test_for_people(self, glance_service, commands, image, key, new_key) -> None:
        commands.run(glance_service, "rekey", image, new_key)
        done = commands.run(glance_service, "show", image)
        assert done.returncode == 0, done
        there = stored.find(glance_service.directories.kms, image)
        assert f"{there.header.name} (" in done.stdout
        assert f"version 1, key {new_key})" in done.stdout
        assert key not in done.stdout
        slot = there.fields["slots"][0]
        assert slot["wrapped_key"] not in done.stdout
        assert slot["nonce"] not in done.stdout

    def test_deleted(self, glance, glance_service, commands, key) -> None:
        image = glance.create(cmkid=key)["id"]
        glance.upload(image, b"data")
        glance.delete(image)
        for gone in (image, str(uuid.uuid4())):
            done = commands.run(glance_service, "show", gone)
            assert refusal(done) == f"ims-manage: Image {gone} does not exist."

    def test_without_data_and_in_a_plain_store(
        self, glance, glance_service, commands, key, plain_image
    ) -> None:
        empty = glance.create(cmkid=key)["id"]
        done = commands.run(glance_service, "show", empty)
        assert done.stdout == f"Image {empty} (queued)\n  key on record: {key}\n  no data\n"
        done = commands.run(glance_service, "show", plain_image)
        place = rf"  store \w+: NOT ENCRYPTED, at file:///.*{plain_image}\n$"
        assert re.search(place, done.stdout)
        told = json.loads(commands.run(glance_service, "show", plain_image, "--json").stdout)
        assert [(copy["store"], copy["encrypted"]) for copy in told["stores"]] == [("plain", False)]
        assert told["key_id"] is None


class TestVerify:
    def test_intact_image(self, glance_service, commands, copied_image) -> None:
        done = commands.run(glance_service, "verify", copied_image)
        line = rf"Image {copied_image} in store (\w+): {len(DATA)} bytes are intact \(.* s\)\n"
        assert done.returncode == 0, done
        assert sorted(re.findall(line, done.stdout)) == ["kms", "kms2"]

    def test_by_itself(self, glance_service: GlanceService, image: str) -> None:
        """The program as it is installed."""
        done = glance_service.run("ims-manage", "verify", image)
        assert (done.returncode, f"{len(DATA)} bytes are intact" in done.stdout) == (0, True), done

    def test_empty_image(self, glance, glance_service, commands, key) -> None:
        image = glance.create(cmkid=key)["id"]
        glance.upload(image, b"")
        assert "0 bytes are intact" in commands.run(glance_service, "verify", image).stdout

    def test_second_copy_is_looked_at_too(self, glance_service, commands, copied_image) -> None:
        body = stored.find(glance_service.directories.kms2, copied_image).body
        stored.flip(body, -1)
        done = commands.run(glance_service, "verify", copied_image)
        assert done.returncode == 1
        assert "in store kms: " in done.stdout
        assert "is damaged: segment 2 " in done.stderr

    def test_objects_exchanged_in_the_database(self, glance, glance_service, commands, key) -> None:
        """A whole object of another image is genuine, but it is not this image."""
        kms = glance_service.directories.kms
        images = [glance.create(cmkid=key)["id"] for _ in range(2)]
        for image in images:
            glance.upload(image, DATA)
        one, other = (stored.find(kms, image) for image in images)
        with glance_service.database() as database:
            change = "UPDATE image_locations SET value = ? WHERE image_id = ?"
            database.execute(change, [other.uri, images[0]])
        done = commands.run(glance_service, "verify", images[0])
        assert f"it belongs to image {images[1]}" in done.stderr
        assert one.body.exists()

    @pytest.mark.parametrize("command", [["verify"], ["rekey"]])
    def test_no_such_image(self, glance_service, commands, plain_image, new_key, command) -> None:
        key = [new_key] if command == ["rekey"] else []
        unknown = str(uuid.uuid4())
        done = commands.run(glance_service, *command, unknown, *key)
        assert refusal(done) == f"ims-manage: Image {unknown} does not exist."
        done = commands.run(glance_service, *command, plain_image, *key)
        assert "has no data in an encrypting store" in refusal(done)


class TestRekey:
    def test_only_the_header_changes(
        self, glance, glance_service, commands, vault, image, key, new_key
    ) -> None:
        before = stored.find(glance_service.directories.kms, image)
        body, inode = before.body.read_bytes(), before.body.stat()
        data_key = before.data_key(bytes.fromhex(vault.get(key).secret))
        old_header, shown = before.header, glance.show(image)
        done = commands.run(glance_service, "rekey", image, new_key)
        assert re.fullmatch(
            rf"Image {image} in store kms: key is {new_key} \(\d+ ms\)\n", done.stdout
        ), done
        after = stored.find(glance_service.directories.kms, image)
        assert not old_header.exists()
        assert [slot["key_id"] for slot in after.fields["slots"]] == [new_key]
        assert after.data_key(bytes.fromhex(vault.get(new_key).secret)) == data_key
        now = after.body.stat()
        assert (now.st_ino, now.st_mtime_ns) == (inode.st_ino, inode.st_mtime_ns)
        assert after.body.read_bytes() == body
        changed = glance.show(image)
        assert changed.pop(CMK_ID) == new_key
        for name in set(changed) - {"updated_at"}:
            assert changed[name] == shown[name]

    def test_old_key_is_not_needed_any_more(
        self, glance, glance_service, commands, vault, image, key, new_key
    ) -> None:
        for first, second in ((key, new_key), (new_key, vault.make("demo"))):
            assert commands.run(glance_service, "rekey", image, second).returncode == 0
            vault.delete(first)
            assert glance.download(image) == DATA
            assert glance.download(image, FIRST, FIRST + 9) == DATA[FIRST : FIRST + 10]
        vault.delete(second)
        with pytest.raises(ApiError, match=f"IMG.0101.*{second}"):
            glance.download(image)

    def test_every_copy(
        self, glance, glance_service, commands, vault, copied_image, key, new_key
    ) -> None:
        done = commands.run(glance_service, "rekey", copied_image, new_key)
        assert done.returncode == 0, done
        vault.delete(key)
        for store in ("kms", "kms2"):
            path = f"/v2/images/{copied_image}/file?prefer={store}"
            assert glance.call("GET", path).body == DATA
        assert "in store kms2: " in commands.run(glance_service, "verify", copied_image).stdout

    def test_same_key(self, glance, glance_service, commands, image, key) -> None:
        before = contents(glance_service.directories.kms)
        assert commands.run(glance_service, "rekey", image, key).returncode == 0
        assert contents(glance_service.directories.kms) == before
        assert glance.download(image) == DATA

    @pytest.mark.parametrize(
        ("trouble", "words"),
        [
            ("missing", "does not exist in the key manager"),
            ("closed", "may not read encryption key"),
            ("short", "cannot be used"),
            ("away", "key manager is unavailable"),
            ("no id", "does not exist in the key manager"),
            ("old one gone", "no longer exists in the key manager"),
        ],
    )
    def test_key_that_cannot_be_had(
        self, glance, glance_service, commands, vault, image, key, new_key, trouble, words
    ) -> None:
        before, shown = contents(glance_service.directories.kms), glance.show(image)
        old = vault.get(key)
        {
            "missing": lambda: vault.delete(new_key),
            "closed": lambda: vault.change(new_key, service=False),
            "short": lambda: vault.change(new_key, secret="00" * 16),
            "away": lambda: setattr(vault, "away", True),
            "no id": lambda: None,
            "old one gone": lambda: vault.delete(key),
        }[trouble]()
        named = "ims/default" if trouble == "no id" else new_key
        done = commands.run(glance_service, "rekey", image, named)
        assert words in refusal(done)
        assert contents(glance_service.directories.kms) == before
        assert glance.show(image) == shown
        vault.away = False
        vault.put(old)
        assert glance.download(image) == DATA

    def test_while_it_is_read(
        self, glance, glance_service, commands, vault, image, key, new_key
    ) -> None:
        """Whoever reads meanwhile, with cached keys or not, reads the image."""
        done = threading.Event()
        wrong: list[object] = []

        def read() -> None:
            client = glance_service.client(identity.DEMO)
            while not done.is_set():
                answer = client.send("GET", f"/v2/images/{image}/file")
                if (answer.status, answer.body) != (200, DATA):
                    wrong.append(answer)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for new in (new_key, key, new_key, key):
            assert commands.run(glance_service, "rekey", image, new).returncode == 0
        done.set()
        for reader in readers:
            reader.join()
        assert wrong == []


class TestKilledRekey:
    """Killed anywhere, the image can be read; the same command once more finishes the work."""

    @pytest.mark.parametrize(
        ("fault", "earlier"),
        [
            (Fault("put", "before"), 0),
            (Fault("put", "half"), 0),
            (Fault("put", "half"), 1),
            (Fault("put", "after"), 0),
            (Fault("put", "after"), 1),
            (Fault("delete", "after", 2), 0),
        ],
        ids=str,
    )
    def test_is_healed(
        self, glance, glance_service, commands: Commands, vault, image, new_key, fault, earlier
    ) -> None:
        kms = glance_service.directories.kms
        before = stored.names(kms)
        for _ in range(earlier):
            commands.run(glance_service, "rekey", image, vault.make("demo"))
        name = stored.find(kms, image).header.name
        assert name.endswith("-b" if earlier else "-a")
        killed = commands.run(glance_service, "rekey", image, new_key, fault=fault)
        assert (killed.returncode, killed.stdout) == (-9, ""), killed
        assert glance.download(image) == DATA

        done = commands.run(glance_service, "rekey", image, new_key)
        assert done.returncode == 0, done
        assert stored.find(kms, image).fields["slots"][0]["key_id"] == new_key
        left = stored.names(kms) - before - set(stored.find(kms, image).headers)
        assert len(left) == (fault == Fault("put", "half"))
        if left:
            done = commands.run(glance_service, "orphans", "--delete", "--min-age", "0")
            assert all(path.name in done.stdout for path in left)
            assert not any(path.exists() for path in left)
        assert glance.show(image)[CMK_ID] == new_key
        assert glance.download(image) == DATA

    def test_old_key_was_deleted_too_early(
        self, glance, glance_service, commands, vault, image, key, new_key
    ) -> None:
        fault = Fault("put", "after")
        assert commands.run(glance_service, "rekey", image, new_key, fault=fault).returncode == -9
        vault.delete(key)
        assert glance.download(image) == DATA
        assert commands.run(glance_service, "rekey", image, new_key).returncode == 0
        assert glance.download(image) == DATA
