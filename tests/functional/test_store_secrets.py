# SPDX-License-Identifier: Apache-2.0
"""No key, token or plaintext gets anywhere, with everything logged that can be.

One long day of a Glance is played, troubles included; then all that it has written, answered and
notified is searched.
"""

import base64
import contextlib
import dataclasses
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.functional import identity, stored
from tests.functional.client import Answer, ApiError, Client
from tests.functional.commands import Commands
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService
from tests.functional.slow_upload import begin_by_hand
from tests.functional.stored import FIRST, FULL, Stored

MARKER = b"plaintext-" + secrets.token_hex(20).encode() + b"|"
DATA = MARKER * ((FIRST + FULL) // len(MARKER))
TOKEN_SECRET = secrets.token_hex(16)
PASSWORD = "service-password-" + secrets.token_hex(16)
LIBRARIES = ("castellan", "keystoneauth", "barbicanclient", "keystonemiddleware", "oslo", "oslo_policy",
             "oslo.messaging", "oslo_messaging", "sqlalchemy", "stevedore", "taskflow", "urllib3",
             "glance", "glance_store", "ims_glance", "tooz", "routes", "cursive")  # fmt: skip
OPTIONS = {
    "DEFAULT": {
        "debug": True,
        "show_multiple_locations": True,
        "show_image_direct_url": True,
        "default_log_levels": ",".join(f"{name}=DEBUG" for name in LIBRARIES),
        "transport_url": "fake://",
    },
    "key_manager": {"password": PASSWORD},
    "oslo_messaging_notifications": {"driver": "log"},
}


class Recorder(Client):
    """A client that remembers the answers, apart from the data of images."""

    answers: list[Answer]

    def send(self, method: str, path: str, **request: Any) -> Answer:
        answer = super().send(method, path, **request)
        seen = answer.body if MARKER not in answer.body else b""
        self.answers.append(dataclasses.replace(answer, body=seen))
        return answer


@dataclasses.dataclass
class Day:
    """What came of the day.

    :ivar keys: everything that opens something, by a name for it
    :ivar answers: to requests
    :ivar printed: by commands
    """

    service: GlanceService
    keys: dict[str, bytes]
    answers: list[Answer]
    printed: list[str]

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """All that could give something away, but for the key vault itself."""
        for path in stored.names(self.service.directories.root):
            if path.is_file() and self.service.directories.keys not in path.parents:
                yield str(path), path.read_bytes()
        for number, answer in enumerate(self.answers):
            headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            yield f"answer {number}", headers.encode() + b"\n\n" + answer.body
        for number, text in enumerate(self.printed):
            yield f"command {number}", text.encode()


@pytest.fixture(scope="module")
def day(make_glance: MakeGlance, commands: Commands) -> Iterator[Day]:
    with make_glance(OPTIONS, processes=2) as service:
        day = Day(service, {}, [], [])
        play(day, commands)
        yield day


def play(day: Day, commands: Commands) -> None:
    service, vault = day.service, day.service.vault
    client, admin = (
        recorder(day, caller)
        for caller in (
            dataclasses.replace(identity.DEMO, secret=TOKEN_SECRET),
            dataclasses.replace(identity.ADMIN, secret=TOKEN_SECRET),
        )
    )
    uploaded = client.create(cmkid=vault.make("demo"))["id"]
    client.upload(uploaded, iter([DATA[:1000], DATA[1000:]]))
    imported = client.create(cmkid="ims/default")["id"]
    client.upload(imported, DATA, stage=True)
    client.import_(imported, stores=["kms", "kms2"])
    client.wait(imported)
    admin.import_(uploaded, "copy-image", stores=["kms2"])
    client.wait(uploaded)
    for image in (uploaded, imported):
        assert client.download(image) == DATA
        assert client.download(image, 5, 9) == DATA[5:10]
        note_keys(day, image)
    client.share(uploaded, "other")
    client.patch(uploaded, {"op": "replace", "path": "/name", "value": "renamed"})
    play_troubles(day, client)
    new_key = vault.make("demo")
    for command in (
        ["status"],
        ["verify", uploaded],
        ["rekey", uploaded, new_key],
        ["rekey", uploaded, secrets.token_hex(16)],
        ["orphans", "--min-age", "0"],
    ):
        done = commands.run(service, "--debug", *command)
        day.printed += [done.stdout, done.stderr]
    assert client.download(uploaded) == DATA
    note_keys(day, uploaded)
    client.delete(imported)


def recorder(day: Day, caller: identity.Caller) -> Recorder:
    made = day.service.client(caller).of_class(Recorder)
    made.answers = day.answers
    return made


def play_troubles(day: Day, client: Recorder) -> None:
    """Everything that ends in an error, or a traceback in the log."""
    vault, key = day.service.vault, day.service.vault.make("demo")
    image = client.create(cmkid=key)["id"]
    for damage in ("away", "closed", "other bytes", "short", "gone"):
        client.delete(image)
        key = vault.make("demo")
        image = client.create(cmkid=key)["id"]
        client.upload(image, DATA)
        note_keys(day, image)
        trouble(day, key, damage)
        with contextlib.suppress(ApiError):
            client.download(image)
        vault.away = False
    damaged = stored.find(day.service.directories.kms, image)
    stored.flip(damaged.body, 100)
    client.send("GET", f"/v2/images/{image}/file")
    stored.flip(damaged.header, 100)
    client.send("GET", f"/v2/images/{image}/file")
    other = client.create(cmkid=vault.make("demo"))["id"]
    client.send(
        "PUT", f"/v2/images/{other}/file", body=DATA, headers={"X-OpenStack-Image-Size": "5"}
    )
    begin_by_hand(client, other, "Content-Length: 5000000").close()
    with stored.read_only(day.service.directories.kms), contextlib.suppress(ApiError):
        client.upload(other, DATA)


def trouble(day: Day, key: str, damage: str) -> None:
    vault = day.service.vault
    if damage == "away":
        vault.away = True
    elif damage == "gone":
        vault.delete(key)
    else:
        changes: dict[str, Mapping[str, Any]] = {
            "closed": {"service": False},
            "other bytes": {"secret": secrets.token_hex(32)},
            "short": {"secret": secrets.token_hex(16)},
        }
        vault.change(key, **changes[damage])


def note_keys(day: Day, image: str) -> None:
    """Remember every key that opens the image, or a part of it."""
    for directory in (day.service.directories.kms, day.service.directories.kms2):
        with contextlib.suppress(ValueError):
            found = stored.find(directory, image)
            key = bytes.fromhex(day.service.vault.get(found.fields["slots"][0]["key_id"]).secret)
            day.keys[f"key of {image} in {directory.name}"] = key
            for name, derived in derive(found, key).items():
                day.keys[f"{name} of {found.object_id}"] = derived


def derive(found: Stored, key: bytes) -> dict[str, bytes]:
    data_key = found.data_key(key)
    salt, info = found.body.read_bytes()[1:33], found.object_id.encode()
    return {
        "data key": data_key,
        "wrapping key": HKDF(hashes.SHA256(), 32, salt=info, info=b"ims-kms/1 wrap").derive(key),
        "segment key": HKDF(hashes.SHA256(), 32, salt=salt, info=info).derive(data_key),
    }


def forms(secret: bytes) -> set[bytes]:
    """How bytes may look where they are written."""
    encoded = {base64.b64encode(secret), base64.urlsafe_b64encode(secret)}
    hexadecimal = secret.hex().encode()
    return {
        secret,
        hexadecimal,
        hexadecimal.upper(),
        repr(secret)[2:-1].encode(),
        repr(list(secret))[1:-1].encode(),
        *(text.rstrip(b"=") for text in encoded),
    }


def test_no_key_is_anywhere(day: Day) -> None:
    assert len(day.keys) > 20
    looked_for = {form: name for name, key in day.keys.items() for form in forms(key)}
    for where, content in day.everything():
        for form, name in looked_for.items():
            assert form not in content, f"{name} is in {where}"


@pytest.mark.parametrize("secret", [TOKEN_SECRET, PASSWORD], ids=["token", "password"])
def test_no_credential_is_anywhere(day: Day, secret: str) -> None:
    configuration = day.service.directories.drop_ins / "ims-glance.site.conf"
    for where, content in day.everything():
        assert secret.encode() not in content or where == str(configuration), where


def test_no_plaintext_is_anywhere(day: Day) -> None:
    """Staging, too, is empty after the imports."""
    assert list(day.service.directories.staging.iterdir()) == []
    for where, content in day.everything():
        assert MARKER not in content, where


def test_the_search_sees_what_there_is_to_see(day: Day) -> None:
    """The day was logged, notified, answered and kept where this looked."""
    log = day.service.log
    for word in (" DEBUG ", "image.upload", "image.send", "IMG.", "ims_kms"):
        assert word in log, word
    ids = [key.id.encode() for key in day.service.vault.keys("demo")]
    where = {name for name, content in day.everything() if any(id_ in content for id_ in ids)}
    assert {str(day.service.directories.database), str(day.service.directories.log)} <= where
    assert any(name.startswith("answer ") for name in where)
    assert any(name.startswith("command ") for name, _content in day.everything())
