# SPDX-License-Identifier: Apache-2.0
"""Files that are sealed images, as far as a request is answered at once; with a small object storage."""

import logging

import pytest

from ims_glance import exceptions
from ims_glance.api.common.image_keys import KeyIdInvalid
from ims_glance.api.ims.operations import creation, image_report
from ims_glance.crypto import sealed_file
from ims_glance.model.image import attributes, from_file
from tests.unit.api.ims import calls
from tests.unit.crypto import sealed_files

SYSTEM = "CentOS 7.3 64bit"
FILE = {"name": "image", "image_url": "bucket:s.ims", "min_disk": 40}
KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
SEALED = sealed_files.make(b"data" * 1000, {"k1": KEY, "k2": OTHER})


class Keys(calls.Keys):
    """With bytes.

    :ivar known: bytes, or why there are none, by id
    """

    def __init__(self):
        self.known = {"k1": KEY}

    def read(self, _context, value):
        """Id and bytes."""
        found = self.known.get(value, exceptions.KeyNotFound(key_id=value))
        if isinstance(found, Exception):
            raise found
        return value, found


@pytest.fixture
def make(site, server):
    server.objects |= {"s.ims": SEALED, "t.ims": SEALED, "plain": b"x" * 1000, "tiny": b"x"}

    def make(body, *views, **arguments):
        call = site.call(body, None, *views, **arguments)
        object.__setattr__(call.service, "keys", Keys())
        return call

    return make


def accepted(call, handler=creation.create_image):
    handler(call)
    [(_type, arguments, _entities, _creates)] = call.service.jobs.accepted
    return arguments


def refused(call, code, handler=creation.create_image):
    with pytest.raises(exceptions.ImsError) as error:
        handler(call)
    assert error.value.code == code
    assert call.service.jobs.accepted == []
    return str(error.value)


def test_it_stays_under_its_key(make):
    arguments = accepted(make(FILE))
    assert arguments["file"]["unseal_key"] == "k1"
    assert arguments["cmk_id"] == "id of k1"


def test_or_gets_the_one_that_is_named(make):
    arguments = accepted(make({**FILE, "cmk_id": "new"}))
    assert (arguments["file"]["unseal_key"], arguments["cmk_id"]) == ("k1", "id of new")


@pytest.mark.parametrize("url", ["bucket:plain", "bucket:tiny"])
def test_what_is_not_sealed(make, url):
    arguments = accepted(make({**FILE, "image_url": url}))
    assert "unseal_key" not in arguments["file"]
    assert arguments["cmk_id"] is None
    refused(make({**FILE, "image_url": url, "unseal_key": "k1"}), "IMG.0105")


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (creation.create_data_image, FILE),
        (creation.import_image_quick, {**FILE, "os_version": SYSTEM}),
    ],
)
def test_by_the_other_doors(make, handler, body):
    arguments = accepted(make(body), handler)
    assert (arguments["file"]["unseal_key"], arguments["cmk_id"]) == ("k1", "id of k1")


def test_as_a_data_disk(make):
    """Beside a system disk that is plain: all of them are encrypted then."""
    data = {"name": "data", "image_url": "bucket:s.ims", "min_disk": 40}
    arguments = accepted(make({**FILE, "image_url": "bucket:plain", "data_images": [data]}))
    assert arguments["data_files"][0]["file"]["unseal_key"] == "k1"
    assert arguments["cmk_id"] == "id of k1"


def test_a_key_of_one_of_several_files(make, server):
    server.objects["t.ims"] = sealed_files.make(b"more" * 1000, {"k2": OTHER})
    data = {"name": "data", "image_url": "bucket:t.ims", "min_disk": 40}
    call = make({**FILE, "data_images": [data], "unseal_key": "mine"})
    call.service.keys.known = {"mine": KEY, "k2": OTHER}
    arguments = accepted(call)
    told = [arguments["file"], arguments["data_files"][0]["file"]]
    assert [each["unseal_key"] for each in told] == ["mine", "k2"]


def test_each_of_several_files_stays_under_its_key(make, server):
    server.objects["s.ims"] = sealed_files.make(b"data" * 1000, {"k1": KEY})
    server.objects["t.ims"] = sealed_files.make(b"more" * 1000, {"k2": OTHER})
    data = [
        {"name": "data", "image_url": "bucket:t.ims", "min_disk": 40},
        {"name": "more", "image_url": "bucket:plain", "min_disk": 40},
    ]
    call = make({**FILE, "data_images": data, "unseal_key": ["mine", "yours"]})
    call.service.keys.known = {"mine": OTHER, "yours": KEY}
    arguments = accepted(call)
    files = [each["file"] for each in arguments["data_files"]]
    assert (arguments["file"]["unseal_key"], files[0]["unseal_key"]) == ("yours", "mine")
    assert (arguments["cmk_id"], files[0]["cmk_id"]) == ("id of yours", "id of mine")
    # What is plain comes under the key of the system disk.
    assert "cmk_id" not in files[1]


def test_sealing_takes_no_room(make):
    """What is exported comes in again, also where its data is as large as any."""
    body = {**FILE, "data_images": [{"name": "data", "image_url": "bucket:t.ims", "min_disk": 40}]}
    call, bounds = make(body), []

    def check(_self, _file, _size, is_sealed=False):
        bounds.append(is_sealed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(from_file.DiskBounds, "check_file", check)
        accepted(call)
        accepted(make({**FILE, "image_url": "bucket:plain"}))
    assert bounds == [True, True, False]


@pytest.mark.parametrize("source", ["volume_id", "instance_id"])
def test_sources_without_a_file(make, source):
    body = {"name": "image", source: calls.IMAGE, "os_version": SYSTEM, "unseal_key": "k1"}
    assert "unseal_key" in refused(make(body), "IMG.0105")


def test_a_word_that_is_no_key(make):
    call = make({**FILE, "unseal_key": "odd"})
    call.service.keys.known["odd"] = KeyIdInvalid(value="odd", default_key_name="d")
    text = refused(call, "IMG.0016")
    assert text.startswith("'unseal_key' must be the id of a key")
    assert "cmkid" not in text


def test_each_of_its_keys_is_asked_for_once(make, monkeypatch):
    call, asked = make(FILE), []
    monkeypatch.setattr(sealed_file.Head, "key_ids", ("k3",) * 3)
    read = call.service.keys.read

    def counted(context, value):
        asked.append(value)
        return read(context, value)

    monkeypatch.setattr(call.service.keys, "read", counted)
    refused(call, "IMG.0099")
    assert asked == ["k3"]


def test_a_check(make):
    call = make({"image_url": "bucket:s.ims"})
    assert accepted(call, image_report.check_image)["file"]["unseal_key"] == "k1"
    call = make({"image_url": "bucket:plain", "unseal_key": "k1"})
    refused(call, "IMG.0105", image_report.check_image)


def test_a_queued_image(make):
    queued = calls.view(status="queued", size=None, disk_format="raw", container_format="bare")
    body = {"image_url": "bucket:s.ims"}
    call = make(body, queued, image_id=calls.IMAGE)
    assert "__system__cmkid" in refused(call, "IMG.0105", creation.register_image)
    call = make(body, {**queued, attributes.CMK_ID: "k"}, image_id=calls.IMAGE)
    assert accepted(call, creation.register_image)["file"]["unseal_key"] == "k1"


def test_what_cannot_be_encrypted(make):
    for kind in ("BMS", "IsoImage"):
        call = make({**FILE, "type": kind, "os_version": SYSTEM})
        assert "stays encrypted" in refused(call, "IMG.0118")


def test_another_of_its_keys(make):
    call = make(FILE)
    call.service.keys.known = {
        "k1": exceptions.KeyDenied(key_id="k1"),
        "k2": OTHER,
    }
    assert accepted(call)["file"]["unseal_key"] == "k2"


def test_the_same_key_under_another_id(make):
    call = make({**FILE, "unseal_key": "mine"})
    call.service.keys.known = {"mine": KEY}
    arguments = accepted(call)
    assert (arguments["file"]["unseal_key"], arguments["cmk_id"]) == ("mine", "id of mine")


@pytest.mark.parametrize(
    "reason",
    [
        exceptions.KeyNotFound(key_id="k2"),
        exceptions.KeyDenied(key_id="k2"),
        exceptions.KeyUnusable(key_id="k2", reason="x"),
        KeyIdInvalid(value="k2", default_key_name="d"),
    ],
)
def test_a_key_that_the_caller_may_not_read(make, reason):
    call = make(FILE)
    call.service.keys.known = {"k2": reason}
    text = refused(call, "IMG.0099")
    assert "bucket:s.ims" in text
    assert "k1 or k2" in text
    assert str(reason) in text
    assert "--unseal-key" in text


def test_a_key_manager_that_is_away(make):
    call = make(FILE)
    call.service.keys.known = {"k1": exceptions.KeyManagerUnavailable(reason="x")}
    refused(call, "IMG.0014")


def test_a_key_that_is_named_has_to_do(make):
    refused(make({**FILE, "unseal_key": "absent"}), "IMG.0095")
    call = make({**FILE, "unseal_key": "wrong"})
    call.service.keys.known["wrong"] = bytes(32)
    assert "Key wrong does not open" in refused(call, "IMG.0097")


@pytest.mark.parametrize(
    "spoilt",
    [
        SEALED[:-1],
        SEALED + b"x",
        SEALED[:300],
        b"IMS-SEALED 2\n" + SEALED[13:],
        b"IMS-SEALED ",
        SEALED[:13] + b"{" * 100,
    ],
)
def test_what_cannot_be_opened(make, server, spoilt):
    server.objects["s.ims"] = spoilt
    refused(make(FILE), "IMG.0057")


def test_nothing_is_logged_of_a_key(make, caplog):
    caplog.set_level(logging.DEBUG)
    call = make(FILE)
    arguments = accepted(call)
    for secret in (KEY, sealed_files.DATA_KEY):
        assert secret.hex() not in caplog.text + repr(arguments)
        assert repr(secret) not in caplog.text + repr(arguments)
