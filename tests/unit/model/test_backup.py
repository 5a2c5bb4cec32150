# SPDX-License-Identifier: Apache-2.0
"""What volume backups say about the server backup that they are parts of, and what is believed."""

import pytest

from ims_glance.model import backup
from ims_glance.model.backup import BackupPlan, Status
from ims_glance.model.image import attributes
from ims_glance.model.server import Disk

ID = "11111111-0000-4000-8000-000000000000"
SERVER = "22222222-0000-4000-8000-000000000000"
SAID = {"hw_firmware_type": "uefi", attributes.OS_VERSION: "CentOS 7.3 64bit"}
PLAN = BackupPlan(ID, "nightly", SERVER, "web", "said", SAID, "paused", 7)
DISKS = (Disk(0, "v0", 2, "fast"), Disk(1, "v1", 3, None, goes_with_server=False))


def proof(facts):
    """Of the service, in these tests."""
    return f"{sorted(facts.items())}"


def gathered(volume_backups):
    """By a service that knows its own proofs."""
    return backup.gathered(volume_backups, lambda facts, made: made == proof(facts))


def said(plan, disk, count):
    """The metadata that the service writes."""
    written = backup.metadata(plan, disk, count)
    facts = backup.facts(written, disk.volume_id, f"snapshot of {disk.volume_id}")
    return {**written, backup.PROOF: proof(facts)}


def parts(statuses=("available", "available"), plan=PLAN, count=2, **changes):
    """As Cinder shows them, in no order.

    :param changes: of the metadata, by somebody else
    """
    return [
        {
            "id": f"part-{disk.number}",
            "name": plan.name,
            "description": plan.description,
            "status": status,
            "size": disk.size,
            "volume_id": disk.volume_id,
            "snapshot_id": f"snapshot of {disk.volume_id}",
            "created_at": f"2026-11-25T00:00:0{disk.number}",
            "fail_reason": None,
            "metadata": {**said(plan, disk, count), **changes},
        }
        for disk, status in reversed(list(zip(DISKS, statuses, strict=False)))
    ]


def test_there_and_back():
    [found] = gathered(parts())
    assert found.is_verified
    assert (found.plan.server_id, found.plan.server_name) == (SERVER, "web")
    assert (found.plan.capture, found.plan.standstill) == ("paused", 7)
    assert found.plan.attributes["hw_firmware_type"] == "uefi"
    assert found.plan.attributes["__platform"] == "CentOS"
    assert [part.disk for part in found.parts] == list(DISKS)
    assert (found.size, found.created_at, found.is_whole) == (5, "2026-11-25T00:00:00", True)


def test_the_view():
    [found] = gathered(parts())
    view = found.view("image")
    assert (view["id"], view["name"], view["image_id"]) == (ID, "nightly", "image")
    assert (view["size"], view["standstill_ms"], view["verified"]) == (5, 7, True)
    assert [each["boot"] for each in view["disks"]] == [True, False]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (("available", "available"), Status.AVAILABLE),
        (("available", "creating"), Status.CREATING),
        (("creating",), Status.CREATING),
        (("available",), Status.INCOMPLETE),
        (("available", "error"), Status.ERROR),
        (("error_deleting",), Status.ERROR),
        (("deleting", "available"), Status.DELETING),
        (("deleting",), Status.DELETING),
        (("restoring", "available"), Status.RESTORING),
        (("restoring",), Status.INCOMPLETE),
        (("unheard-of", "available"), Status.ERROR),
    ],
)
def test_the_status(statuses, status):
    [found] = gathered(parts(statuses))
    assert found.status is status


def test_the_newest_first():
    other = BackupPlan("33333333-0000-4000-8000-000000000000", "x", SERVER, "web")
    later = [{**each, "created_at": "2026-12-01"} for each in parts(plan=other)]
    assert [each.plan.name for each in gathered(parts() + later)] == ["x", "nightly"]


@pytest.mark.parametrize(
    "changes",
    [
        {"ims_server_backup": "x"},
        {"ims_server_backup": ID.upper().replace("1", "A")},
        {"ims_server": "../x"},
        {"ims_disk": "-1"},
        {"ims_disk": "2"},
        {"ims_disks": "0"},
        {"ims_disks": "65"},
        {"ims_disks": "x"},
    ],
)
def test_what_somebody_broke_is_left_out(changes):
    assert gathered(parts(**changes)) == []
    assert gathered([{"id": "x", "metadata": None}, {"id": "y"}]) == []


FALSE = [
    {"ims_capture": "quiesced"},
    {"ims_standstill_ms": "1"},
    {"ims_server": "44444444-0000-4000-8000-000000000000"},
    {"ims_server_name": "another"},
    {"ims_image:__support_kvm": "true"},
    {"ims_volume_type": "slow"},
    {"ims_goes_with_server": "x"},
    {"ims_anything": "x"},
    {"ims_proof": ""},
    {"ims_proof": "ö"},
    {"ims_proof": None},
]


@pytest.mark.parametrize("changes", FALSE, ids=str)
def test_what_its_owner_writes_is_not_taken_for_the_services_own(changes):
    for written in (
        parts(**changes),
        [{**parts()[0], "metadata": {**parts()[0]["metadata"], **changes}}, parts()[1]],
    ):
        [found] = gathered(written)
        assert not found.is_verified
        assert (found.plan.capture, found.plan.standstill) == ("running", 0)
        assert "__support_kvm" not in found.plan.attributes
        # What its owner may wish for stays.
        assert found.plan.attributes["hw_firmware_type"] == "uefi"
        assert found.status is Status.AVAILABLE
        assert not found.view(None)["verified"]


@pytest.mark.parametrize(
    "change", [{"volume_id": "w0"}, {"snapshot_id": "x"}, {"snapshot_id": None}]
)
def test_what_is_true_of_other_data_is_not_true_of_this(change):
    """The metadata of one backup, copied to another one: of another moment, or of another disk."""
    [found] = gathered([{**each, **change} for each in parts()])
    assert not found.is_verified
    disks = [{**each, "metadata": parts()[0]["metadata"]} for each in parts()]
    assert not any(each.is_verified for each in gathered(disks))


def test_a_backup_that_is_not_signed_is_a_backup():
    """It was made before there were signatures, or in a cloud whose secret is another."""
    [found] = backup.gathered(parts())
    assert (found.is_verified, found.status, found.plan.capture) == (
        False,
        Status.AVAILABLE,
        "running",
    )
    assert found.plan.attributes[attributes.OS_VERSION] == "CentOS 7.3 64bit"


def test_what_the_service_does_not_write_is_the_owners():
    changed = [
        {**each, "name": "mine", "metadata": {**each["metadata"], "env": "test"}}
        for each in parts()
    ]
    [found] = gathered(changed)
    assert (found.is_verified, found.plan.name) == (True, "mine")


def test_only_what_a_request_could_wish_for_is_believed():
    """The image of a backup is written in the service's own right."""
    changes = {
        "ims_capture": "x",
        "ims_standstill_ms": "<",
        "ims_image:__system__cmkid": "k",
        "ims_image:__support_market": "true",
        "ims_image:block_device_mapping": "[]",
        "ims_image:owner": "x",
        "ims_image:max_ram": "much",
        "ims_image:__support_largememory": "x",
        "ims_image:hw_disk_bus": "\U0001f4be",
    }
    [found] = gathered(parts(**changes))
    assert (found.plan.capture, found.plan.standstill) == ("running", 0)
    known = {"hw_firmware_type", attributes.OS_VERSION, "__os_type", "__os_bit", "__platform"}
    assert set(found.plan.attributes) == known


def test_two_of_one_disk_are_no_backup():
    double = [{**each, "id": f"again-{each['id']}"} for each in parts()[:1]]
    [found] = gathered([*parts(), *double])
    assert found.status is Status.INCOMPLETE


def test_what_cinder_does_not_take_is_left_out():
    long = BackupPlan(
        ID, "n", SERVER, "w" * 300, attributes={"hw_x": "x" * 256, "hw_ä": "x", "hw_y": "y"}
    )
    said = backup.metadata(long, DISKS[0], 1)
    assert max(map(len, said.values())) <= 255
    assert [name for name in said if name.startswith("ims_image:")] == ["ims_image:hw_y"]
    assert not any(name.startswith("ims_image:") for name in backup.metadata(PLAN, DISKS[1], 2))


def test_the_name_of_one_that_is_kept_with_an_image():
    assert backup.of_image("i") == "backup_for_image_i"
