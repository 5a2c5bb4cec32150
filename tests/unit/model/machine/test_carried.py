# SPDX-License-Identifier: Apache-2.0
"""What goes out with a machine and comes in again: nothing that only the service says, whoever wrote it."""

import pytest

from ims_glance.model.image import attributes
from ims_glance.model.machine import carried

VIEW = {
    "id": "x",
    "name": "web",
    "min_ram": 512,
    "hw_disk_bus": "scsi",
    "hw_firmware_type": "uefi",
    "os_distro": "debian",
    "hw_mem_encryption": "true",
    "os_secure_boot": "required",
    "max_ram": "1024",
    "__support_largememory": "true",
    attributes.CMK_ID: "k",
    attributes.PRODUCT_CODE: "p",
    attributes.WHOLE_IMAGE: "true",
    attributes.DESCRIPTION: "mine",
    attributes.OS_VERSION: "CentOS 7.3 64bit",
    "block_device_mapping": "[]",
    "cinder_encryption_key_id": "k",
    "os_glance_importing_to_stores": "x",
    "note": "mine",
}
OUT = {
    "min_ram": "512",
    "hw_disk_bus": "scsi",
    "hw_firmware_type": "uefi",
    "os_distro": "debian",
    "hw_mem_encryption": "true",
    "os_secure_boot": "required",
    "max_ram": "1024",
    "__support_largememory": "true",
}


def test_out_and_in():
    assert carried.outward(VIEW) == OUT
    assert carried.inward({f"image {name}": value for name, value in OUT.items()}) == OUT


def test_what_others_write():
    facts = {f"image {name}": str(value) for name, value in VIEW.items()}
    assert carried.inward({**facts, "machine": "web", "hw_vif_model": "e1000"}) == OUT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw_firmware_type", "dos"),
        ("__support_largememory", "maybe"),
        ("hw_disk_bus", ""),
        ("hw_disk_bus", "a\nb"),
        ("hw_disk_bus", "a" * 101),
        ("hw_disk_bus", 1),
        ("max_ram", "much"),
        ("max_ram", "-1"),
        ("os_shutdown_timeout", "59"),
        ("os_shutdown_timeout", "soon"),
        ("img_signature", "x"),
        ("img_signature_certificate_uuid", "x"),
        ("img_block_device_mapping", "[]"),
        ("os_glance_failed_import", "x"),
        ("hw_" + "x" * 61, "x"),
        ("min_ram", "-1"),
        ("min_ram", "1" * 9),
        ("min_ram", "²"),
    ],
)
def test_values_that_are_none(name, value):
    assert carried.inward({f"image {name}": value}) == {}


def test_none_of_them_is_the_services_own():
    told = carried.inward({f"image {name}": "true" for name in attributes.SYSTEM})
    assert told == {}
