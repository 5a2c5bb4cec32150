# SPDX-License-Identifier: Apache-2.0
"""Why a file is not taken. Each refusal says in plain words what is wrong with it, and what to do."""

from typing import ClassVar

from ims_glance import exceptions

_SHOWN = 64

COMPLETE = "Upload the file once more, complete."
CONVERT = "Convert it with 'qemu-img convert -O qcow2' where it was made, and upload the result."
REPAIR = "Make the file anew, or look at it with 'qemu-img check' where it was made."


class FileRefused(exceptions.Invalid):
    """A file is damaged, is made to do harm, or uses what is not read here (IMS: "file format").

    :param reason: what is wrong; the rest of a sentence, without its full stop
    :param advice: what to do; a sentence
    """

    code = "IMG.0057"
    template: ClassVar[str] = "The file cannot be read as a disk: {reason}. {advice}"

    def __init__(self, reason: str, advice: str = REPAIR) -> None:
        super().__init__(reason=reason, advice=advice)


class FileCut(FileRefused):
    """A file ends before what it should hold."""

    def __init__(self, reason: str, advice: str = COMPLETE) -> None:
        super().__init__(reason, advice)


class FormatNotRead(FileRefused):
    """A file is of a format, or of a kind of it, that is not read here."""

    code = "IMG.0072"

    def __init__(self, reason: str, advice: str = CONVERT) -> None:
        super().__init__(reason, advice)


class DiskFileTooLarge(FileRefused):
    """The disk in a file is larger than may be."""

    code = "IMG.0055"


def quoted(text: str | bytes) -> str:
    """A word out of a stranger's file, fit for a message: printable, in quotes, and short."""
    word = text.decode("latin-1") if isinstance(text, bytes) else text
    return ascii(word if len(word) <= _SHOWN else f"{word[:_SHOWN]}...")
