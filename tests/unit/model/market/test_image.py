# SPDX-License-Identifier: Apache-2.0
"""What the service's copy of a product says."""

from ims_glance.model.market import image

SOURCE = {
    "id": "1", "name": "Database", "owner": "seller", "disk_format": "qcow2", "container_format": "bare",
    "min_disk": 10, "min_ram": 512, "hw_firmware_type": "uefi", "os_distro": "debian",
    "__os_version": "Debian GNU/Linux 12 64bit", "note": "the seller's", "tags": ["secret"],
    "img_signature": "s", "__data_origin": "instance,1", "__description": "d", "owner_user_name": "me",
    "visibility": "private", "__support_amd": "true",
}  # fmt: skip


def test_it_has_what_servers_are_built_by_and_nothing_of_the_sellers():
    body = image.body(SOURCE, "code", "ims/default")
    assert body["__productcode"] == "code"
    assert (body["__imagetype"], body["visibility"]) == ("market", "shared")
    assert (body["disk_format"], body["min_disk"], body["min_ram"]) == ("qcow2", 10, 512)
    assert (body["hw_firmware_type"], body["os_distro"]) == ("uefi", "debian")
    assert body["__support_amd"] == "true"
    assert "__system__cmkid" not in body
    assert "secret" not in str(body)
    left = {"note", "tags", "id", "owner", "img_signature", "__data_origin", "__description"}
    assert not left & body.keys()
    assert "me" not in body.values()


def test_it_boots_no_other_image():
    """Of which nobody has seen what is in it, and which buyers do not have."""
    other = {"kernel_id": "1" * 36, "ramdisk_id": "2" * 36}
    assert image.body({**SOURCE, **other}, "code", "k") == image.body(SOURCE, "code", "k")


def test_what_was_encrypted_is_encrypted_under_the_services_key():
    body = image.body({**SOURCE, "__system__cmkid": "the seller's"}, "code", "ims/default")
    assert body["__system__cmkid"] == "ims/default"


def test_a_copy_elsewhere_is_marked_as_that_here():
    assert image.marks({"__productcode": "p", "name": "n"}) == {
        "__productcode": "p",
        "__imagetype": "market",
    }


def test_the_digest_of_a_machine_is_that_of_all_its_disks():
    parent = {"os_hash_value": "of nothing"}
    one, two = {"os_hash_value": "1"}, {"os_hash_value": "2"}
    assert image.digest(parent) == "of nothing"
    assert image.digest(parent, [one, two]) != image.digest(parent, [two, one])
    assert len(image.digest(parent, [one])) == 128
    # Glance was never told a digest of one of them.
    assert image.digest(parent, [one, {}]) == image.digest({}) == ""
