# SPDX-License-Identifier: Apache-2.0
"""What images of servers say."""

import pytest

from ims_glance.model import capture
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import GIB, Disk

ARGUMENTS = {
    "server_id": "s",
    "name": "mine",
    "description": "said",
    "min_ram": 512,
    "max_ram": 1024,
    "tags": ["a=b"],
    "enterprise_project_id": "0",
    "attributes": capture.carried({"__os_version": "CentOS 7.3 64bit"}),
}
DISK = Disk(1, "v", 2)


def test_what_is_carried_over():
    source = {
        "hw_firmware_type": "uefi", "hw_vif_multiqueue_enabled": "true", "architecture": "x86_64",
        "kernel_id": "k", "os_distro": "centos", "__os_version": "CentOS 7.3 64bit",
        "__support_kvm_gpu_type": "M60", "os_shutdown_timeout": 60,
        # These are true of that image only.
        "img_signature": "s", "__system__cmkid": "k", "__productcode": "p", "instance_uuid": "i",
        "name": "n", "owner": "o", "__support_agent_list": "hss", "hw_gone": None,
    }  # fmt: skip
    found = capture.carried(source)
    assert found == {
        "hw_firmware_type": "uefi", "hw_vif_multiqueue_enabled": "true", "architecture": "x86_64",
        "kernel_id": "k", "os_distro": "centos", "__os_version": "CentOS 7.3 64bit",
        "__support_kvm_gpu_type": "M60", "os_shutdown_timeout": "60",
        "__os_type": "Linux", "__os_bit": "64", "__platform": "CentOS",
    }  # fmt: skip


def test_what_is_claimed_where_its_owner_writes_it():
    fine = {
        "hw_firmware_type": "uefi", "hw_qemu_guest_agent": "yes", "architecture": "x86_64",
        "max_ram": "512", "__support_amd": "true", "__os_version": "CentOS 7.3 64bit",
    }  # fmt: skip
    false = {
        "__support_kvm": "true", "__support_arm": "true", "__data_origin": "instance,s",
        "__capture": "paused", "__productcode": "p", "__system__cmkid": "k", "__os_bit": "32",
        "__isregistered": "x", "owner": "o", "hw_gone": None,
        "os_shutdown_timeout": "5", "__support_xen": "perhaps", "hw_x": "\ud800",
        "__support_kvm_infiniband": "true",
    }  # fmt: skip
    assert capture.claimed({**fine, **false, "__support_kvm_infiniband": "x"}) == fine
    assert capture.claimed({"__os_version": "x" * 129, "hw_y": "y" * 5000}) == {}
    carried = capture.carried(capture.claimed({"__support_kvm": "true"}))
    assert "__support_kvm" not in carried


def test_a_server_that_only_its_owner_tells_of():
    wishes = [DiskToCapture(Disk(0, "root", 2)).to_arguments(), DiskToCapture(DISK).to_arguments()]
    claimed = {**ARGUMENTS, "wishes": wishes, "server_is_claimed": True}
    assert capture.for_system(claimed)[attributes.DATA_ORIGIN] == "volume,root"
    assert capture.for_component(claimed, DISK)[attributes.DATA_ORIGIN] == "volume,v"


def test_a_source_that_says_nothing():
    assert capture.carried({})[attributes.OS_VERSION] == "Other Linux(64 bit)"


def test_a_system_disk():
    said = capture.for_system(ARGUMENTS)
    assert said[attributes.DATA_ORIGIN] == "instance,s"
    assert (said["name"], said["tags"], said["min_ram"]) == ("mine", ["a=b"], 512)
    assert (said[attributes.DESCRIPTION], said["max_ram"]) == ("said", "1024")
    assert said["__platform"] == "CentOS"
    assert attributes.DESCRIPTION not in capture.for_system({**ARGUMENTS, "description": None})


def test_a_data_disk():
    said = capture.for_data(ARGUMENTS, DiskToCapture(DISK, "data", "text", ("c=d",)))
    assert (said["name"], said["tags"], said[attributes.DESCRIPTION]) == ("data", ["c=d"], "text")
    assert said[attributes.VIRTUAL_ENV_TYPE] == "DataImage"


@pytest.mark.parametrize(("number", "kind"), [(0, "FusionCompute"), (1, "DataImage")])
def test_a_disk_of_a_whole_machine(number, kind):
    said = capture.for_component(ARGUMENTS, Disk(number, "v", 2))
    assert (said["os_hidden"], said["protected"], said["name"]) == (
        True,
        True,
        f"mine disk {number}",
    )
    assert said[attributes.VIRTUAL_ENV_TYPE] == kind


def test_sizes():
    view = {"size": 700, "virtual_size": 2 * GIB + 1}
    assert capture.grown(view, DISK).size == 3
    assert capture.grown({"size": 700, "virtual_size": None}, DISK) == DISK
    assert capture.of_data(view, DISK) == {"min_disk": 3, "__image_size": "700", "os_hidden": False}
    parts = [Component(Disk(0, None, 5), "i"), Component(DISK, "j")]
    assert capture.of_disks(parts, [1, 2]) == {"min_disk": 5, "__image_size": "3"}


def test_wishes_survive_a_job():
    wish = DiskToCapture(DISK, "data", "text", ("c=d",))
    assert DiskToCapture.of(wish.to_arguments()) == wish


def test_surplus():
    assert capture.is_surplus("owner_user_name")
    assert capture.is_surplus("block_device_mapping")
    assert not capture.is_surplus("hw_firmware_type")


@pytest.mark.parametrize(
    ("agent", "required", "volume_id", "quiesces"),
    [
        ("yes", "yes", "v", True),
        ("True", " 1 ", "v", True),
        ("yes", "no", "v", False),
        ("yes", None, "v", False),
        (None, "yes", "v", False),
        ("yes", "yes", None, False),
    ],
)
def test_when_nova_freezes_a_guest_for_sure(agent, required, volume_id, quiesces):
    properties = {"hw_qemu_guest_agent": agent, "os_require_quiesce": required}
    assert capture.quiesces([Disk(0, volume_id, 1)], properties) is quiesces
