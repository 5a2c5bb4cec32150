# SPDX-License-Identifier: Apache-2.0
"""Images and jobs as columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from osc_lib.cli import format_columns

from ims_glance.client.resources.backup import Backup
from ims_glance.client.resources.image import Image
from ims_glance.client.resources.job import Job
from ims_glance.client.shell.columns import Lines, Size, TextLines, YesNo

Shown = tuple[Sequence[str], Iterable[Any]]

# The columns of IMS's console, and the id that other commands take.
LIST = (
    "ID",
    "Name",
    "Status",
    "OS Type",
    "OS",
    "Kind",
    "Disk (GB)",
    "Encrypted",
    "Created At",
)
LONG = (
    "Type",
    "Owner",
    "Size",
    "Platform",
    "Min RAM (MB)",
    "Key",
    "Origin",
    "Tags",
    "Protected",
    "Description",
)

# Properties that are shown in fields of their own.
_SHOWN_APART = frozenset(
    {
        "block_device_mapping",
        "bdm_v2",
        "root_device_name",
        "__capture",
        "__capture_standstill_ms",
        "__backup_id",
    }
)


def image_row(image: Image, is_long: bool) -> tuple[Any, ...]:
    """The values of :data:`LIST`, and of :data:`LONG` if wanted."""
    row = (
        image.id,
        image.name,
        image.status,
        image.os_type,
        image.os_version,
        image.kind,
        image.min_disk,
        YesNo(image.is_encrypted),
        image.created_at,
    )
    if not is_long:
        return row
    return (
        *row,
        image.type_for_me,
        image.owner,
        Size(image.bytes),
        image.platform,
        image.min_ram,
        image.cmk_id,
        image.data_origin,
        format_columns.ListColumn(image.tags),
        YesNo(bool(image.is_protected)),
        image.description,
    )


def image(shown: Image, disks: Mapping[str, Image]) -> Shown:
    """Everything about an image.

    :param disks: of a whole machine, by their ids
    """
    more = _whole(shown, disks) if shown.kind == "whole" else _elsewhere(shown)
    properties = {
        key: value
        for key, value in (shown.properties or {}).items()
        if value != "" and not (more and key in _SHOWN_APART)
    }
    return _pairs(
        {
            "id": shown.id,
            "name": shown.name,
            "description": shown.description,
            "status": shown.status,
            "type": shown.type_for_me,
            "kind": shown.kind,
            "os_type": shown.os_type,
            "platform": shown.platform,
            "os": shown.os_version,
            "os_bit": shown.os_bit,
            "disk_gb": shown.min_disk,
            "size": Size(shown.bytes),
            **more,
            "disk_format": shown.disk_format,
            "min_ram_mb": shown.min_ram,
            "max_ram_mb": shown.max_ram,
            "encrypted": YesNo(shown.is_encrypted),
            "key": shown.cmk_id,
            "boot_mode": shown.hw_firmware_type,
            "multi_queue": shown.hw_vif_multiqueue_enabled,
            "shutdown_timeout": shown.os_shutdown_timeout,
            "origin": shown.data_origin,
            "protected": YesNo(bool(shown.is_protected)),
            "visibility": shown.visibility,
            "owner": shown.owner,
            "enterprise_project": shown.enterprise_project_id,
            "tags": format_columns.ListColumn(shown.tags),
            "created_at": shown.created_at,
            "updated_at": shown.updated_at,
            "properties": format_columns.DictColumn(properties),
        }
    )


def _whole(shown: Image, images: Mapping[str, Image]) -> dict[str, Any]:
    """The disks of a whole machine, in the order in which it has them."""
    properties = shown.properties or {}
    disks = []
    for each in shown.mapping:
        data = images.get(str(each.get("image_id")))
        disk = {
            "boot": each.get("boot_index") if each.get("boot_index") == 0 else None,
            "size_gb": each.get("volume_size"),
            "type": each.get("volume_type"),
            "deleted_with_server": each.get("delete_on_termination"),
            "encrypted": data.is_encrypted if data else None,
            "image_id": each.get("image_id"),
            "status": data.status if data else "gone",
        }
        disks.append(disk)
    return {
        "disks": Lines(disks),
        "captured": properties.get("__capture"),
        "standstill_ms": properties.get("__capture_standstill_ms"),
        "backup": properties.get("__backup_id"),
    }


def _elsewhere(shown: Image) -> dict[str, Any]:
    """The disks that are not in the image; nothing if it has none."""
    disks = [
        {
            "boot": each.get("boot_index") if each.get("boot_index") == 0 else None,
            "size_gb": each.get("volume_size"),
            "type": each.get("volume_type"),
            "deleted_with_server": each.get("delete_on_termination"),
            **{name: each.get(name) for name in ("snapshot_id", "volume_id", "image_id")},
        }
        for each in shown.mapping
    ]
    return {"disks": Lines(disks)} if disks else {}


def job(shown: Job) -> Shown:
    """Everything about a job."""
    return _pairs(
        {
            "job_id": shown.id,
            "type": shown.type,
            "status": shown.status,
            "percent": shown.percent,
            "task": shown.current_task,
            "done": Size(shown.done_bytes),
            "total": Size(shown.total_bytes),
            "image_id": shown.image_id,
            "image_name": shown.image_name,
            "backup_id": shown.backup_id,
            "began": shown.begin_time,
            "ended": shown.end_time,
            "error_code": shown.error_code,
            "fail_reason": shown.fail_reason,
            **({"paused_because": shown.quiesce_refused} if shown.quiesce_refused else {}),
            **_between_regions(shown),
            "results": Lines(shown.results),
            "sub_jobs": Lines(shown.sub_jobs),
        }
    )


def report(shown: Mapping[str, Any], made_at: str | None, image_id: str | None = None) -> Shown:
    """What was found in a system, what was done to it, and what there is left to do."""
    guest = shown.get("guest") or {}
    steps = list(shown.get("steps") or ())
    flags = {name: guest.get(name) for name in ("has_cloud_init", "has_virtio")}
    notes = [*(guest.get("notes") or ()), *(shown.get("notes") or ())]
    return _pairs(
        {
            **({"image_id": image_id} if image_id else {}),
            "made_at": made_at,
            "system": guest.get("product_name"),
            "kind": guest.get("kind"),
            "distribution": guest.get("distro"),
            "version": _version(guest),
            "architecture": guest.get("arch"),
            "boot_mode": guest.get("firmware"),
            "boot_loader": guest.get("boot_loader"),
            "host_name": guest.get("hostname"),
            "packages": guest.get("package_format"),
            "kernels": format_columns.ListColumn(guest.get("kernels") or []),
            **{name: None if flag is None else YesNo(flag) for name, flag in flags.items()},
            "steps": Lines([{key: each.get(key) for key in _STEP} for each in steps]),
            "advice": TextLines([each["advice"] for each in steps if each.get("advice")]),
            "notes": TextLines(notes),
        }
    )


_STEP = ("name", "state", "what")


def actions(found: Iterable[Mapping[str, Any]], image_id: str) -> Shown:
    """What may be done to an image: ``yes``, or why not."""
    return _pairs(
        {
            "image_id": image_id,
            **{
                each["name"]: YesNo(True)
                if each["allowed"]
                else f"{each['reason']} ({each['error_code']})"
                for each in found
            },
        }
    )


def _version(guest: Mapping[str, Any]) -> str | None:
    if not guest.get("major"):
        return None
    return f"{guest['major']}.{guest['minor']}" if guest.get("minor") else str(guest["major"])


def _between_regions(shown: Job) -> dict[str, Any]:
    """What only a copy between regions has."""
    if not (shown.region or shown.source_region):
        return {}
    amounts = {"received": shown.received_bytes, "saved": shown.saved_bytes}
    return {
        "region": shown.region,
        "source_region": shown.source_region,
        "target_project": shown.target_project_id,
        "target_job": shown.target_job_id,
        **{name: None if value is None else Size(value) for name, value in amounts.items()},
        "bytes_per_second": shown.bytes_per_second,
        "remaining_seconds": shown.remaining_seconds,
        "waiting_for": shown.waiting_for,
    }


def preflight(foreseen: Mapping[str, Any]) -> Shown:
    """What a copy to another region would come to."""
    holds = foreseen.get("base_holds")
    return _pairs(
        {
            "region": foreseen.get("region"),
            "project": foreseen.get("project_id"),
            "to_send_at_most": Size(int(foreseen.get("total_bytes") or 0)),
            "disks": foreseen.get("disks"),
            "key": foreseen.get("cmk_id"),
            "base": foreseen.get("base_image_id"),
            "base_holds": None if holds is None else Size(int(holds)),
            "base_holds_is": foreseen.get("base_holds_is"),
            "bytes_per_second": foreseen.get("bytes_per_second"),
            "seconds": foreseen.get("seconds"),
        }
    )


JOB_LIST = ("Job ID", "Type", "Status", "Percent", "Image", "Began At", "Ended At")
JOB_LONG = ("Task", "Done", "Total", "Error", "Reason")


def job_row(shown: Job, is_long: bool) -> tuple[Any, ...]:
    """The values of :data:`JOB_LIST`, and of :data:`JOB_LONG` if wanted."""
    percent = shown.percent
    row = (
        shown.id,
        shown.type,
        shown.status,
        None if percent is None else round(percent, 1),
        shown.image_name or shown.image_id or shown.backup_name,
        shown.begin_time,
        shown.end_time,
    )
    if not is_long:
        return row
    sizes = Size(shown.done_bytes), Size(shown.total_bytes)
    return (*row, shown.current_task, *sizes, shown.error_code, shown.fail_reason)


BACKUP_LIST = ("ID", "Name", "Status", "Server", "Disks", "Size (GB)", "Created At")
BACKUP_LONG = ("Server ID", "Captured", "Image", "Description")


def backup_row(shown: Backup, is_long: bool) -> tuple[Any, ...]:
    """The values of :data:`BACKUP_LIST`, and of :data:`BACKUP_LONG` if wanted."""
    row = (
        shown.id,
        shown.name,
        shown.status,
        shown.server_name or shown.server_id,
        len(shown.disks or ()),
        shown.size,
        shown.created_at,
    )
    if not is_long:
        return row
    return (*row, shown.server_id, shown.capture, shown.image_id, shown.description)


def backup(shown: Backup) -> Shown:
    """Everything about a backup of a server."""
    return _pairs(
        {
            "id": shown.id,
            "name": shown.name,
            "description": shown.description,
            "status": shown.status,
            "server": shown.server_name,
            "server_id": shown.server_id,
            "size_gb": shown.size,
            "disks": Lines(shown.disks or []),
            "captured": shown.capture,
            "standstill_ms": shown.standstill_ms,
            "verified": shown.is_verified,
            "image_id": shown.image_id,
            "created_at": shown.created_at,
        }
    )


def _pairs(values: dict[str, Any]) -> Shown:
    return tuple(values), tuple(values.values())
