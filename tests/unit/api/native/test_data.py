# SPDX-License-Identifier: Apache-2.0
"""What uploads and imports cost, and how they are read; where data goes is tested in a real Glance."""

import dataclasses
import io
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.common.image import Images
from ims_glance.api.native import data
from ims_glance.api.native.call import NativeCall
from ims_glance.model.copy import EXPECTED_HEADER, RECEIVED_HEADER, Digest
from ims_glance.model.image import stores
from ims_glance.store import expected
from tests.base import checksum
from tests.unit.api.native.test_image import KEY, Glance, Keys, make_call

IMAGE = "71c675ab-d94f-49cd-a114-e12490b328d9"


class Unreadable(io.RawIOBase):
    """A body that must not be read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise AssertionError("the body was read")


def asking_for(image_id: str, glance: Glance, may_hold: bool = True) -> NativeCall:
    """A download."""
    glance.path = f"/v2/images/{image_id}"
    return dataclasses.replace(
        make_call(glance, method="GET"),
        image_path=glance.path,
        records=mock.Mock(may_hold_product=lambda asked: may_hold and asked == image_id),
    )


@pytest.mark.parametrize(
    ("image_id", "may_hold", "looks"),
    [
        (IMAGE, False, 0),
        (IMAGE, True, 1),
        # Glance says what that is.
        ("no-id", False, 1),
    ],
)
def test_a_download_costs_a_look_at_the_image_only_where_a_product_may_be(
    image_id: str, may_hold: bool, looks: int
) -> None:
    glance = Glance()
    data.download(asking_for(image_id, glance, may_hold))
    assert glance.asked == looks


def test_a_product_is_not_downloaded() -> None:
    with pytest.raises(exceptions.ImsError) as caught:
        data.download(asking_for(IMAGE, Glance(__productcode="c" * 32)))
    assert caught.value.code == "IMG.0079"


@pytest.mark.parametrize("status", ["queued", "active", "saving", "uploading", "deactivated"])
def test_upload_costs_one_look_at_the_image(status: str) -> None:
    glance, keys = Glance(status=status, __system__cmkid=KEY), Keys()
    call = make_call(glance, keys, method="PUT")
    call.request.body_file = Unreadable()
    data.upload(call)
    assert glance.asked == 1
    assert call.request.headers["X-Image-Meta-Store"] == "kms"
    # Glance refuses the other statuses itself.
    assert keys.asked == ([KEY] if status == "queued" else [])


def test_upload_is_refused_whatever_the_status_is() -> None:
    """It may be another one by the time Glance looks."""
    for status in ("queued", "saving", "active"):
        call = make_call(
            Glance(status=status, __system__cmkid=KEY),
            method="PUT",
            headers={"X-Image-Meta-Store": "plain"},
        )
        with pytest.raises(exceptions.StoreNotEncrypting):
            data.upload(call)


def test_the_default_key_is_not_shown_when_disks_are_named_meanwhile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(data, "may", lambda *_: True)
    recorded = []
    monkeypatch.setattr(Images, "record_key", lambda *_, shown: recorded.append(shown))
    glance = Glance()

    class Slow(Keys):
        def default_key(self, context: Any) -> str:
            glance.image["block_device_mapping"] = '[{"snapshot_id": "s"}]'
            return KEY

    call = make_call(glance, Slow(), method="PUT", headers={"X-Image-Meta-Store": "kms"})
    locks = f"file://{tmp_path}"
    call.limits.conf.set_override("coordination_url", locks, group="ims_kms")
    data.upload(call)
    assert recorded == [False]


@pytest.mark.parametrize(
    ("view", "recorded"),
    [
        ({"stores": "kms"}, [True]),
        # A plain copy goes on, of which Glance has not said yet where it goes.
        ({"stores": "kms", "os_glance_import_task": "t"}, []),
        ({"stores": "kms", "os_glance_import_task": "t", "__system__cmkid": KEY}, []),
        ({"stores": "kms", "os_glance_importing_to_stores": "plain"}, []),
    ],
)
def test_a_key_is_not_shown_while_a_plain_copy_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, view: dict[str, str], recorded: list[bool]
) -> None:
    monkeypatch.setattr(data, "may", lambda *_: True)
    done = []
    monkeypatch.setattr(Images, "record_key", lambda *_, shown: done.append(shown))
    glance = Glance(status="active", __store_key=KEY, **view)
    body = {"method": {"name": "copy-image"}, "stores": ["kms"]}
    call = make_call(glance, Keys(), json_body=body)
    locks = f"file://{tmp_path}"
    call.limits.conf.set_override("coordination_url", locks, group="ims_kms")
    data.import_(call)
    assert done == recorded


@pytest.mark.parametrize("status", ["queued", "uploading", "active", "importing"])
@pytest.mark.parametrize("method", ["glance-direct", "web-download", "copy-image"])
def test_import_asks_for_keys_when_data_can_move(status: str, method: str) -> None:
    glance, keys = Glance(status=status, __system__cmkid=KEY), Keys()
    call = make_call(glance, keys, json_body={"method": {"name": method}})
    data.import_(call)
    assert call.request.json == {"method": {"name": method}, "stores": ["kms"]}
    moves = {"active"} if method == "copy-image" else {"queued", "uploading"}
    assert keys.asked == ([KEY] if status in moves else [])


METHOD = {"method": {"name": "glance-direct"}}


@pytest.mark.parametrize(
    ("body", "header", "wish"),
    [
        ({}, None, stores.StoreChoice()),
        ({}, "kms", stores.StoreChoice(("kms",))),
        ({}, "", stores.StoreChoice(("",))),
        ({"stores": ["kms", "plain"]}, None, stores.StoreChoice(("kms", "plain"))),
        ({"stores": []}, None, stores.StoreChoice(())),
        ({"stores": {"kms": 0}}, None, stores.StoreChoice(("kms",))),
        ({"stores": "kms"}, None, stores.StoreChoice(("k", "m", "s"))),
        ({"stores": [["kms"], 5]}, None, stores.StoreChoice(("['kms']", "5"))),
        ({"all_stores": False, "stores": ["kms"]}, None, stores.StoreChoice(("kms",))),
        ({"all_stores": True}, None, stores.StoreChoice(("plain", "kms", "kms2"))),
        # Left to Glance, which refuses it.
        ({"all_stores": True, "stores": []}, None, None),
        ({"all_stores": True}, "kms", None),
        ({"all_stores": 1}, None, None),
        ({"all_stores": "true"}, None, None),
        ({"stores": ["kms"]}, "kms", None),
        ({"stores": 5}, "kms", None),
    ],
)
def test_stores_of_an_import(
    body: dict[str, Any], header: str | None, wish: stores.StoreChoice | None
) -> None:
    headers = {} if header is None else {"X-Image-Meta-Store": header}
    call = make_call(Glance(), headers=headers)
    assert data._import_wish(call, {**METHOD, **body}, copies=False) == wish


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"method": {}},
        {"method": {"name": 5}},
    ],
)
def test_malformed_import_is_left_alone(body: Any) -> None:
    glance = Glance(__system__cmkid=KEY)
    data.import_(make_call(glance, json_body=body))
    assert glance.asked == 0


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"method": None}, "method"),
        ({"method": "x"}, "method"),
        ({"method": [5]}, "method"),
        ({"method": {"name": "web-download", "uri": 5}}, "uri"),
        ({**METHOD, "stores": None}, "stores"),
        ({**METHOD, "stores": 5}, "stores"),
    ],
)
def test_import_at_which_glance_fails(body: Any, name: str) -> None:
    glance = Glance(__system__cmkid=KEY)
    with pytest.raises(data.ImportMalformed, match=name):
        data.import_(make_call(glance, json_body=body))
    assert glance.asked == 0


# --- what arrives of our worker's uploads; a real Glance reads them in the functional tests --------------

DATA = bytes(range(256)) * 20


def told(call: NativeCall, status: int = 204) -> str | None:
    response = webob.Response(status=status)
    for effect in call.effects:
        effect(response)
    answer: str | None = response.headers.get(RECEIVED_HEADER)
    return answer


def uploading(**request: Any) -> NativeCall:
    call = make_call(Glance(), method="PUT", body=DATA, **request)
    data._tell(call)
    return call


@pytest.mark.parametrize("size", [1, 1000, len(DATA), -1])
def test_it_is_of_all_that_was_read(size: int) -> None:
    call = uploading()
    body = call.request.environ["wsgi.input"]
    assert b"".join(iter(lambda: body.read(size), b"")) == DATA
    assert told(call) == checksum(DATA)


def test_glance_reads_it_as_it_comes_and_not_beyond_its_end() -> None:
    call = uploading()
    call.request.is_body_readable = True
    body = call.request.environ["wsgi.input"]
    assert call.request.body_file is body
    body._body = io.BytesIO(DATA + b"the next request")
    assert body.read(len(DATA) + 5) == DATA
    assert body.read(1) == body.read() == b""


def test_an_empty_image() -> None:
    call = make_call(Glance(), method="PUT", body=b"", headers={"Content-Length": "0"})
    data._tell(call)
    assert told(call) == checksum(b"")


def test_a_client_that_goes_away_is_no_end_of_its_image() -> None:
    call = uploading()
    body = call.request.environ["wsgi.input"]
    body._body = io.BytesIO(DATA[:-7])
    assert body.read(len(DATA)) == DATA[:-7]
    with pytest.raises(OSError, match="went away with 7 bytes"):
        body.read(1)


@pytest.mark.parametrize("read", [0, 1, len(DATA) - 1])
def test_nothing_is_told_of_a_part(read: int) -> None:
    call = uploading()
    call.request.environ["wsgi.input"].read(read)
    assert told(call) is None


def test_nothing_is_told_of_a_refusal() -> None:
    call = uploading()
    call.request.environ["wsgi.input"].read()
    assert told(call, 409) is None


def test_glance_reads_chunks_elsewhere() -> None:
    call = uploading(headers={"Transfer-Encoding": "chunked"})
    assert isinstance(call.request.environ["wsgi.input"], io.BytesIO)
    assert not call.effects


def expectation(text: str) -> NativeCall:
    return make_call(Glance(), method="PUT", body=DATA, headers={EXPECTED_HEADER: text})


def test_what_is_expected_is_expected_until_glance_has_answered() -> None:
    call = expectation(Digest(1, "x").to_text())
    with call.held:
        data._expect(call)
        with pytest.raises(expected.DataDiffers):
            expected.check(Digest(1, "y"))
        expected.check(Digest(1, "x"))
    expected.check(Digest(1, "y"))


def test_nothing_is_expected() -> None:
    call = make_call(Glance(), method="PUT", body=DATA)
    with call.held:
        data._expect(call)
        expected.check(Digest(1, "y"))


def test_an_expectation_that_is_none() -> None:
    call = expectation("sha512")
    with call.held, pytest.raises(data.ExpectationMalformed, match="X-IMS-Expected"):
        data._expect(call)
    expected.check(Digest(1, "y"))
