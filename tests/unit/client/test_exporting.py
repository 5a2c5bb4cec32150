# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.api.ims.operations import export
from ims_glance.client import exporting
from ims_glance.client.resources.image import Image
from ims_glance.model.machine import manifest

DISKS = {"qcow2", "vhd", "vmdk", "zvhd", "raw"}


@pytest.mark.parametrize(
    ("known", "there"),
    [
        ({}, {*DISKS, "zvhd2"}),
        ({"cmk_id": "k"}, {*DISKS, "sealed"}),
        ({"__whole_image": "true"}, {*DISKS, "zvhd2", "ova"}),
        ({"__whole_image": "true", "cmk_id": "k"}, {*DISKS, "sealed", "ova"}),
    ],
)
def test_an_image_has_what_the_service_takes_of_it(known, there):
    found = exporting.formats(Image(**known))
    assert set(found) == there
    assert len(found) == len(there)


def test_the_table_is_the_services():
    ours = {*exporting.DISK_FORMATS, exporting.OVA, exporting.SEALED}
    (operation, *_rest) = export.OPERATIONS
    assert operation.body is not None
    assert ours == {*operation.body["properties"]["file_format"]["enum"]} - {None}
    assert {*manifest.FORMATS} == {*exporting.DISK_FORMATS, exporting.SEALED, exporting.QUICK}


def test_a_quick_one_is_asked_for_by_no_name():
    assert exporting.asked("zvhd2") is None
    assert exporting.asked("vmdk") == "vmdk"
