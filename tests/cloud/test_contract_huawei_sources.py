# SPDX-License-Identifier: Apache-2.0
"""Operations on what is not there: no such server, backup or file."""

import pytest
from huaweicloudsdkims import v2

from tests.cloud import client_shell, huawei
from tests.cloud.huawei import LINUX, NOBODY, refused


@pytest.fixture(scope="module")
def ims(demo):
    return huawei.client(demo)


@pytest.fixture(scope="module")
def images(demo):
    """The ids of an active and of a queued image."""
    with client_shell.image(demo, "contract-later") as image_id:
        queued = demo.image.create_image(name="contract-later", disk_format="raw")
        yield image_id, queued.id
        demo.image.delete_image(queued)


_FILE = "bucket:folder/object.qcow2"
_DATA_FILE = {"name": "x", "image_url": _FILE, "min_disk": 40}
_QUICK = {"name": "x", "image_url": _FILE, "min_disk": 40, "os_version": LINUX}


def _of_files(ims):
    """Calls of operations that make images of files."""
    data = v2.CreateDataImageRequestBody(**_DATA_FILE)
    file = v2.CreateImageRequestBody(**_DATA_FILE, os_version=LINUX)
    quick = v2.QuickImportImageByFileRequestBody(**_QUICK)
    return {
        "file": lambda: ims.create_image(v2.CreateImageRequest(file)),
        "file safely": lambda: ims.create_image_in_safe_mode(v2.CreateImageInSafeModeRequest(file)),
        "data": lambda: ims.create_data_image(v2.CreateDataImageRequest(data)),
        "data safely": lambda: ims.create_data_image_in_safe_mode(
            v2.CreateDataImageInSafeModeRequest(data)
        ),
        "quick": lambda: ims.import_image_quick(v2.ImportImageQuickRequest(quick)),
        "quick safely": lambda: ims.import_image_quick_in_safe_mode(
            v2.ImportImageQuickInSafeModeRequest(quick)
        ),
    }


def _of_images(ims, image_id="", queued_id=""):
    """Calls of operations on what is there, with buckets that are not."""
    export = v2.ExportImageRequestBody("bucket:object", "qcow2")
    return {
        "register": lambda: ims.register_image(
            v2.RegisterImageRequest(queued_id, v2.RegisterImageRequestBody(_FILE))
        ),
        "export": lambda: ims.export_image(v2.ExportImageRequest(image_id, export)),
        "export safely": lambda: ims.export_image_in_safe_mode(
            v2.ExportImageInSafeModeRequest(image_id, export)
        ),
    }


@pytest.mark.pocket
@pytest.mark.parametrize("operation", _of_files(None))
def test_files_that_are_not_there(ims, operation):
    with refused("IMG.0057", 404):
        _of_files(ims)[operation]()


@pytest.mark.pocket
@pytest.mark.parametrize("operation", ["export", "export safely"])
def test_buckets_that_are_not_there(ims, images, operation):
    with refused("IMG.0069", 404):
        _of_images(ims, *images)[operation]()


@pytest.mark.pocket
def test_images_without_data_of_a_file_that_is_not_there(ims, images):
    with refused("IMG.0057", 404):
        _of_images(ims, *images)["register"]()


@pytest.mark.pocket
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "IMG.0179"),
        ({"region": "Mars"}, "IMG.0108"),
        ({"region": "RegionOne"}, "IMG.0016"),
        ({"project_name": "nobody"}, "IMG.0067"),
        ({"name": "<"}, "IMG.0003"),
    ],
)
def test_copies_in_other_regions(ims, images, demo, changes, code):
    """What it takes to make one is looked for in Keystone and in its catalogue."""
    project = demo.config.config["auth"]["project_name"]
    usual = {"name": "x", "region": "RegionTwo", "project_name": project, "agency_name": "none"}
    body = v2.CopyImageCrossRegionRequestBody(**{**usual, **changes})
    with refused(code):
        ims.copy_image_cross_region(v2.CopyImageCrossRegionRequest(images[0], body))


@pytest.mark.parametrize("operation", ["register", "export", "export safely"])
def test_what_is_found_out_nevertheless(ims, operation):
    with refused("IMG.0027", 404):
        _of_images(ims, NOBODY, NOBODY)[operation]()


def test_their_bodies_are_checked_nevertheless(ims):
    with refused("IMG.0013"):
        body = v2.CreateDataImageRequestBody(image_url=_FILE, min_disk=40)
        ims.create_data_image(v2.CreateDataImageRequest(body))
    for min_disk in (0, 2049):
        with refused() as said:
            body = v2.CreateDataImageRequestBody(**{**_DATA_FILE, "min_disk": min_disk})
            ims.create_data_image(v2.CreateDataImageRequest(body))
        assert said.value.error_code != "IMG.0105"
    with refused() as said:
        body = v2.CreateWholeImageRequestBody(name="x", instance_id=NOBODY, backup_id=NOBODY)
        ims.create_whole_image(v2.CreateWholeImageRequest(body))
    assert said.value.error_code != "IMG.0105"


@pytest.mark.parametrize(
    ("source", "code"), [("instance_id", "IMG.0005"), ("backup_id", "IMG.0020")]
)
@pytest.mark.volumes
def test_whole_machines_of_nothing(ims, source, code):
    body = v2.CreateWholeImageRequestBody(name="x", **{source: NOBODY})
    with refused(code, 404):
        ims.create_whole_image(v2.CreateWholeImageRequest(body))


@pytest.mark.volumes
def test_images_of_no_server(ims):
    with refused("IMG.0005", 404):
        body = v2.CreateImageRequestBody(name="x", instance_id=NOBODY)
        ims.create_image(v2.CreateImageRequest(body))
    with refused("IMG.0120", 404):
        body = v2.CreateImageRequestBody(data_images=[v2.CreateDataImage("x", NOBODY)])
        ims.create_image(v2.CreateImageRequest(body))
