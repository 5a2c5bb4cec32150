# SPDX-License-Identifier: Apache-2.0
"""The checksum of zvhd."""

from ims_glance.formats.layout import zvhd
from tests.unit.formats import zvhd_files


def test_the_checksum():
    head = zvhd_files.header(b"stream", 4096)
    assert zvhd.checksum(head) == int.from_bytes(head[64:68], "little")
    assert zvhd.checksum(bytes(4096)) == 0xFFFFFFFF
    assert zvhd.checksum(b"\1" + bytes(600) + b"\7") == 0xFFFFFFFE
