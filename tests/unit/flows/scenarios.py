# SPDX-License-Identifier: Apache-2.0
"""For each type of job: a small cloud, a job in it, and what there may be more in the end.

Whatever else is there more, or less, or otherwise than before, was left behind.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from ims_glance.model import backup
from ims_glance.model import job as model
from ims_glance.model.backup import BackupPlan
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.from_file import Purpose
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import StoredJob
from ims_glance.model.server import Disk
from tests.base import pattern
from tests.unit.clouds.backups_server import PROVER
from tests.unit.flows import (
    file_scenarios,
    guest_scenarios,
    market_machine_scenarios,
    market_scenarios,
    member_scenarios,
)
from tests.unit.flows.direct_cloud import DirectCloud, State
from tests.unit.flows.file_scenarios import KEY
from tests.unit.flows.machine import Machine

_BACKUP = "b0000000-0000-4000-8000-000000000000"
_SERVER = "50000000-0000-4000-8000-000000000000"
_GONE = ("d0000000-0000-4000-8000-000000000000", "d1000000-0000-4000-8000-000000000000")
_QUIESCES = {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes"}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One job in one small cloud.

    :ivar prepare: makes what the job finds, and gives its arguments
    :ivar made: asserts how a success is, and gives what there is more by then: kind -> ids
    :ivar shares: whether a success changes who has the images, and so their visibility; ``made``
        asserts how
    :ivar fills: whether it fills an image that was there before: there is no way back from one with data, so
        undone it may be gone
    :ivar undone: asserts what else is so when the job is undone
    """

    job_type: str
    name: str
    prepare: Callable[[DirectCloud], dict[str, Any]]
    made: Callable[[DirectCloud, StoredJob], Mapping[str, set[str]]]
    shares: bool = False
    fills: bool = False
    undone: Callable[[DirectCloud, StoredJob], None] = lambda _cloud, _job: None

    def __str__(self) -> str:
        return f"{self.job_type}: {self.name}"

    @property
    def creates_image(self) -> bool:
        """Whether the job is recorded as one that makes an image."""
        return self.job_type not in (
            *_MEMBERS,
            *(model.CHECK_IMAGE, model.PUBLISH_IMAGE, model.SCAN_IMAGE),
            model.SERVER_BACKUP,
            model.COPY_CROSS_REGION,
            model.EXPORT_IMAGE,
            model.REGISTER_IMAGE,
        )

    def check_undone(self, before: State, after: State) -> None:
        """Check that all is as it was.

        :raises AssertionError: if not
        """
        if self.fills:
            gone = before["image"].keys() - after["image"].keys()
            assert not gone & after["store file"].keys(), (
                "the data of an image that is gone is left"
            )
            kept = {each: view for each, view in before["image"].items() if each not in gone}
            before = {**before, "image": kept}
        check_nothing_left(before, after)

    def check_success(self, cloud: DirectCloud, before: State, job: StoredJob) -> None:
        """Check that the job did what it is for, and left nothing else.

        :raises AssertionError: if not
        """
        made = self.made(cloud, job)
        after = cloud.state()
        if self.fills:
            before = {**before, "image": {}}
        if self.shares:
            after["members"] = before["members"]
            now = after["image"]
            after["image"] = {each: before["image"].get(each, now[each]) for each in now}
        wanted = {kind: {*before[kind], *made.get(kind, ())} for kind in before}
        for kind, ids in wanted.items():
            assert ids <= after[kind].keys(), f"{kind} {ids - after[kind].keys()} is missing"
        check_nothing_left(before, _without(after, made))


def check_nothing_left(before: State, after: State) -> None:
    """Check that a small cloud is as it was.

    :raises AssertionError: if not; it says what is more, less or different
    """
    found = differences(before, after)
    assert not found, "; ".join(found)


def differences(before: State, after: State) -> list[str]:
    """What is more, less or different, in words."""
    found = []
    for kind in before:
        for each in sorted(before[kind].keys() | after[kind].keys()):
            was, now = before[kind].get(each), after[kind].get(each)
            if was is None:
                found.append(f"{kind} {each} is left: {now!r:.300}")
            elif now is None:
                found.append(f"{kind} {each} is gone: {was!r:.300}")
            elif was != now:
                found.append(f"{kind} {each} is {now!r:.300}, and was {was!r:.300}")
    return found


def _without(after: State, made: Mapping[str, set[str]]) -> State:
    return {
        kind: {each: now for each, now in things.items() if each not in made.get(kind, ())}
        for kind, things in after.items()
    }


# --- copies in other regions -------------------------------------------------------------------


def _copy_there(cloud: DirectCloud) -> dict[str, Any]:
    return {"region": "RegionTwo", "project_id": "there", "job_id": cloud.copy(looks=4)}


def _is_there(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    [copy] = cloud.copies.values()
    assert job.entities["image_id"] == copy["image_id"]
    assert (job.done_bytes, job.total_bytes, job.entities["received_bytes"]) == (40, 40, 4)
    return {"image": {copy["image_id"]}, "store file": {copy["image_id"]}}


# --- copies ------------------------------------------------------------------------------------


def _source(cloud: DirectCloud) -> dict[str, Any]:
    body = {"disk_format": "raw", "container_format": "bare", "tags": ["a=b"]}
    return {"image_id": cloud.make(b"data" * 100, name="source", **body), "name": "copy"}


def _is_copy(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    image_id = str(job.image_id)
    assert cloud.data[image_id] == cloud.data[job.arguments["image_id"]]
    image = cloud.images[image_id]
    assert (image["name"], image["tags"], image["__image_size"]) == ("copy", ["a=b"], "400")
    return {"image": {image_id}, "store file": {image_id}}


def _reported_source(cloud: DirectCloud) -> dict[str, Any]:
    arguments = _source(cloud)
    guest_scenarios.report_of(cloud, arguments["image_id"])
    return arguments


def _is_reported_copy(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    image_id = str(job.image_id)
    assert cloud.reports[image_id] == cloud.reports[job.arguments["image_id"]]
    return {**_is_copy(cloud, job), "report": {image_id}}


def _whole_source(cloud: DirectCloud) -> dict[str, Any]:
    parts = [
        Component(Disk(number, None, 1), cloud.make(data * 100, os_hidden=True, protected=True))
        for number, data in enumerate((b"root", b"data"))
    ]
    properties = {
        **whole_image.properties(parts),
        "__image_size": "7",
        attributes.CAPTURE: "paused",
    }
    image_id = cloud.make(b"", name="whole", **properties)
    for part in parts:
        cloud.images[part.image_id][attributes.COMPONENT_OF] = image_id
    return {"image_id": image_id, "name": "copy", "disks": 2, "cmk_id": KEY}


def _is_whole(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """Of two disks, with whatever data."""
    image = cloud.images[str(job.image_id)]
    assert (image["name"], image["status"], image["size"]) == (job.arguments["name"], "active", 0)
    parts = whole_image.components(image)
    assert [part.disk.number for part in parts] == [0, 1]
    for part in parts:
        view = cloud.images[part.image_id]
        assert (view["os_hidden"], view["protected"], view["status"]) == (True, True, "active")
        assert view[attributes.COMPONENT_OF] == job.image_id
        assert view.get(attributes.CMK_ID) == job.arguments.get("cmk_id")
    # The project's quota knew which images are none of its own.
    assert job.in_making == {part.image_id for part in parts}
    ids = {str(job.image_id), *(part.image_id for part in parts)}
    return {"image": ids, "store file": ids, **_backup_with(cloud, job)}


def _backup_with(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """What there is of a backup that is kept with an image."""
    if not job.arguments.get("with_backup"):
        return {}
    image = cloud.images[str(job.image_id)]
    assert image[attributes.BACKUP_ID] == job.backup_id
    return _is_backup(cloud, job)


def _elsewhere(
    prepare: Callable[[DirectCloud], dict[str, Any]], **more: Any
) -> Callable[[DirectCloud], dict[str, Any]]:
    """The image belongs to a project of another region; the small cloud is both."""

    def prepared(cloud: DirectCloud) -> dict[str, Any]:
        arguments = prepare(cloud)
        for image in cloud.images.values():
            image["owner"] = "them"
        cloud.make(b"other" * 30_000, name="copy", disk_format="raw", container_format="bare")
        where = {"source_region": "RegionTwo", "source_project_id": "them"}
        return {"disks": 0, **arguments, **where, **more}

    return prepared


# --- files -------------------------------------------------------------------------------------


def _is_of_machine(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    return {**_is_whole(cloud, job), **file_scenarios.is_of_machine(cloud, job)}


# --- volumes and servers -----------------------------------------------------------------------


def _volume(cloud: DirectCloud) -> dict[str, Any]:
    wanted = {"name": "system", "os_version": "CentOS 7.3 64bit", "tags": ["a=b"]}
    return {"volume_id": cloud.volume(), **wanted}


def _is_of_volume(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    image_id = str(job.image_id)
    image = cloud.images[image_id]
    assert (image["name"], image["tags"], image["min_disk"]) == ("system", ["a=b"], 1)
    assert "__root_origin" not in image
    return {"image": {image_id}, "store file": {image_id}}


def _single_disks(cloud: DirectCloud) -> dict[str, Any]:
    machine = Machine(cloud, is_local=True)
    root, data = machine.disks
    return machine.arguments(
        [DiskToCapture(root, "mine"), DiskToCapture(data, "data", "said", ("c=d",))]
    )


def _data_disk(cloud: DirectCloud) -> dict[str, Any]:
    machine = Machine(cloud, is_local=False)
    return machine.arguments([DiskToCapture(machine.disks[1], "data", "said", ("c=d",))])


def _system_disk(cloud: DirectCloud) -> dict[str, Any]:
    machine = Machine(cloud, is_local=False)
    return machine.arguments([DiskToCapture(machine.disks[0], "mine")])


def _are_of_disks(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    ids = job.entities[model.DISK_IMAGES]
    wishes = {str(each["disk"]["number"]): each["name"] for each in job.arguments["wishes"]}
    assert {number: cloud.images[ids[number]]["name"] for number in ids} == wishes
    assert not any(cloud.images[each]["os_hidden"] for each in ids.values())
    # The project's quota knew which images have the places of the job.
    assert job.in_making == job.places == set(ids.values())
    assert job.image_id == ids.get("0", job.image_id)
    return {"image": set(ids.values()), "store file": set(ids.values())}


def _whole_machine(is_local: bool, **more: Any) -> Callable[[DirectCloud], dict[str, Any]]:
    def prepare(cloud: DirectCloud) -> dict[str, Any]:
        machine = Machine(cloud, is_local)
        if more.get("quiesces"):
            cloud.machines.properties[machine.id] = dict(_QUIESCES)
        wishes = [DiskToCapture(disk) for disk in machine.disks]
        return machine.arguments(wishes, stands_still=True, server_name="web", **more)

    return prepare


def _is_captured(capture: str) -> Callable[[DirectCloud, StoredJob], Mapping[str, set[str]]]:
    def made(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
        assert cloud.images[str(job.image_id)][attributes.CAPTURE] == capture
        assert cloud.machines.servers[job.arguments["server_id"]]["status"] == "ACTIVE"
        return _is_whole(cloud, job)

    return made


def _is_backup(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    [found] = backup.gathered(cloud.backups.values(), PROVER.holds)
    assert (found.id, found.status) == (job.backup_id, backup.Status.AVAILABLE)
    assert (len(found.parts), found.plan.capture) == (2, "paused")
    return {"backup": {part.id for part in found.parts}}


def _signed(plan: BackupPlan, disk: Disk, count: int) -> dict[str, str]:
    said = backup.metadata(plan, disk, count)
    proof = PROVER.proof(backup.facts(said, disk.volume_id, None))
    return {**said, backup.PROOF: str(proof)}


def _backed_up(cloud: DirectCloud) -> dict[str, Any]:
    """The server is gone by now."""
    disks = [Disk(0, _GONE[0], 1), Disk(1, _GONE[1], 1, "fast")]
    plan = BackupPlan(_BACKUP, "b", _SERVER, "web", "", {}, "paused", 5)
    for disk in disks:
        backup_id = f"backup-{disk.number}"
        cloud.backups[backup_id] = {
            "id": backup_id,
            "name": "b",
            "volume_id": disk.volume_id,
            "metadata": _signed(plan, disk, len(disks)),
            "size": 1,
            "status": "available",
            "created_at": f"2026-11-25T00:00:0{disk.number}.000000",
            "fail_reason": None,
        }
    return {
        "name": "again",
        "backup_id": plan.id,
        "server_is_claimed": False,
        "server_id": plan.server_id,
        "wishes": [DiskToCapture(disk).to_arguments() for disk in disks],
        "attributes": {},
        "cmk_id": KEY,
    }


_export = functools.partial(Scenario, model.EXPORT_IMAGE)
_import = functools.partial(Scenario, model.IMPORT_IMAGE)
_MEMBERS = (model.ADD_MEMBERS, model.DELETE_MEMBERS, model.UPDATE_MEMBERS)

SCENARIOS = (
    Scenario(
        model.PUBLISH_IMAGE,
        "image",
        market_scenarios.to_sell,
        market_scenarios.is_sold,
        undone=market_scenarios.is_given_back,
    ),
    Scenario(
        model.PUBLISH_IMAGE,
        "whole machine",
        market_machine_scenarios.to_sell,
        market_machine_scenarios.is_sold,
        undone=market_scenarios.is_given_back,
    ),
    Scenario(model.SCAN_IMAGE, "image", guest_scenarios.image, market_scenarios.is_scanned),
    Scenario(model.COPY_IN_REGION, "image", _reported_source, _is_reported_copy),
    Scenario(model.COPY_IN_REGION, "whole machine", _whole_source, _is_whole),
    Scenario(model.COPY_CROSS_REGION, "another region", _copy_there, _is_there),
    Scenario(model.RECEIVE_IMAGE, "image", _elsewhere(_source, cmk_id=KEY), _is_copy),
    Scenario(model.RECEIVE_IMAGE, "whole machine", _elsewhere(_whole_source), _is_whole),
    Scenario(
        model.IMPORT_IMAGE,
        "raw",
        file_scenarios.file(Purpose.SERVER, pattern(0, 3000)),
        file_scenarios.is_of_file,
    ),
    Scenario(
        model.IMPORT_IMAGE, "machine of two disks", file_scenarios.machine_file, _is_of_machine
    ),
    _import(
        "machine of which each disk is an object", file_scenarios.machine_of_disks, _is_of_machine
    ),
    _import("data disks too", file_scenarios.with_data_files, file_scenarios.are_of_files),
    Scenario(
        model.IMPORT_DATA_IMAGE,
        "raw",
        file_scenarios.file(Purpose.DATA, bytes(3000)),
        file_scenarios.is_of_file,
    ),
    Scenario(
        model.REGISTER_IMAGE, "raw", file_scenarios.queued, file_scenarios.is_filled, fills=True
    ),
    Scenario(
        model.IMPORT_IMAGE,
        "prepared",
        file_scenarios.file(Purpose.SERVER, pattern(0, 3000), is_config=True),
        file_scenarios.is_of_file,
    ),
    Scenario(
        model.IMPORT_IMAGE,
        "machine of two disks, prepared",
        guest_scenarios.prepared(file_scenarios.machine_file),
        _is_of_machine,
    ),
    Scenario(model.CHECK_IMAGE, "image", guest_scenarios.image, guest_scenarios.is_checked),
    Scenario(
        model.CHECK_IMAGE, "file", file_scenarios.file_to_check, guest_scenarios.is_file_checked
    ),
    Scenario(model.EXPORT_IMAGE, "qcow2", file_scenarios.to_export, file_scenarios.is_exported),
    _export("in parts", file_scenarios.to_export_in_parts, file_scenarios.is_exported),
    _export("to S3", file_scenarios.to_export_to_s3, file_scenarios.is_exported_to_s3),
    _export("sealed", file_scenarios.to_export_sealed, file_scenarios.is_exported_sealed),
    Scenario(
        model.IMPORT_DATA_IMAGE,
        "sealed",
        file_scenarios.sealed_file,
        file_scenarios.is_of_sealed_file,
    ),
    _export("of a machine", file_scenarios.machine_to_export, file_scenarios.is_exported_machine),
    _export(
        "of a machine, an object a disk",
        file_scenarios.machine_to_export_as_disks,
        file_scenarios.are_exported_disks,
    ),
    _export(
        "of a machine to S3",
        file_scenarios.machine_to_export_to_s3,
        file_scenarios.is_exported_machine,
    ),
    Scenario(
        model.ADD_MEMBERS,
        "two images",
        member_scenarios.to_share,
        member_scenarios.is_shared,
        shares=True,
    ),
    Scenario(
        model.DELETE_MEMBERS,
        "two images",
        member_scenarios.to_unshare,
        member_scenarios.is_unshared,
        shares=True,
    ),
    Scenario(
        model.UPDATE_MEMBERS,
        "two images",
        member_scenarios.to_accept,
        member_scenarios.is_accepted,
        shares=True,
    ),
    Scenario(model.VOLUME_CREATE_IMAGE, "volume", _volume, _is_of_volume),
    Scenario(
        model.VOLUME_CREATE_IMAGE,
        "volume, prepared",
        guest_scenarios.prepared(_volume),
        guest_scenarios.is_prepared(_is_of_volume),
    ),
    Scenario(model.IMAGE_OF_SERVER, "local root", _single_disks, _are_of_disks),
    Scenario(
        model.IMAGE_OF_SERVER,
        "local root, prepared",
        guest_scenarios.prepared(_single_disks),
        guest_scenarios.is_prepared(_are_of_disks),
    ),
    Scenario(
        model.IMAGE_OF_SERVER,
        "on a volume, prepared",
        guest_scenarios.prepared(_system_disk),
        guest_scenarios.is_prepared(_are_of_disks),
    ),
    Scenario(model.IMAGES_OF_VOLUMES, "data disk", _data_disk, _are_of_disks),
    Scenario(
        model.WHOLE_OF_SERVER,
        "local root",
        _whole_machine(True, cmk_id=KEY),
        _is_captured("paused"),
    ),
    Scenario(
        model.WHOLE_OF_SERVER,
        "quiesced",
        _whole_machine(False, quiesces=True),
        _is_captured("quiesced"),
    ),
    Scenario(
        model.WHOLE_OF_SERVER,
        "with backup",
        _whole_machine(True, with_backup=True),
        _is_captured("paused"),
    ),
    Scenario(model.WHOLE_OF_BACKUP, "two disks", _backed_up, _is_whole),
    Scenario(model.SERVER_BACKUP, "local root", _whole_machine(True), _is_backup),
)
