# SPDX-License-Identifier: Apache-2.0
"""The text of a VMDK may name no file but itself."""

import pytest

from ims_glance.formats.readers.vmdk_descriptor import kind
from ims_glance.formats.refusals import FileRefused

GOOD = """# Disk DescriptorFile
version=1
CID=6aff3f28
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW 600 SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "0"
"""


def read(text):
    return kind(text.encode() + bytes(100), 600)


def test_the_two_kinds_in_one_file():
    assert read(GOOD) == "streamoptimized"
    assert read(GOOD.replace("streamOptimized", "MonolithicSparse")) == "monolithicsparse"
    assert read(GOOD.replace("\n", "\r\n").replace("RW", "RDONLY")) == "streamoptimized"
    assert read(GOOD + 'ddb.comment = "é"\n') == "streamoptimized"


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../disk.vmdk", "a/b", "C:\\\\x", 'json:{"driver":"file"}']
)
@pytest.mark.parametrize("of", ["SPARSE", "FLAT", "VMFS"])
def test_extents_that_name_another_place(name, of):
    with pytest.raises(FileRefused, match="not in this file"):
        read(GOOD.replace('SPARSE "disk.vmdk"', f'{of} "{name}"'))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("SPARSE", "FLAT", "not in this file"),
        ("RW 600", "NOACCESS 600", "not in this file"),
        ("RW 600", "RW 601", "different sizes"),
        ("RW 600", "RW x", "not in this file"),
        ('RW 600 SPARSE "disk.vmdk"', "", "0 extents"),
        ('RW 600 SPARSE "disk.vmdk"', 'RW 300 SPARSE "a"\nRW 300 SPARSE "b"', "2 extents"),
        ('RW 600 SPARSE "disk.vmdk"', 'RW 600 SPARSE "a"\nanything', "2 extents"),
        ("streamOptimized", "monolithicFlat", "kind 'monolithicflat'"),
        ("streamOptimized", "twoGbMaxExtentSparse", "kind"),
        ("streamOptimized", "vmfs", "kind"),
        ('createType="streamOptimized"', "", "kind ''"),
        ("version=1", 'createType="vmfs"', "two lines 'createtype'"),
        ("version=1", "parentCID=12345678", "two lines 'parentcid'"),
        ("parentCID=ffffffff", "parentCID=12345678", "differs from another disk"),
        ("version=1", 'parentFileNameHint="base.vmdk"', "differs from another disk"),
        ("version=1", 'PARENTFILENAMEHINT = "/etc/passwd"', "differs from another disk"),
    ],
)
def test_what_is_refused(old, new, why):
    with pytest.raises(FileRefused, match=why):
        read(GOOD.replace(old, new))


def test_nothing_behind_the_first_zero_is_read():
    with pytest.raises(FileRefused, match="kind ''"):
        kind(b"\0" + GOOD.encode(), 600)


def test_a_line_without_end_takes_no_time():
    with pytest.raises(FileRefused):
        read(GOOD + "a" + " " * 30_000 + "=" + '"' * 30_000)
