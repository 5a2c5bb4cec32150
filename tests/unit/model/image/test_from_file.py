# SPDX-License-Identifier: Apache-2.0
"""Images of files: what they may ask for, and what they say of themselves."""

import pytest

from ims_glance import exceptions
from ims_glance.crypto import sealed_file, stream
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, from_file
from ims_glance.model.image.from_file import GIB, DiskBounds, Purpose

FILE = BucketFile("bucket", "a/disk.iso")
BOUNDS = DiskBounds("system", 40, 1024, 128, ", or more by magic")
LEAST = {"purpose": "FusionCompute", "name": "x", "min_disk": 40}


def refused(code, check, *arguments):
    with pytest.raises(exceptions.ImsError) as error:
        check(*arguments)
    assert error.value.code == code
    return str(error.value)


class TestBounds:
    @pytest.mark.parametrize("size", [40, 41, 1024])
    def test_disks(self, size):
        assert BOUNDS.check_disk(size) == size

    @pytest.mark.parametrize("size", [None, 0, 39, 1025])
    def test_no_disks(self, size):
        refused("IMG.0055", BOUNDS.check_disk, size)

    def test_files(self):
        BOUNDS.check_file(FILE, 1)
        BOUNDS.check_file(FILE, 128 * GIB)
        refused("IMG.0057", BOUNDS.check_file, FILE, 0)
        said = refused("IMG.0059", BOUNDS.check_file, FILE, 128 * GIB + 1)
        assert "128 GiB are the most, or more by magic." in said

    def test_what_sealing_adds(self):
        largest = stream.ciphertext_size(128 * GIB) + sealed_file.MAX_HEAD
        BOUNDS.check_file(FILE, largest, is_sealed=True)
        refused("IMG.0059", BOUNDS.check_file, FILE, largest)
        refused("IMG.0059", BOUNDS.check_file, FILE, 128 * GIB + (1 << 22), True)

    def test_what_the_operator_says(self):
        options = {"most_data_disk_gib": 7, "most_system_disk_gib": 5}
        assert from_file.largest(options, Purpose.DATA) == 7
        for purpose in set(Purpose) - {Purpose.DATA}:
            assert from_file.largest(options, purpose) == 5

    def test_the_disk_in_the_file(self):
        from_file.check_fits(FILE, 0, 1)
        from_file.check_fits(FILE, GIB, 1)
        said = refused("IMG.0055", from_file.check_fits, FILE, GIB + 1, 1)
        assert "Ask for 2 GiB" in said


class TestIso:
    def test_names_and_systems(self):
        from_file.check_iso(FILE, "CentOS 7.3 64bit")
        refused("IMG.0166", from_file.check_iso, FILE, None)
        refused("IMG.0166", from_file.check_iso, FILE, "")
        for name in ("ü.iso", "a%b", "a:b"):
            refused("IMG.0075", from_file.check_iso, BucketFile("b", name), "x")

    def test_an_iso_is_not_taken_for_a_disk(self):
        for purpose in Purpose:
            is_iso = purpose is Purpose.ISO
            from_file.check_content(FILE, purpose, is_iso)
            refused("IMG.0057", from_file.check_content, FILE, purpose, not is_iso)


@pytest.mark.parametrize(
    ("purpose", "code"),
    [
        ("FusionCompute", None),
        ("DataImage", None),
        ("Ironic", "IMG.0118"),
        ("IsoImage", "IMG.0105"),
    ],
)
def test_which_may_be_encrypted(purpose, code):
    from_file.check_key(Purpose(purpose), None)
    if code is None:
        from_file.check_key(Purpose(purpose), "k")
    else:
        refused(code, from_file.check_key, Purpose(purpose), "k")


class TestBody:
    def test_of_what_must_be_said(self):
        assert from_file.body(LEAST, FILE) == {
            "name": "x",
            "visibility": "private",
            "disk_format": "raw",
            "container_format": "bare",
            "tags": [],
            "min_disk": 40,
            "min_ram": 0,
            "__os_version": "Other Linux(64 bit)",
            "__os_type": "Linux",
            "__os_bit": "64",
            "__platform": "Other",
            "__data_origin": "file,bucket:a/disk.iso",
            "__root_origin": "file",
            "__image_source_type": "uds",
            "__isregistered": "true",
            "virtual_env_type": "FusionCompute",
            "__image_size": "0",
        }

    def test_of_all(self):
        more = {
            "description": "Old",
            "cmk_id": "k",
            "min_ram": 1024,
            "max_ram": 2048,
            "enterprise_project_id": "0",
            "hw_firmware_type": "bios",
            "architecture": "x86",
            "is_config_init": True,
            "os_version": "CentOS 7.3 64bit",
            "os_type": "Windows",
            "tags": ["a=b"],
        }
        body = from_file.body({**LEAST, **more}, FILE)
        assert body[attributes.DESCRIPTION] == "Old"
        assert body[attributes.CMK_ID] == "k"
        assert (body["min_ram"], body["max_ram"]) == (1024, "2048")
        assert (body["hw_firmware_type"], body["architecture"]) == ("bios", "x86_64")
        assert body["__is_config_init"] == "true"
        assert (body["__os_type"], body["__platform"]) == ("Linux", "CentOS")
        assert body["tags"] == ["a=b"]

    @pytest.mark.parametrize(
        ("os_type", "os_version"),
        [
            ("Linux", "Other Linux(64 bit)"),
            ("Windows", "Other Windows(64 bit)"),
            ("Other", "Other(64 bit)"),
        ],
    )
    def test_of_a_system_that_nobody_named(self, os_type, os_version):
        body = from_file.body({**LEAST, "os_type": os_type, "os_version": None}, FILE)
        assert (body["__os_type"], body["__os_version"]) == (os_type, os_version)

    def test_arm_boots_one_way_only(self):
        body = from_file.body({**LEAST, "architecture": "arm", "hw_firmware_type": "bios"}, FILE)
        assert (body["architecture"], body["hw_firmware_type"]) == ("aarch64", "uefi")
        assert body["__support_arm"] == "true"

    def test_an_iso_stays_one(self):
        assert from_file.body({**LEAST, "purpose": "IsoImage"}, FILE)["disk_format"] == "iso"

    def test_only_what_ims_knows(self):
        body = from_file.body({**LEAST, "architecture": "arm", "is_config_init": True}, FILE)
        own = {name for name in body if name.startswith("__")}
        assert own <= set(attributes.ATTRIBUTES)
        assert set(from_file.PURPOSES.values()) == set(Purpose)
