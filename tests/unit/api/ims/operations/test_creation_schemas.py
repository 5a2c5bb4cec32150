# SPDX-License-Identifier: Apache-2.0
"""Bounds and words of the bodies that create images."""

import jsonschema
import pytest

from ims_glance.api.ims.operations import creation_schemas as schemas

ID = "33333333-3333-3333-3333-333333333333"
FILE = {"name": "x", "image_url": "bucket:disk.raw", "min_disk": 40}
WITH_KEY = (schemas.IMAGE, schemas.DATA_IMAGE)
OF_FILES = {"image": schemas.IMAGE, "data": schemas.DATA_IMAGE, "quick": schemas.QUICK_IMPORT}
ALL = {**OF_FILES, "whole": schemas.WHOLE_IMAGE}


def _fits(schema, body):
    return jsonschema.Draft202012Validator(schema).is_valid(body)


@pytest.mark.parametrize("schema", ALL.values(), ids=ALL)
class TestAll:
    def test_examples(self, schema):
        jsonschema.Draft202012Validator.check_schema(schema)
        texts = {"description": "x", "tags": ["a.b"], "enterprise_project_id": "0"}
        assert _fits(schema, {**FILE, **texts, "image_tags": [{"key": "k", "value": None}]})
        assert _fits(schema, {**FILE, **dict.fromkeys(texts), "image_tags": None})
        assert _fits(schema, {**FILE, "something_new": [1]})

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": 5},
            {"description": 5},
            {"tags": "a"},
            {"tags": [5]},
            {"tags": ["a"] * 129},
            {"image_tags": {"key": "k"}},
            {"image_tags": [{"value": "v"}]},
            {"image_tags": [{"key": "k", "value": 1}]},
            {"enterprise_project_id": "?"},
            {"enterprise_project_id": 0},
        ],
    )
    def test_refusals(self, schema, changes):
        assert not _fits(schema, {**FILE, **changes})

    @pytest.mark.parametrize("body", [[], "x", None, 5])
    def test_no_object(self, schema, body):
        assert not _fits(schema, body)


@pytest.mark.parametrize("schema", OF_FILES.values(), ids=OF_FILES)
@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"min_disk": 1}, True),
        ({"access_key": "0123456789abcdef" * 2}, True),
        ({"access_key": None}, True),
        ({"access_key": ""}, False),
        ({"access_key": "x" * 129}, False),
        # Half of a surrogate pair, which no hash and no header can be made of.
        ({"access_key": "\ud800"}, False),
        ({"access_key": "a b"}, False),
        ({"min_disk": 0}, False),
        ({"min_disk": -1}, False),
        ({"min_disk": 1.5}, False),
        ({"min_disk": "40"}, False),
        ({"min_disk": True}, False),
        ({"min_disk": 2049}, False),
        ({"image_url": "bucket"}, False),
        ({"image_url": "bucket:a b"}, False),
        ({"image_url": 5}, False),
        ({"os_type": "Linux"}, True),
        ({"os_type": "Windows"}, True),
        ({"os_type": "linux"}, False),
    ],
)
def test_files(schema, changes, fits):
    assert _fits(schema, {**FILE, **changes}) == fits


@pytest.mark.parametrize(
    ("schema", "most"),
    [(schemas.IMAGE, 1024), (schemas.QUICK_IMPORT, 1024), (schemas.DATA_IMAGE, 2048)],
)
def test_largest_disks(schema, most):
    assert _fits(schema, {**FILE, "min_disk": most})
    assert not _fits(schema, {**FILE, "min_disk": most + 1})


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"volume_id": ID, "instance_id": None}, True),
        ({"volume_id": "v"}, False),
        ({"instance_id": 5}, False),
        ({"type": "IsoImage"}, True),
        ({"type": "iso"}, False),
        ({"hw_firmware_type": "uefi"}, True),
        ({"hw_firmware_type": "UEFI"}, False),
        ({"architecture": "arm"}, True),
        ({"architecture": "ppc"}, False),
        ({"os_type": "Other"}, True),
        ({"os_version": ""}, False),
        ({"os_version": 5}, False),
        ({"description": 5}, False),
        ({"os_version": "x" * 129}, False),
        ({"is_config": "true"}, False),
        ({"is_quick_import": True}, True),
        ({"min_ram": 2048, "max_ram": "4096"}, True),
        ({"min_ram": -1}, False),
        ({"max_ram": "much"}, False),
        ({"max_ram": 2**31}, False),
        ({"data_images": [{"name": "d", "volume_id": ID}]}, True),
        ({"data_images": [{"name": "d", "image_url": "bucket:d", "min_disk": 2048}]}, True),
        ({"data_images": [{"volume_id": ID}]}, False),
        ({"data_images": [{"name": "d", "min_disk": 2049}]}, False),
        ({"data_images": [{"name": "d"}] * 33}, False),
        ({"data_images": {"name": "d"}}, False),
    ],
)
def test_image(changes, fits):
    assert _fits(schemas.IMAGE, changes) == fits


@pytest.mark.parametrize("schema", WITH_KEY, ids=["image", "data"])
def test_keys(schema):
    assert _fits(schema, {**FILE, "cmk_id": "ims/default"})
    assert _fits(schema, {**FILE, "cmk_id": None})
    for bad in ("", 5, "x" * 256):
        assert not _fits(schema, {**FILE, "cmk_id": bad})


@pytest.mark.parametrize(
    ("schema", "required"),
    [
        (schemas.DATA_IMAGE, set(FILE)),
        (schemas.QUICK_IMPORT, set(FILE)),
        (schemas.WHOLE_IMAGE, {"name"}),
        (schemas.REGISTER, {"image_url"}),
    ],
)
def test_what_must_be_there(schema, required):
    assert set(schema["required"]) == required
    for name in required:
        assert not _fits(schema, {each: FILE[each] for each in required - {name}})


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"type": "DataImage", "license_type": "byol"}, True),
        ({"type": "BMS", "architecture": "x86"}, True),
        ({"type": "Ironic"}, False),
        ({"license_type": "free"}, False),
    ],
)
def test_quick_import(changes, fits):
    assert _fits(schemas.QUICK_IMPORT, {**FILE, **changes}) == fits


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"backup_id": ID, "whole_image_type": "CBR"}, True),
        ({"instance_id": ID, "vault_id": "v", "min_ram": 1024}, True),
        ({"whole_image_type": "VBS"}, False),
        ({"backup_id": "b"}, False),
    ],
)
def test_whole_image(changes, fits):
    assert _fits(schemas.WHOLE_IMAGE, {"name": "x", **changes}) == fits
