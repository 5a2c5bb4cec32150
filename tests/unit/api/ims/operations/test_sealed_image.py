# SPDX-License-Identifier: Apache-2.0
"""Encrypted images as they lie in their store: whose, from where on, and that the store is let go of."""

import hashlib

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import export, sealed_image
from ims_glance.crypto.sealed_file import DataFacts
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk
from ims_glance.store import sealed_copy
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, OTHER

FILE = b"sealed" * 1000


class Copy:
    """A file.

    :ivar closed: how often it was
    """

    size = len(FILE)
    etag = hashlib.sha256(FILE).hexdigest()

    def __init__(self, fails=False):
        self.closed = 0
        self.fails = fails

    def chunks(self, offset=0):
        yield FILE[offset : offset + 1000]
        if self.fails == "behind its head":
            raise exceptions.ObjectDamaged(object_id="x", reason="it is short")
        yield FILE[offset + 1000 : offset + 3000]
        if self.fails:
            raise OSError("gone")
        yield FILE[offset + 3000 :]

    def close(self):
        self.closed += 1


@pytest.fixture
def opened(monkeypatch):
    """What was opened: image, facts, file."""
    found = []

    def of_image(_conf, image_id, facts):
        found.append((image_id, facts, Copy()))
        return found[-1][2]

    monkeypatch.setattr(sealed_copy, "of_image", of_image)
    monkeypatch.setattr(sealed_image, "may", lambda _context, rule, _image: rule != "denied")
    return found


def ask(tmp_path, query=None, image_id=IMAGE, **changes):
    said = {"disk_format": "raw", attributes.CMK_ID: "k", "os_hash_algo": "sha512"}
    view = calls.view(**{**said, "os_hash_value": "ab", "checksum": "cd", **changes})
    conf = calls.configuration(tmp_path)
    return sealed_image.read_sealed_image(
        calls.call(conf, view, query=query, project_id=calls.PROJECT, image_id=image_id)
    )


@pytest.mark.parametrize("offset", [0, 1, 3500, len(FILE) - 1])
def test_from_anywhere(tmp_path, opened, offset):
    answer = ask(tmp_path, {"offset": str(offset)} if offset else {})
    assert b"".join(answer.stream) == FILE[offset:]
    assert answer.headers == {
        "Content-Length": str(len(FILE) - offset),
        "ETag": f'"{Copy.etag}"',
    }
    [(image_id, facts, copy)] = opened
    assert (image_id, facts) == (IMAGE, DataFacts(4, "raw", "sha512", "ab"))
    assert copy.closed == 1


@pytest.fixture
def disk(tmp_path):
    """Asks for a disk of a whole machine."""

    def disk(of=(IMAGE,), **changes):
        parts = [Component(Disk(number, None, 1), each) for number, each in enumerate(of)]
        whole = calls.view(calls.SECOND, **{**whole_image.properties(parts), **changes})
        said = {"disk_format": "raw", attributes.CMK_ID: "k", attributes.COMPONENT_OF: whole["id"]}
        views = [whole, calls.view(**said)]
        conf = calls.configuration(tmp_path)
        return sealed_image.read_sealed_image(
            calls.call(conf, *views, project_id=calls.PROJECT, image_id=IMAGE)
        )

    return disk


def test_a_disk_of_a_whole_machine(disk, opened):
    assert b"".join(disk().stream) == FILE


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"of": (ABSENT,)}, "IMG.0128"),
        ({"status": "queued"}, "IMG.0046"),
        ({attributes.PRODUCT_CODE: "p"}, "IMG.0079"),
        ({"owner": OTHER, "visibility": "shared"}, "IMG.0047"),
    ],
)
def test_a_disk_that_does_not_go_with_it(disk, opened, changes, code):
    with pytest.raises(exceptions.ImsError) as refused:
        disk(**changes)
    assert (refused.value.code, opened) == (code, [])


def test_what_glance_knows_of_old_images():
    view = calls.view(disk_format="raw", os_hash_algo=None, os_hash_value=None, checksum="cd")
    assert sealed_image.facts(view) == DataFacts(4, "raw", "md5", "cd")
    assert sealed_image.facts({**view, "checksum": None}).digest == ""


def test_behind_the_end(tmp_path, opened):
    with pytest.raises(exceptions.Invalid, match="nothing from byte 6000"):
        ask(tmp_path, {"offset": "6000"})
    assert opened[0][2].closed == 1


def test_a_client_that_goes_away(tmp_path, opened):
    stream = ask(tmp_path).stream
    assert next(iter(stream))
    stream.close()
    assert opened[0][2].closed


def test_a_store_that_fails_behind_the_head_is_told_of(tmp_path, opened, monkeypatch):
    copy = Copy("behind its head")
    monkeypatch.setattr(sealed_copy, "of_image", lambda *_arguments: copy)
    with pytest.raises(exceptions.ObjectDamaged):
        ask(tmp_path)
    assert copy.closed == 1


def test_a_store_that_fails_makes_it_shorter(tmp_path, opened, caplog):
    stream = ask(tmp_path).stream
    opened[0][2].fails = True
    assert len(b"".join(stream)) == 3000
    assert opened[0][2].closed == 1
    assert "broken off" in caplog.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({attributes.CMK_ID: None}, "IMG.0105"),
        ({"visibility": "public"}, "IMG.0077"),
        ({"owner": OTHER, "visibility": "shared"}, "IMG.0047"),
        ({"status": "queued", "size": None}, "IMG.0046"),
        ({attributes.PRODUCT_CODE: "p"}, "IMG.0079"),
        ({attributes.WHOLE_IMAGE: "true"}, "IMG.0128"),
        ({"image_id": ABSENT}, "IMG.0027"),
    ],
)
def test_refusals(tmp_path, opened, changes, code):
    with pytest.raises(exceptions.ImsError) as refused:
        ask(tmp_path, **changes)
    assert (refused.value.code, opened) == (code, [])


def test_whoever_may_not_download_may_not_have_it_sealed(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(sealed_image, "may", lambda _context, rule, _image: False)
    with pytest.raises(exceptions.Forbidden, match="download_image"):
        ask(tmp_path)
    assert opened == []


def test_exports_are_held_to_the_same(site, monkeypatch):
    """And are of any format that Glance has, and as large as quick ones."""
    said = {"disk_format": "qcow2", "size": 1000 << 30}
    body = {"bucket_url": "bucket:x", "file_format": "sealed"}
    monkeypatch.setattr(sealed_image, "may", lambda _context, rule, _image: True)
    view = calls.view(**said, **{attributes.CMK_ID: "k"})
    call = site.call(body, None, view, image_id=IMAGE)
    export.export_image(call)
    assert call.service.jobs.accepted[0][1]["format"] == "sealed"
    for changes, code in (
        ({attributes.CMK_ID: None}, "IMG.0105"),
        ({"size": 1 << 50}, "IMG.0160"),
        ({"disk_format": "iso"}, "IMG.0072"),
    ):
        call = site.call(body, None, {**view, **changes}, image_id=IMAGE)
        with pytest.raises(exceptions.ImsError) as refused:
            export.export_image(call)
        assert refused.value.code == code
