# SPDX-License-Identifier: Apache-2.0
"""What a job does now, in the words of the user.

The service names its tasks in English, for logs and programs. What is not in the table is shown as it is: the service
may be newer than the console.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.dashboard import words

TASKS: Mapping[str, Any] = {
    "answer to image": gettext_lazy("Answer the share of an image"),
    "await upload": gettext_lazy("Wait until the image is written"),
    "begin upload": gettext_lazy("Begin to write the image"),
    "copy data": gettext_lazy("Copy the data"),
    "copy disk": gettext_lazy("Copy a disk"),
    "copy product image": gettext_lazy("Copy the image of the product"),
    "create copy": gettext_lazy("Create the copy"),
    "create image of file": gettext_lazy("Create the image"),
    "create received image": gettext_lazy("Create the image"),
    "delete root image": gettext_lazy("Delete the intermediate image"),
    "delete spools": gettext_lazy("Delete what was kept in between"),
    "delete volumes": gettext_lazy("Delete the intermediate volumes"),
    "describe disks": gettext_lazy("Describe the disks"),
    "describe image": gettext_lazy("Describe the image"),
    "describe images": gettext_lazy("Describe the images"),
    "describe system": gettext_lazy("Describe the system"),
    "fill data images": gettext_lazy("Write the data disks"),
    "fill disks": gettext_lazy("Write the disks"),
    "fill image": gettext_lazy("Write the data"),
    "fill queued image": gettext_lazy("Write the data"),
    "finish image": gettext_lazy("Complete the image"),
    "finish image of file": gettext_lazy("Complete the image"),
    "follow copy": gettext_lazy("Follow the copy in the other region"),
    "keep report": gettext_lazy("Keep the report"),
    "keep report of image": gettext_lazy("Keep the report"),
    "look into file": gettext_lazy("Examine the file"),
    "look into image": gettext_lazy("Examine the image"),
    "make backups": gettext_lazy("Back up the disks"),
    "make root volume": gettext_lazy("Make a volume of the system disk"),
    "make volumes": gettext_lazy("Make intermediate volumes"),
    "make whole image": gettext_lazy("Create the whole-machine image"),
    "name backups": gettext_lazy("Name the backups"),
    "offer product image": gettext_lazy("Offer the image of the product"),
    "offer product machine": gettext_lazy("Offer the image of the product"),
    "plan receipt": gettext_lazy("Plan the transfer"),
    "prepare and fill image": gettext_lazy("Prepare the system and write the data"),
    "prepare system of server": gettext_lazy("Prepare the system"),
    "prepare system of volume": gettext_lazy("Prepare the system"),
    "read backup": gettext_lazy("Read the backup"),
    "read checked image": gettext_lazy("Read the image"),
    "read data files": gettext_lazy("Read the files of the data disks"),
    "read disks": gettext_lazy("Read the disks"),
    "read exported": gettext_lazy("Read the image"),
    "read file": gettext_lazy("Read the file"),
    "read file of queued": gettext_lazy("Read the file"),
    "read image": gettext_lazy("Read the image"),
    "read machine": gettext_lazy("Read the image"),
    "read product image": gettext_lazy("Read the image"),
    "read product machine": gettext_lazy("Read the image"),
    "read server": gettext_lazy("Read the server"),
    "read source": gettext_lazy("Read the source image"),
    "read volume": gettext_lazy("Read the volume"),
    "receive disks": gettext_lazy("Receive the disks"),
    "receive image": gettext_lazy("Receive the image"),
    "recognise system": gettext_lazy("Recognise the system"),
    "restore volumes": gettext_lazy("Restore volumes from the backup"),
    "scan product image": gettext_lazy("Scan the image"),
    "scan sellers image": gettext_lazy("Scan the image"),
    "share image": gettext_lazy("Share an image"),
    "show data images": gettext_lazy("Complete the data disk images"),
    "take snapshots": gettext_lazy("Take snapshots of the disks"),
    "tie disks": gettext_lazy("Connect the image with its disks"),
    "tie filled disks": gettext_lazy("Connect the image with its disks"),
    "tie product disks": gettext_lazy("Connect the image with its disks"),
    "tie received disks": gettext_lazy("Connect the image with its disks"),
    "unshare image": gettext_lazy("Stop sharing an image"),
    "upload volumes": gettext_lazy("Write the images"),
    "write archive": gettext_lazy("Write the file"),
    "write disks": gettext_lazy("Write the disks to the bucket"),
    "write file": gettext_lazy("Write the file"),
    "write manifest": gettext_lazy("Write the manifest"),
}

_UNDONE = "undo "
# Of tasks that there are several of: which disk, from 0, or which image.
_WHICH = re.compile(r"(?P<name>.+) (?P<which>[0-9]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def task(named: str) -> str:
    """A task that the service names."""
    if named.startswith(_UNDONE):
        return str(_("Undo: %s") % task(named.removeprefix(_UNDONE)))
    which = _WHICH.fullmatch(named)
    if which is not None and which["name"] in TASKS:
        return f"{TASKS[which['name']]} ({_number(which['which'])})"
    return str(TASKS.get(named) or words.plain(named))


def _number(which: str) -> str:
    """As people count, or an id."""
    return str(int(which) + 1) if which.isdigit() else which
