# SPDX-License-Identifier: Apache-2.0
"""A second opinion: the format inspector of ``oslo.utils``, with which Glance looks at images too.

What it refuses Glance, Nova and Cinder may refuse later, so it is refused here. It does not know the
formats ``zvhd``, ``zvhd2`` and ``ova``, bans ``qed``, does not read the first ``qcow``, and does not
know a fixed VHD. What it finds in raw disks is no matter of ours.
"""

from oslo_utils.imageutils import format_inspector

from ims_glance.formats.found import FormatFound
from ims_glance.formats.refusals import FileRefused
from ims_glance.formats.source import Source, is_open_ended, read

KNOWN = ("qcow2", "vhd", "vmdk", "vdi", "iso")
# It takes a disk's size from another field than readers do.
_OTHER_SIZE = ("vhd", "iso")
_HEAD = 64 << 10
# What it wants of the end of a VMDK: footer, its marker, the end mark.
_TAIL = 1536


def check(source: Source, found: FormatFound) -> None:
    """See that the inspector has the same opinion.

    :raises FileRefused: if it has not
    """
    if found.format not in KNOWN or found.facts.get("subformat") == "fixed":
        return
    if found.format == "vmdk" and is_open_ended(source):
        # It wants to see the end of a stream.
        return
    inspector = format_inspector.ALL_FORMATS[found.format]()
    try:
        _feed(inspector, source)
        inspector.safety_check()
    except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed) as error:
        raise FileRefused(f"Glance's format inspector says: {error}") from error
    size = inspector.virtual_size
    if found.format not in _OTHER_SIZE and size != found.virtual_size:
        raise FileRefused(
            f"Glance's format inspector sees a disk of {size} bytes, and not of {found.virtual_size}"
        )


def _feed(inspector: format_inspector.FileInspector, source: Source) -> None:
    """Give it beginning and end: between them is nothing that it looks at."""
    head = min(_HEAD, source.size)
    inspector.eat_chunk(read(source, 0, head, "its beginning"))
    tail = min(_TAIL, source.size - head)
    if tail and not is_open_ended(source):
        inspector.eat_chunk(read(source, source.size - tail, tail, "its end"))
    inspector.finish()
