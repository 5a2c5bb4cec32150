# SPDX-License-Identifier: Apache-2.0
"""The data of images for copies in other regions, from a real Glance: whose, how much of it, and no more."""

import base64
import hashlib
import os
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from keystoneauth1 import session, token_endpoint

from ims_glance.clouds import rest
from ims_glance.clouds.image_frames import ImageFrames
from ims_glance.clouds.region import Region
from ims_glance.transfer import cuts, frames, held, reader
from ims_glance.transfer.frames import BadFrame, Cut, FrameKind, StreamCut
from tests.base import contents
from tests.functional import identity, stored
from tests.functional.client import Answer, Client
from tests.functional.conftest import MakeGlance
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService
from tests.functional.test_ims_images import assert_refused

MIB = 1 << 20
NOISE = random.Random(1).randbytes
DATA = NOISE(2 * MIB + 77) + bytes(3 * MIB) + b"all work and no play " * 100_000 + NOISE(MIB)


@pytest.fixture(scope="module")
def images(shared_glance_service: GlanceService) -> Iterator[dict[str, str]]:
    """An image of project ``demo`` in each kind of store, for tests that leave it as it is."""
    glance = shared_glance_service.client()
    key = shared_glance_service.vault.make("demo")
    made = {"plain": glance.create()["id"], "kms": glance.create(cmkid=key)["id"]}
    for image_id in made.values():
        glance.upload(image_id, DATA)
    yield made
    for image_id in made.values():
        glance.delete(image_id)


@pytest.fixture(params=["plain", "kms"])
def image(request: pytest.FixtureRequest, images: dict[str, str]) -> str:
    """Each of them."""
    return images[str(request.param)]


@pytest.fixture
def encrypted(glance: Client, key: str) -> Iterator[str]:
    """An encrypted image of a test's own."""
    made = str(glance.create(cmkid=key)["id"])
    glance.upload(made, DATA)
    yield made
    glance.delete(made)


def path(client: Client, image_id: str) -> str:
    return f"/v1/{client.caller.name}/images/{image_id}/frames"


def ask(client: Client, image_id: str, **body: object) -> Answer:
    return client.send("POST", path(client, image_id), json_body=body)


def packed(pieces: Iterable[bytes]) -> str:
    """What says that these are held."""
    return base64.b64encode(b"".join(sorted({held.piece_prefix(each) for each in pieces}))).decode()


PIECES = [DATA[place : place + frames.PIECE] for place in range(0, len(DATA), frames.PIECE)]


class TestData:
    def test_all_of_it(self, glance: Client, image: str) -> None:
        answer = ask(glance, image)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-OpenStack-Image-Size"] == str(len(DATA))
        assert len(answer.body) < 3 * MIB + 100_000
        found = list(reader.read([answer.body], 0, len(DATA), size=len(DATA), held=False))
        assert contents(found) == DATA
        assert {frame.kind for frame in found} == {FrameKind.ZERO, FrameKind.DATA}

    @pytest.mark.parametrize(
        ("offset", "length"),
        [(1, 1), (MIB, None), (100, 3 * MIB), (2 * MIB, 3 * MIB), (len(DATA), None), (7, 0)],
    )
    def test_a_range(self, glance: Client, image: str, offset: int, length: int | None) -> None:
        answer = ask(glance, image, offset=offset, length=length)
        expected = DATA[offset:][:length]
        found = reader.read([answer.body], offset, len(expected), size=len(DATA))
        assert contents(found) == expected

    def test_what_is_held_does_not_come(self, glance: Client, image: str) -> None:
        has = PIECES[3:20]
        answer = ask(glance, image, held=packed(has), compress=False)
        found = list(reader.read([answer.body], 0, len(DATA)))
        assert contents(found, has) == DATA
        assert sum(len(frame.pieces) for frame in found) == len(has)

    @pytest.mark.parametrize("cut", cuts.CONTENT, ids=lambda cut: cut.name)
    def test_what_lies_elsewhere_does_not_come(self, glance: Client, image: str, cut: Cut) -> None:
        own = list(cut.cut([b"x" * 4096 + DATA], 0))
        has = [each for each in own if each.strip(b"\0")]
        answer = ask(glance, image, held=packed(has), compress=False, cut=cut.name)
        assert len(answer.body) < 2 * cut.piece
        assert contents(reader.read([answer.body], 0, len(DATA), sizes=cut), has) == DATA

    def test_all_held_costs_next_to_nothing(self, glance: Client, image: str) -> None:
        answer = ask(glance, image, held=packed(PIECES))
        assert len(answer.body) < 2000
        assert contents(reader.read([answer.body], 0, len(DATA)), PIECES) == DATA

    def test_as_much_as_may_be_held(self, glance: Client, image: str) -> None:
        others = (number.to_bytes(8, "big") for number in range(held.HELD_LIMIT - 1))
        prefix = held.piece_prefix(PIECES[0])
        text = base64.b64encode(b"".join(sorted([*others, prefix]))).decode()
        answer = ask(glance, image, held=text)
        first = next(reader.read([answer.body], 0, len(DATA)))
        assert (first.kind, first.pieces) == (FrameKind.HELD, (prefix,))
        more = base64.b64encode(bytes(8 * held.HELD_LIMIT + 8)).decode()
        assert_refused(ask(glance, image, held=more), 400, "IMG.0016")
        assert_refused(ask(glance, image, held=" " * 6 * MIB), 400, "IMG.0016")

    def test_an_empty_image(self, glance: Client) -> None:
        made = glance.create()["id"]
        assert_refused(ask(glance, made), 400, "IMG.0046")
        glance.upload(made, b"")
        answer = ask(glance, made)
        assert list(reader.read([answer.body], 0, 0, size=0)) == []

    def test_the_image_stays_as_it_is(self, glance: Client, image: str) -> None:
        before = glance.show(image)
        ask(glance, image)
        assert glance.show(image) == before
        assert before["os_hash_value"] == hashlib.sha512(DATA).hexdigest()


class TestWhose:
    """Who may download an image may read its frames, and nobody else."""

    def test_another_projects(self, image: str, other: Client) -> None:
        assert_refused(ask(other, image), 404, "IMG.0027")

    def test_a_member_s(self, glance: Client, image: str, other: Client) -> None:
        glance.share(image, "other")
        answer = ask(other, image)
        assert contents(reader.read([answer.body], 0, len(DATA))) == DATA
        glance.call("DELETE", f"/v2/images/{image}/members/other")
        assert_refused(ask(other, image), 404, "IMG.0027")

    def test_whose_roles_do_not_do(self, glance: Client, image: str) -> None:
        # Who may only read may not download either: Glance's policy "download_image".
        reading = glance.as_(identity.READER)
        assert reading.send("GET", f"/v2/images/{image}/file").status == 403
        assert_refused(ask(reading, image), 403, "IMG.0026")
        nobody = glance.as_(identity.Caller("demo", ("nothing",)))
        assert_refused(ask(nobody, image), 403, "IMG.0026")

    def test_another_project_in_the_path(self, glance: Client, image: str) -> None:
        answer = glance.send("POST", f"/v1/other/images/{image}/frames", json_body={})
        assert_refused(answer, 400, "IMG.0067")

    @pytest.mark.parametrize("body", [{}, {"offset": 1}, {"offset": len(DATA)}])
    def test_a_deactivated_image(self, glance: Client, image: str, body: dict) -> None:
        glance.deactivate(image)
        answer = ask(glance, image, **body)
        assert_refused(answer, 403, "IMG.0026")
        assert "deactivated" in answer.json["error"]["message"]
        glance.reactivate(image)
        assert ask(glance, image, **body).status == 200

    def test_a_deleted_image(self, glance: Client) -> None:
        made = glance.create()["id"]
        glance.upload(made, DATA[:100])
        glance.delete(made)
        assert_refused(ask(glance, made), 404, "IMG.0027")


class Login(token_endpoint.Token):
    """A caller of the service, whose catalogue has nothing else."""

    def __init__(self, client: Client) -> None:
        super().__init__(f"http://{client.address}", client.caller.token)
        self._project = client.caller.name

    def get_project_id(self, _session: object) -> str:
        return self._project


def source(client: Client) -> ImageFrames:
    """The service, as a worker of another region sees it."""
    return ImageFrames(Region(session.Session(Login(client))).elsewhere("here"))


class TestClient:
    """What a worker of another region does."""

    def test_it_reads_an_image(self, glance: Client, image: str) -> None:
        region = source(glance)
        has = PIECES[3:20]
        told = base64.b64decode(packed(has))
        with region.open(image, len(DATA), held=told) as found:
            assert contents(found, has) == DATA
        assert region.received < 2 * MIB + 100_000
        with region.open(image, len(DATA), MIB, 70_000) as found:
            assert contents(found) == DATA[MIB:][:70_000]
        with region.open(image, len(DATA) + 1, MIB, 70_000) as found, pytest.raises(BadFrame):
            list(found)

    def test_it_is_refused(self, glance: Client, image: str, other: Client) -> None:
        with pytest.raises(rest.Missing), source(other).open(image, len(DATA)):
            pass
        glance.deactivate(image)
        with pytest.raises(rest.Refused, match="deactivated"):  # noqa: SIM117
            with source(glance).open(image, len(DATA)):
                pass
        glance.reactivate(image)

    def test_without_the_plugin_it_downloads(self, make_glance: MakeGlance) -> None:
        paste = "{root}/etc/glance-api-paste.ini"
        plain = {"paste_deploy": {"flavor": "keystone", "config_file": paste}}
        client = make_glance(plain).client()
        made = client.create()["id"]
        client.upload(made, DATA)
        region = source(client)
        for offset, length in ((0, len(DATA)), (MIB, 100), (len(DATA) - 7, None)):
            with region.open(made, len(DATA), offset, length, held=b"12345678") as found:
                assert contents(found) == DATA[offset:][:length]
        assert region.received == len(DATA) + 107
        with pytest.raises(rest.Missing):  # noqa: SIM117
            with region.open(identity.DEMO.name, len(DATA)):
                pass


class TestFailures:
    def test_a_damaged_image(
        self, glance: Client, glance_service: GlanceService, encrypted: str
    ) -> None:
        body = stored.find(glance_service.directories.kms, encrypted).body
        stored.flip(body, 3 * MIB)
        answer = ask(glance, encrypted)
        assert answer.status == 200
        came = bytearray()
        with pytest.raises(StreamCut):
            for frame in reader.read([answer.body], 0, len(DATA)):
                came += frame.data or bytes(frame.length)
        assert DATA.startswith(bytes(came))
        assert len(came) >= 2 * MIB
        # Whoever goes on from there is told why.
        answer = ask(glance, encrypted, offset=3 * MIB)
        assert_refused(answer, 400, "IMG.0057")
        assert "damaged" in answer.json["error"]["message"]
        # A worker does not wait for that to pass.
        with pytest.raises(rest.Refused) as refused:  # noqa: SIM117
            with source(glance).open(encrypted, len(DATA), 3 * MIB):
                pass
        assert refused.value.code == "IMG.0057"

    def test_data_that_is_gone(self, glance: Client, glance_service: GlanceService) -> None:
        made = glance.create()["id"]
        glance.upload(made, DATA[:100])
        (glance_service.directories.plain / made).unlink()
        assert_refused(ask(glance, made), 404, "IMG.0057")
        assert_refused(ask(glance, made, offset=4), 404, "IMG.0057")

    def test_a_key_manager_that_is_away(self, glance: Client, vault: Vault, encrypted: str) -> None:
        vault.away = True
        assert_refused(ask(glance, encrypted), 503, "IMG.0014")
        with pytest.raises(rest.ServiceUnavailable):  # noqa: SIM117
            with source(glance).open(encrypted, len(DATA)):
                pass
        vault.away = False
        assert ask(glance, encrypted).status == 200

    def test_a_client_that_goes_away(
        self, glance: Client, glance_service: GlanceService, vault: Vault
    ) -> None:
        large = NOISE(24 * MIB)
        for cmkid in ({}, {"cmkid": vault.make("demo")}):
            made = glance.create(**cmkid)["id"]
            glance.upload(made, large)
            response = glance.open("POST", path(glance, made), json_body={})
            assert response.read(1000)
            folder = glance_service.directories.kms if cmkid else glance_service.directories.plain
            assert _opened(glance_service, folder)
            response.close()
            end = time.monotonic() + 240
            while _opened(glance_service, folder):
                assert time.monotonic() < end, "the store's file is still open"
                time.sleep(0.05)
            glance.delete(made)

    def test_other_requests_do_not_wait_for_those_of_other_regions(self, glance: Client) -> None:
        """Of two processes with eight threads each, six send data, whoever asks; none is kept."""
        made = glance.create()["id"]
        glance.upload(made, NOISE(24 * MIB))
        opened = [glance.open("POST", path(glance, made), json_body={}) for _ in range(24)]
        sending = [each for each in opened if each.status == 200]
        asked_to_wait = [each for each in opened if each.status == 503]
        assert len(sending) <= 6
        assert len(sending) + len(asked_to_wait) == 24
        assert {each.headers["Retry-After"] for each in asked_to_wait} == {"2"}
        assert b"frame_requests" in asked_to_wait[0].read()
        begun = time.monotonic()
        assert glance.call("GET", "/v2/images").json["images"]
        assert time.monotonic() - begun < 100
        for each in opened:
            each.close()
        end = time.monotonic() + 240
        while (answer := ask(glance, made, length=1)).status == 503:
            assert time.monotonic() < end, answer.text
            time.sleep(0.1)
        glance.delete(made)

    @pytest.mark.parametrize(
        "body",
        [
            {"offset": len(DATA) + 1},
            {"offset": 1, "length": len(DATA)},
            {"offset": -1},
            {"offset": "1"},
            {"offset": 1.5},
            {"offset": 10**30},
            {"length": -1},
            {"held": 1},
            {"held": "x"},
            {"held": "AAAA"},
            {"held": base64.b64encode(bytes(16)).decode()},
            {"compress": "no"},
            {"cut": "content-by-moonlight"},
            {"ofset": 1},
        ],
    )  # fmt: skip
    def test_refusals(self, glance: Client, images: dict[str, str], body: dict) -> None:
        assert_refused(ask(glance, images["plain"], **body), 400, "IMG.0016")


def _opened(service: GlanceService, folder: Path) -> set[str]:
    """Files of a store that the service has open."""
    links = []
    for worker in service.workers:
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            try:
                links.append(os.readlink(descriptor))
            except OSError:
                continue
    return {link for link in links if link.startswith(str(folder))}
