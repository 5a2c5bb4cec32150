# SPDX-License-Identifier: Apache-2.0
"""The list of images as CSV, as IMS's console exports it."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from wsgiref.util import FileWrapper

from ims_glance.model.image import attributes
from ims_glance.model.text import table_text

View = Mapping[str, Any]

# Larger tables are in a file, however many images there are.
_IN_MEMORY = 1 << 20
_PIECE = 1 << 16

_DISKS = {
    "FusionCompute": "system disk",
    "Ironic": "bare metal system disk",
    "DataImage": "data disk",
    "IsoImage": "ISO",
}


def _disk_kind(view: View) -> str:
    if str(view.get(attributes.WHOLE_IMAGE)).lower() == "true":
        return "whole machine"
    return _DISKS.get(str(view.get(attributes.VIRTUAL_ENV_TYPE)), "system disk")


# Heading -> what stands below it.
_COLUMNS: dict[str, Callable[[View], object]] = {
    "id": lambda view: view["id"],
    "name": lambda view: view.get("name") or "",
    "status": lambda view: view["status"],
    "os_type": lambda view: view.get("__os_type") or "",
    "os": lambda view: view.get(attributes.OS_VERSION) or "",
    "kind": _disk_kind,
    "disk_gb": lambda view: view.get("min_disk") or 0,
    "encrypted": lambda view: "yes" if view.get(attributes.CMK_ID) else "no",
    "created": lambda view: view["created_at"],
}


def made(pages: Iterable[Iterable[View]]) -> tuple[FileWrapper, int]:
    """The table and its length. It is whole: what goes wrong with a page is raised here.

    A table that ends early looks complete to whoever gets it.

    :returns: pieces of the table, to be closed, as servers do
    """
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by who gets it
    try:
        for piece in rows(pages):
            file.write(piece)
        length = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return FileWrapper(file, _PIECE), length


def rows(pages: Iterable[Iterable[View]]) -> Iterator[bytes]:
    """The table, piece by piece: the headings, then the images of one page after the other.

    :param pages: images as the IMS API shows them
    """
    yield _lines([list(_COLUMNS)])
    for page in pages:
        yield _lines(
            [table_text.safe(str(column(view))) for column in _COLUMNS.values()] for view in page
        )


def _lines(table: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(table)
    return text.getvalue().encode()
