# SPDX-License-Identifier: Apache-2.0
"""The checksum of VHD."""

from ims_glance.formats.layout import vhd
from tests.unit.formats.files import disk, made


def test_the_checksum_is_that_of_qemu():
    file = made(disk(), "vpc")
    footer, header = file[:512], file[512:1536]
    assert vhd.checksum(footer, 64) == int.from_bytes(footer[64:68], "big")
    assert vhd.checksum(header, 36) == int.from_bytes(header[36:40], "big")
