# SPDX-License-Identifier: Apache-2.0
"""Exports: what is checked, although none is made yet."""

import jsonschema
import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operation import NotSupportedYet
from ims_glance.api.ims.operations import export
from ims_glance.model.image import attributes
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, OTHER


def _code(tmp_path, image_id=IMAGE, body=None, **changes):
    body = {"bucket_url": "bucket:x", **(body or {"file_format": "qcow2"})}
    conf = calls.configuration(tmp_path)
    call = calls.call(conf, calls.view(**changes), body=body, image_id=image_id)
    with pytest.raises(exceptions.ImsError) as refused:
        export.export_image(call)
    if refused.value.code == "IMG.0105":
        assert isinstance(refused.value, NotSupportedYet)
    return refused.value.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"file_format": "vmdk"}, "IMG.0105"),
        ({"file_format": "vmdk", "is_quick_export": False}, "IMG.0105"),
        ({"file_format": None, "is_quick_export": True}, "IMG.0105"),
        ({"file_format": None}, "IMG.0072"),
        ({"is_quick_export": False}, "IMG.0072"),
        ({"file_format": "vhd", "is_quick_export": True}, "IMG.0072"),
    ],
)
def test_format(tmp_path, body, code):
    assert _code(tmp_path, body=body) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"visibility": "public"}, "IMG.0077"),
        ({"owner": OTHER, "visibility": "shared"}, "IMG.0047"),
        ({"status": "queued"}, "IMG.0046"),
        ({attributes.VIRTUAL_ENV_TYPE: "IsoImage"}, "IMG.0167"),
        ({attributes.WHOLE_IMAGE: "true"}, "IMG.0128"),
        ({attributes.CMK_ID: "k"}, "IMG.0105"),
    ],
)
def test_what_the_image_is(tmp_path, changes, code):
    assert _code(tmp_path, **changes) == code


def test_unknown_image(tmp_path):
    assert _code(tmp_path, ABSENT) == "IMG.0027"


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"bucket_url": "bucket:a/b.zvhd", "file_format": "zvhd"}, True),
        ({"bucket_url": "bucket:x", "is_quick_export": True, "something_new": 1}, True),
        ({"bucket_url": "bucket:x", "file_format": "zvhd2"}, False),
        ({"bucket_url": "bucket:x", "file_format": "QCOW2"}, False),
        ({"bucket_url": "bucket:x", "is_quick_export": "true"}, False),
        ({"bucket_url": "bucket"}, False),
        ({"file_format": "qcow2"}, False),
    ],
)
def test_schema(body, fits):
    for operation in export.OPERATIONS:
        assert jsonschema.Draft202012Validator(operation.body).is_valid(body) == fits
