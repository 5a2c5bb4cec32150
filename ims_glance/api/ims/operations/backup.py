# SPDX-License-Identifier: Apache-2.0
"""Server backups, which are operations of our own, and whole-machine images of them."""

from collections.abc import Iterator
from typing import Any

from ims_glance.api.ims import schemas
from ims_glance.api.ims.operation import Access, Answer, Call, Operation
from ims_glance.api.ims.operations import server
from ims_glance.model import backup as model
from ims_glance.model import capture
from ims_glance.model import job as jobs
from ims_glance.model import server as servers
from ims_glance.model.backup import ServerBackup, Status
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes
from ims_glance.model.text import free_text, patterns

_PAGE = 500
_STATUSES = [str(status) for status in Status]
_TEXT = {"type": ["string", "null"]}
_VIEW = {
    "type": "object",
    "properties": {
        "id": schemas.UUID,
        "name": {"type": "string"},
        "description": {"type": "string"},
        "status": {"enum": _STATUSES},
        "server_id": {"type": "string"},
        "server_name": {"type": "string"},
        "created_at": {"type": "string"},
        "size": {"type": "integer", "description": "GiB"},
        "capture": {"enum": list(attributes.CAPTURES)},
        "standstill_ms": {"type": "integer"},
        "verified": {
            "type": "boolean",
            "description": "Whether the service itself made it as it says; if not, an image of it "
            "says nothing of its server",
        },
        "image_id": {**_TEXT, "description": "Of the whole-machine image that was made of it"},
        "disks": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["id", "name", "status", "server_id", "size", "disks"],
}
_LIST = {
    "type": "object",
    "properties": {
        "server_backups": {"type": "array", "items": _VIEW},
        "page_info": schemas.PAGE_INFO,
    },
    "required": ["server_backups"],
}
_CREATE = {
    "type": "object",
    "properties": {
        "name": schemas.NAME,
        "server_id": schemas.UUID,
        # As much as Cinder takes.
        "description": {**_TEXT, "maxLength": 255},
        "no_pause": schemas.BOOLEAN,
    },
    "required": ["name", "server_id"],
    "additionalProperties": False,
}
_ACCEPTED = {
    "type": "object",
    "properties": {"job_id": {"type": "string"}, "backup_id": schemas.UUID},
    "required": ["job_id", "backup_id"],
}


def list_server_backups(call: Call) -> Answer:
    """``GET /v1/{project_id}/server-backups``: the newest first.

    :raises BackupMissing: if there is no backup ``marker``
    """
    wanted = {name: call.query.get(name) for name in ("name", "server_id", "status")}
    images = _images(call)
    backups = call.service.backups.of(call.context).all()
    views = [each.view(images.get(each.id)) for each in _after(backups, call.query.get("marker"))]
    found = [
        view for view in views if all(value in (None, view[name]) for name, value in wanted.items())
    ]
    limit = int(call.query.get("limit", _PAGE))
    shown = found[:limit]
    page: dict[str, object] = {"current_count": len(shown)}
    if limit < len(found):
        page["next_marker"] = shown[-1]["id"]
    return Answer({"server_backups": shown, "page_info": page})


def _after(backups: list[ServerBackup], marker: str | None) -> list[ServerBackup]:
    """Those after the marker, which the filters may not fit any more."""
    if marker is None:
        return backups
    ids = [each.id for each in backups]
    if marker not in ids:
        raise model.BackupMissing(backup_id=marker)
    return backups[ids.index(marker) + 1 :]


def show_server_backup(call: Call) -> Answer:
    """``GET /v1/{project_id}/server-backups/{backup_id}``."""
    found = call.service.backups.get(call.context, call.arguments["backup_id"])
    return Answer(found.view(_images(call, found.id).get(found.id)))


def create_server_backup(call: Call) -> Answer:
    """``POST /v1/{project_id}/server-backups``."""
    body = call.body
    free_text.check_name(body["name"])
    free_text.check_description(body.get("description") or "")
    source = server.read(call, body["server_id"])
    servers.check_whole(source.server)
    source.check(source.disks)
    arguments = {
        **source.to_arguments(),
        "wishes": [DiskToCapture(disk).to_arguments() for disk in source.disks],
        "name": body["name"],
        "description": body.get("description"),
        "stands_still": not body.get("no_pause"),
        "quiesces": capture.quiesces(source.disks, source.properties),
    }
    entities = {"backup_name": body["name"], "server_id": source.id}
    job_id = call.service.jobs.accept(call.context, jobs.SERVER_BACKUP, arguments, entities)
    answer = {"job_id": job_id, "backup_id": jobs.id_of_backup(job_id)}
    return Answer(answer, job_id=job_id)


def delete_server_backup(call: Call) -> Answer:
    """``DELETE /v1/{project_id}/server-backups/{backup_id}``; an image of it stays."""
    backup_id = call.arguments["backup_id"]
    known = call.service.backups
    with known.held(backup_id):
        found = known.get(call.context, backup_id)
        if found.id in known.in_use(call.project_id):
            raise model.BackupInUse(backup_id=found.id)
        if found.obstacle:
            raise model.BackupNotFree(backup_id=found.id, reason=found.obstacle)
        known.of(call.context).delete(found)
    return Answer()


def whole(call: Call, tags: list[str]) -> Answer:
    """``create_whole_image`` with ``backup_id``.

    :param tags: of the image, as they are stored
    """
    backup_id = str(call.body["backup_id"]).lower()
    with call.service.backups.held(backup_id):
        backup = call.service.backups.get(call.context, backup_id)
        _check_usable(call, backup)
        plan = backup.plan
        made_of = {
            "server_id": plan.server_id,
            "server_is_claimed": not backup.is_verified,
            "attributes": dict(plan.attributes),
        }
        wishes = [DiskToCapture(part.disk) for part in backup.parts]
        return server.accept(call, jobs.WHOLE_OF_BACKUP, made_of, wishes, tags, backup_id=backup.id)


def _check_usable(call: Call, backup: ServerBackup) -> None:
    """Check that an image can be made of a backup, and that none was.

    :raises BackupNotReady, BackupUsed: if not
    """
    if backup.status not in (Status.AVAILABLE, Status.RESTORING):
        raise model.BackupNotReady(backup_id=backup.id, status=backup.status)
    # The jobs first: one that ends meanwhile has made its image by then.
    if backup.id in call.service.backups.in_use(call.project_id):
        raise model.BackupUsed(backup_id=backup.id, user="a job works on that already")
    image_id = _images(call, backup.id).get(backup.id)
    if image_id is not None:
        raise model.BackupUsed(backup_id=backup.id, user=f"that is {image_id}")
    if backup.status is not Status.AVAILABLE:
        raise model.BackupNotReady(backup_id=backup.id, status=backup.status)


def _images(call: Call, backup_id: str | None = None) -> dict[str, str]:
    """Ids of the project's whole-machine images by the ids of the backups that belong to them.

    :param backup_id: of the only one that is asked for
    """
    asked = {attributes.BACKUP_ID: backup_id} if backup_id else {attributes.WHOLE_IMAGE: "true"}
    found: dict[str, str] = {}
    for hidden in ("false", "true"):
        for view in _listed(call, {**asked, "os_hidden": hidden}):
            if view.get(attributes.BACKUP_ID):
                found[str(view[attributes.BACKUP_ID])] = str(view["id"])
    return found


def _listed(call: Call, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    query = {**query, "owner": call.project_id, "limit": str(_PAGE)}
    while True:
        answer = call.service.images.call(call.context, "GET", "/v2/images", query=query)
        yield from answer["images"]
        if "next" not in answer:
            return
        query["marker"] = answer["images"][-1]["id"]


_PATH = "/v1/{project_id}/server-backups"
OPERATIONS = (
    Operation(
        "list_server_backups",
        "GET",
        _PATH,
        list_server_backups,
        "List the server backups of the project (an extension)",
        query={
            "name": {"type": "string"},
            "server_id": schemas.UUID,
            "status": {"enum": _STATUSES},
            "limit": {"type": "string", "pattern": patterns.whole("[1-9][0-9]{0,2}|1000")},
            "marker": schemas.UUID,
        },
        answer=_LIST,
    ),
    Operation(
        "show_server_backup",
        "GET",
        f"{_PATH}/{{backup_id}}",
        show_server_backup,
        "Show a server backup (an extension)",
        answer=_VIEW,
    ),
    Operation(
        "create_server_backup",
        "POST",
        _PATH,
        create_server_backup,
        "Back up all disks of a server (an extension)",
        access=Access.WRITE,
        body=_CREATE,
        answer=_ACCEPTED,
        audit="createBackup",
    ),
    Operation(
        "delete_server_backup",
        "DELETE",
        f"{_PATH}/{{backup_id}}",
        delete_server_backup,
        "Delete a server backup (an extension)",
        access=Access.WRITE,
        status=204,
        audit="deleteBackup",
    ),
)
