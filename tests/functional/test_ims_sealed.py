# SPDX-License-Identifier: Apache-2.0
"""Encrypted images out of a cloud and back, sealed all the way: a real Glance, a worker, and a small bucket."""

import hashlib
import json
import time

import pytest

from tests.base import pattern
from tests.functional import identity
from tests.functional.client import Answer, Client
from tests.functional.commands import Commands
from tests.functional.service import GlanceService
from tests.functional.test_ims_files import (  # noqa: F401 (fixtures)
    CREATE_DATA,
    DISK,
    ask,
    ended,
    ims,
    made,
    service,
    store,
)
from tests.functional.test_ims_images import assert_refused
from tests.unit.clouds.objects_server import ObjectServer
from tests.unit.crypto import independent_reader

MIB = 1 << 20


@pytest.fixture(scope="module")
def exported(ims: Client, service: GlanceService) -> tuple[str, str]:  # noqa: F811
    """An image under a key, exported to ``bucket:s.ims``; its id, and that of the key."""
    key = service.vault.make("demo")
    image = made(ims, ask(ims, CREATE_DATA, cmk_id=key))
    wanted = {"bucket_url": "bucket:s.ims", "file_format": "sealed"}
    path = f"/v1/cloudimages/{image['id']}/file"
    job = ended(ims, ims.send("POST", path, json_body=wanted))
    assert job["status"] == "SUCCESS", job
    return image["id"], key


def read_sealed(client: Client, image_id: str, offset: int = 0) -> Answer:
    path = f"/v1/{client.caller.name}/images/{image_id}/sealed?offset={offset}"
    return client.send("GET", path)


def test_it_is_what_lies_in_the_store(
    ims: Client,  # noqa: F811
    service: GlanceService,  # noqa: F811
    store: ObjectServer,  # noqa: F811
    exported: tuple[str, str],
) -> None:
    _image_id, key = exported
    file = store.objects["s.ims"]
    for at in range(0, len(DISK) - 64, MIB):
        assert DISK[at : at + 64] == bytes(64) or DISK[at : at + 64] not in file
    assert pattern(1, MIB)[:64] not in file
    magic, *header, _facts, body = file.split(b"\n", 5)
    assert magic == b"IMS-SEALED 1"
    stored = b"".join(line + b"\n" for line in header)
    name = next(
        each.name
        for each in service.directories.kms.rglob("ims-*")
        if each.is_file() and each.read_bytes() == body
    )
    keys = {key: bytes.fromhex(service.vault.get(key).secret)}
    assert independent_reader.open_object(name, stored, body, keys) == DISK


def test_it_becomes_an_image_again(
    ims: Client,  # noqa: F811
    service: GlanceService,  # noqa: F811
    exported: tuple[str, str],
) -> None:
    """Under its key, or under another one."""
    digest = hashlib.sha512(DISK).hexdigest()
    other_key = service.vault.make("demo")
    for wish, key in (({}, exported[1]), ({"cmk_id": other_key}, other_key)):
        image = made(ims, ask(ims, CREATE_DATA, image_url="bucket:s.ims", **wish))
        assert (image["os_hash_value"], image["__system__cmkid"]) == (digest, key)
        assert ims.download(image["id"]) == DISK


def test_where_its_key_has_another_id(
    ims: Client,  # noqa: F811
    service: GlanceService,  # noqa: F811
    exported: tuple[str, str],
) -> None:
    """As in another region, whose key manager was given the same secret."""
    known = service.vault.get(exported[1])
    mine = service.vault.store("demo", "AES", bytes.fromhex(known.secret))
    service.vault.delete(exported[1])
    try:
        answer = ask(ims, CREATE_DATA, image_url="bucket:s.ims")
        assert_refused(answer, 403, "IMG.0099")
        assert exported[1] in answer.json["error"]["message"]
        wish = {"image_url": "bucket:s.ims", "unseal_key": mine}
        image = made(ims, ask(ims, CREATE_DATA, **wish))
        assert image["__system__cmkid"] == mine
        wrong = service.vault.make("demo")
        assert_refused(ask(ims, CREATE_DATA, **{**wish, "unseal_key": wrong}), 400, "IMG.0097")
    finally:
        service.vault.put(known)


def test_a_key_of_somebody_else(
    ims: Client,  # noqa: F811
    service: GlanceService,  # noqa: F811
    exported: tuple[str, str],
) -> None:
    known = service.vault.get(exported[1])
    service.vault.change(exported[1], project="other", members=False)
    try:
        before = ims.call("GET", "/v2/images").json
        assert_refused(ask(ims, CREATE_DATA, image_url="bucket:s.ims"), 403, "IMG.0099")
        assert ims.call("GET", "/v2/images").json == before
    finally:
        service.vault.put(known)


def test_damage_leaves_nothing(
    ims: Client,  # noqa: F811
    store: ObjectServer,  # noqa: F811
    exported: tuple[str, str],
) -> None:
    before = ims.call("GET", "/v2/images").json
    damaged = bytearray(store.objects["s.ims"])
    damaged[-1] ^= 1
    store.objects["bad.ims"] = bytes(damaged)
    job = ended(ims, ask(ims, CREATE_DATA, image_url="bucket:bad.ims"))
    assert (job["status"], job["error_code"]) == ("FAIL", "IMG.0057")
    store.objects["bad.ims"] = store.objects["s.ims"][:-1]
    assert_refused(ask(ims, CREATE_DATA, image_url="bucket:bad.ims"), 400, "IMG.0057")
    assert ims.call("GET", "/v2/images").json == before


def test_who_may_read_it(ims: Client, store: ObjectServer, exported: tuple[str, str]) -> None:  # noqa: F811
    """Who may download it, and nobody else; from anywhere."""
    file, image_id = store.objects["s.ims"], exported[0]
    for offset in (0, 1, MIB, len(file) - 1):
        answer = read_sealed(ims, image_id, offset)
        assert (answer.status, answer.body) == (200, file[offset:])
    assert_refused(read_sealed(ims, image_id, len(file)), 400, "IMG.0016")
    assert_refused(read_sealed(ims.as_(identity.OTHER), image_id), 404, "IMG.0027")
    # Glance's policy "download_image".
    assert_refused(read_sealed(ims.as_(identity.READER), image_id), 403, "IMG.0026")


def test_what_is_not_encrypted(ims: Client) -> None:  # noqa: F811
    image = made(ims, ask(ims, CREATE_DATA))
    assert_refused(read_sealed(ims, image["id"]), 400, "IMG.0105")
    wanted = {"bucket_url": "bucket:none.ims", "file_format": "sealed"}
    path = f"/v1/cloudimages/{image['id']}/file"
    assert_refused(ims.send("POST", path, json_body=wanted), 400, "IMG.0105")


def test_whoever_reads_one_is_on_record(
    ims: Client,  # noqa: F811
    service: GlanceService,  # noqa: F811
    commands: Commands,
    exported: tuple[str, str],
) -> None:
    """By their own requests: that the image was exported is another record."""
    assert read_sealed(ims, exported[0]).status == 200
    end = time.monotonic() + 60
    while "GET" not in (methods := _methods(service, commands, exported[0])):
        assert time.monotonic() < end, methods
        time.sleep(0.1)


def _methods(service: GlanceService, commands: Commands, image_id: str) -> list[str]:  # noqa: F811
    found = json.loads(commands.run(service, "audit", "--image", image_id, "--json").stdout)
    return [
        event["attachments"][0]["content"]["method"]
        for event in found
        if event["name"] == "exportImage"
    ]
