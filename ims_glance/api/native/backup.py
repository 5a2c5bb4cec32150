# SPDX-License-Identifier: Apache-2.0
"""The backup that a whole-machine image was made with, deleted with the image if that is wished."""

import functools
import logging
from typing import Any

import webob

from ims_glance import exceptions
from ims_glance.api.common.backup import Backups
from ims_glance.api.common.image import ShownImage
from ims_glance.api.native import bodies
from ims_glance.api.native.call import NativeCall
from ims_glance.clouds import rest
from ims_glance.model import backup
from ims_glance.model.backup import ServerBackup, Status
from ims_glance.model.image import attributes

LOG = logging.getLogger(__name__)

# Of a body of IMS's clients, which have one thing to say in it; bytes.
_LONGEST = 65536


def is_wanted(call: NativeCall) -> bool:
    """Whether a request to delete an image asks for its backup as well."""
    if (call.request.content_length or 0) > _LONGEST:
        return False
    body = bodies.read_json(call.request)
    return isinstance(body, dict) and body.get("delete_backup") is True


def delete_with(call: NativeCall, known: Backups, image: ShownImage) -> None:
    """Have the backup of an image deleted once the image is.

    What stands against it is found before anything is deleted. A backup that is gone is fine.

    :raises BackupNotDeletable: if it cannot be deleted now
    """
    backup_id = image.view.get(attributes.BACKUP_ID)
    if not backup_id:
        return
    if image.view["owner"] != call.context.project_id:
        # Of others than administrators Glance refuses the whole.
        if call.context.is_admin:
            _refuse(image, backup_id, "it is in the project of the image's owner")
        return
    call.held.enter_context(known.held(backup_id))
    found = _find(call, known, image, backup_id)
    if found is not None and found.status is not Status.DELETING:
        call.effects.append(functools.partial(_delete, call, known, found))


def _find(
    call: NativeCall, known: Backups, image: ShownImage, backup_id: str
) -> ServerBackup | None:
    try:
        found = known.of(call.context).find(backup_id)
    except rest.Refused as refused:
        _refuse(image, backup_id, str(refused))
    if backup_id in known.in_use(str(call.context.project_id)):
        _refuse(image, backup_id, "a job works on it")
    if found is not None and found.obstacle:
        _refuse(image, backup_id, found.obstacle)
    return found


def _refuse(image: ShownImage, backup_id: str, reason: str) -> Any:
    raise backup.BackupNotDeletable(image_id=image.id, backup_id=backup_id, reason=reason)


def _delete(
    call: NativeCall, known: Backups, found: ServerBackup, response: webob.Response
) -> None:
    if response.status_int >= 300:
        return
    try:
        known.of(call.context).delete(found)
    except exceptions.ImsError as error:
        # The image is gone: its owner finds the backup in their list.
        LOG.error("Backup %s was not deleted with its image: %s", found.id, error)
