# SPDX-License-Identifier: Apache-2.0
"""Writers by the name of their format."""

import json
import uuid
import zlib
from collections.abc import Mapping

from ims_glance import exceptions
from ims_glance.writers.base import NOBODY, ExportWriter
from ims_glance.writers.qcow2 import Qcow2Writer
from ims_glance.writers.raw import RawWriter
from ims_glance.writers.vhd import VhdWriter
from ims_glance.writers.vmdk import OvaDiskWriter, VmdkWriter
from ims_glance.writers.zvhd import ZvhdWriter
from ims_glance.writers.zvhd2 import Zvhd2Writer

WRITERS: Mapping[str, type[ExportWriter]] = {
    each.FORMAT: each
    for each in (Qcow2Writer, VhdWriter, VmdkWriter, ZvhdWriter, Zvhd2Writer, RawWriter)
}

_RESTORED: Mapping[str, type[ExportWriter]] = {**WRITERS, OvaDiskWriter.FORMAT: OvaDiskWriter}


class NoSuchExportFormat(exceptions.Invalid):
    """There is no writer of that format (IMS: "invalid parameter")."""

    template = "Images cannot be written as '{format}'. Choose one of: {known}."


def writer(
    name: str, virtual_size: int, image_id: uuid.UUID = NOBODY, head_room: int = 0
) -> ExportWriter:
    """A writer of one file.

    :param name: of the format
    :param virtual_size: of the disk, in bytes
    :param image_id: that of the image, for the identifier that most formats have
    :param head_room: bytes that the head has at least, where there is one
    :raises NoSuchExportFormat: if there is no such format
    :raises DiskTooLargeToWrite: if it has no room for the disk
    """
    if name not in WRITERS:
        raise NoSuchExportFormat(format=name, known=", ".join(WRITERS))
    return WRITERS[name](virtual_size, image_id, head_room)


def of_archive(virtual_size: int, image_id: uuid.UUID = NOBODY, head_room: int = 0) -> ExportWriter:
    """A writer of a disk in an OVA; see :func:`writer`."""
    return OvaDiskWriter(virtual_size, image_id, head_room)


def restore(state: bytes) -> ExportWriter:
    """The writer whose :meth:`~ims_glance.writers.base.ExportWriter.state` that is.

    It is fed from its :attr:`~ims_glance.writers.base.ExportWriter.position` on.

    :raises ValueError: if it is none
    """
    try:
        known = json.loads(zlib.decompress(state))
        return _RESTORED[known["format"]].restored(known)
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise ValueError("this is no state of a writer") from error
