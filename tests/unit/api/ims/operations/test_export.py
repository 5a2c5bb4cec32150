# SPDX-License-Identifier: Apache-2.0
"""Exports, as far as a request is answered at once; with a small object storage."""

import jsonschema
import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import export, sealed_image
from ims_glance.model import job as jobs
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import StoredJob
from ims_glance.model.server import Disk
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, OTHER


@pytest.fixture
def make(site):
    def make(body=None, image_id=IMAGE, url="bucket:x", **changes):
        view = calls.view(**{"disk_format": "raw", "size": 1 << 30, **changes})
        body = {"bucket_url": url, **(body or {"file_format": "qcow2"})}
        return site.call(body, None, view, image_id=image_id)

    return make


def _code(call):
    with pytest.raises(exceptions.ImsError) as refused:
        export.export_image(call)
    assert call.service.jobs.accepted == []
    return refused.value.code


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ({"file_format": "vmdk"}, "vmdk"),
        ({"file_format": "vhd", "is_quick_export": False}, "vhd"),
        ({"file_format": None, "is_quick_export": True}, "zvhd2"),
    ],
)
def test_accepted(make, body, form):
    call = make(body, url="bucket:a/ü.img", **{attributes.CMK_ID: None})
    answer = export.export_image(call)
    assert (answer.body, answer.image_ids) == ({"job_id": calls.JOB}, (IMAGE,))
    wanted = {"image_id": IMAGE, "bucket": "bucket", "object": "a/ü.img", "format": form}
    wanted["access_key"] = None
    entities = {"image_name": "image", "file": "bucket:a/ü.img"}
    assert call.service.jobs.accepted == [(jobs.EXPORT_IMAGE, wanted, entities, False)]


def test_an_encrypted_image_is_exported_as_ims_does_it(make):
    export.export_image(make(**{attributes.CMK_ID: "k"}))
    quickly = {"is_quick_export": True}
    assert _code(make(quickly, **{attributes.CMK_ID: "k"})) == "IMG.0071"


@pytest.mark.parametrize(
    "body",
    [
        {"file_format": None},
        {"is_quick_export": False},
        {"file_format": "vhd", "is_quick_export": True},
    ],
)
def test_format(make, body):
    assert _code(make(body)) == "IMG.0072"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"visibility": "public"}, "IMG.0077"),
        ({"owner": OTHER, "visibility": "shared"}, "IMG.0047"),
        ({"status": "queued"}, "IMG.0046"),
        ({attributes.VIRTUAL_ENV_TYPE: "IsoImage"}, "IMG.0167"),
        ({attributes.WHOLE_IMAGE: "true"}, "IMG.0128"),
        ({attributes.COMPONENT_OF: "w"}, "IMG.0128"),
        ({"disk_format": "qcow2"}, "IMG.0072"),
        ({"size": (128 << 30) + 1}, "IMG.0160"),
        ({"image_id": ABSENT}, "IMG.0027"),
        ({"url": "bucket:../x"}, "IMG.0075"),
        ({"url": "no-bucket:x"}, "IMG.0069"),
    ],
)
def test_refusals(make, changes, code):
    assert _code(make(**changes)) == code


@pytest.fixture
def whole(site):
    """A whole machine of two disks."""

    def whole(body=None, disk=None, url="bucket:x", **changes):
        parts = [Component(Disk(0, None, 40), calls.SECOND), Component(Disk(1, None, 1), OTHER)]
        view = calls.view(disk_format="raw", size=0, **whole_image.properties(parts), **changes)
        usual = {"disk_format": "raw", "size": 1 << 30, attributes.COMPONENT_OF: view["id"]}
        disks = [calls.view(**{**usual, "id": each.image_id, **(disk or {})}) for each in parts]
        call = site.call({"bucket_url": url, **(body or {})}, None, view, *disks)
        call.arguments["image_id"] = IMAGE
        return call

    return whole


@pytest.mark.parametrize("body", [{}, {"file_format": None}, {"file_format": "ova"}])
def test_a_whole_machine(whole, body):
    call = whole(body)
    export.export_image(call)
    [(_type, arguments, _entities, _creates)] = call.service.jobs.accepted
    assert arguments["format"] == "ova"


def test_one_disk_as_ova(make):
    call = make({"file_format": "ova"})
    export.export_image(call)
    [(_type, arguments, _entities, _creates)] = call.service.jobs.accepted
    assert arguments["format"] == "ova"


@pytest.mark.parametrize(
    ("body", "changes", "disk", "code"),
    [
        ({"file_format": "sealed"}, {}, {}, "IMG.0105"),
        ({"is_quick_export": True}, {}, {attributes.CMK_ID: "k"}, "IMG.0071"),
        ({"file_format": "qcow2"}, {}, {"disk_format": "qcow2"}, "IMG.0072"),
        ({"file_format": "raw"}, {}, {"size": (512 << 30) + 1}, "IMG.0160"),
        ({"is_quick_export": True, "file_format": "ova"}, {}, {}, "IMG.0072"),
        ({}, {attributes.PRODUCT_CODE: "p"}, {}, "IMG.0079"),
        ({}, {}, {attributes.PRODUCT_CODE: "p"}, "IMG.0079"),
        ({}, {}, {attributes.COMPONENT_OF: "another"}, "IMG.0128"),
        ({}, {}, {"disk_format": "qcow2"}, "IMG.0072"),
        ({}, {}, {"size": (512 << 30) + 1}, "IMG.0160"),
    ],
)
def test_whole_machines_that_are_not_exported(whole, body, changes, disk, code):
    assert _code(whole(body, disk, **changes)) == code


def test_a_whole_machine_with_more_disks_than_come_in_again(whole):
    call = whole()
    call.service.conf.set_override("most_disks", 1, group="ims_files")
    assert _code(call) == "IMG.0160"


@pytest.mark.parametrize(
    ("body", "form"),
    [
        *(({"file_format": each}, each) for each in ("qcow2", "vhd", "vmdk", "zvhd", "raw")),
        ({"is_quick_export": True}, "zvhd2"),
    ],
)
def test_one_object_a_disk(whole, body, form):
    call = whole(body, url="bucket:a/web")
    export.export_image(call)
    [(_type, arguments, entities, _creates)] = call.service.jobs.accepted
    assert (arguments["format"], arguments["disk_format"]) == ("disks", form)
    assert (arguments["object"], entities["file"]) == ("a/web.json", "bucket:a/web.json")


def test_sealed_disks(whole, monkeypatch):
    monkeypatch.setattr(sealed_image, "may", lambda *_: True)
    call = whole({"file_format": "sealed"}, {attributes.CMK_ID: "k"})
    export.export_image(call)
    [(_type, arguments, _entities, _creates)] = call.service.jobs.accepted
    assert (arguments["format"], arguments["disk_format"]) == ("disks", "sealed")


@pytest.mark.parametrize("name", ["web.json", "web-disk1.qcow2", "web-disk2.qcow2"])
def test_none_of_the_objects_may_be_there(whole, server, name):
    server.objects[name] = b"mine"
    assert _code(whole({"file_format": "qcow2"}, url="bucket:web")) == "IMG.0070"


def test_a_whole_machine_whose_disk_is_gone(whole):
    call = whole()
    del call.service.images.views[OTHER]
    assert _code(call) == "IMG.0027"


def test_larger_ones_quickly(make):
    export.export_image(make({"is_quick_export": True}, size=(128 << 30) + 1))
    assert _code(make({"is_quick_export": True}, size=(1024 << 30) + 1)) == "IMG.0160"


def test_no_s3(make):
    assert _code(make({"file_format": "vhd", "access_key": "a" * 32})) == "IMG.0105"


def test_a_file_that_is_there(make, server):
    server.objects["x"] = b"mine"
    assert _code(make()) == "IMG.0070"


def test_one_at_a_time(make):
    call = make()
    running = StoredJob("j", jobs.EXPORT_IMAGE, calls.PROJECT, "u", arguments={"image_id": IMAGE})
    call.service.jobs.there = [running]
    assert _code(call) == "IMG.0148"


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"bucket_url": "bucket:a/b.zvhd", "file_format": "zvhd"}, True),
        ({"bucket_url": "bucket:x", "is_quick_export": True, "something_new": 1}, True),
        ({"bucket_url": "bucket:x", "file_format": "ova"}, True),
        ({"bucket_url": "bucket:x", "file_format": "raw"}, True),
        ({"bucket_url": "bucket:x", "file_format": "zvhd2"}, False),
        ({"bucket_url": "bucket:x", "file_format": "QCOW2"}, False),
        ({"bucket_url": "bucket:x", "is_quick_export": "true"}, False),
        ({"bucket_url": "bucket:x", "file_format": "vhd", "access_key": "a" * 32}, True),
        ({"bucket_url": "bucket:x", "file_format": "vhd", "access_key": "a b"}, False),
        ({"bucket_url": "bucket"}, False),
        ({"file_format": "qcow2"}, False),
    ],
)
def test_schema(body, fits):
    for operation in export.OPERATIONS:
        assert jsonschema.Draft202012Validator(operation.body).is_valid(body) == fits
