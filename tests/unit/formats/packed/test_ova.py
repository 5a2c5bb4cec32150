# SPDX-License-Identifier: Apache-2.0
"""A machine in an archive: its disks are read where they lie, and their digests compared."""

import gzip

import pytest

from ims_glance import formats
from ims_glance.formats.found import Bounds
from ims_glance.formats.packed import ova
from ims_glance.formats.refusals import DiskFileTooLarge
from tests.unit.formats import archives
from tests.unit.formats.files import InMemory, Sparse, disk, joined, made

ONE, TWO = disk(300_032), disk(100_352, 7)
STREAM = made(ONE, "vmdk", "subformat=streamOptimized")
QCOW2 = made(TWO, "qcow2")
FILE = archives.ova({"a.vmdk": STREAM, "b.qcow2": QCOW2})


def whole(data):
    source = InMemory(data)
    found = formats.recognise(source, "web1.ova")
    return [joined(formats.reader(source, found, number)) for number in range(len(found.disks))]


def refused(data, why):
    with pytest.raises(formats.FileRefused, match=why):
        whole(data)


def test_its_disks():
    assert whole(FILE) == [ONE, TWO]
    assert whole(archives.ova({"a.vmdk": STREAM}, has_digests=False)) == [ONE]
    assert whole(archives.ova({"a.vmdk": STREAM, "b.qcow2": QCOW2}, order=(1, 0))) == [TWO, ONE]


def test_disks_that_are_compressed_as_a_whole():
    assert whole(archives.ova({"a.vmdk.gz": gzip.compress(STREAM), "b.raw": TWO})) == [ONE, TWO]


def test_what_is_told_of_it():
    found = formats.recognise(InMemory(FILE))
    assert (found.format, found.virtual_size) == ("ova", len(ONE) + len(TWO))
    assert found.facts["machine"] == "web1"
    assert found.facts["has_digests"] is True
    assert [each.found.format for each in found.disks] == ["vmdk", "qcow2"]
    first = found.disks[0]
    assert FILE[first.offset : first.offset + first.size] == STREAM
    unknown = archives.ova({"a.raw.gz": gzip.compress(disk(3 << 20))})
    assert formats.recognise(InMemory(unknown)).virtual_size is None


def test_it_is_read_about_once():
    source = InMemory(FILE)
    found = formats.recognise(source)
    for number in range(2):
        for _ in formats.reader(source, found, number):
            pass
    assert source.got < 2.5 * source.size


@pytest.mark.parametrize("has_digests", [True, False])
def test_disks_that_are_opened_by_themselves(has_digests):
    data = archives.ova({"a.vmdk": STREAM}, has_digests=has_digests)
    found = formats.recognise(InMemory(data))
    member = ova.opened(InMemory(data), found.disks[0])
    assert member.read(0, 4) == b"KDMV"
    assert member.size == len(STREAM)


def test_wrong_digests():
    start = FILE.index(STREAM)
    # In the padding behind the stream, which no reader looks at closely.
    changed = FILE[: start + 100] + b"x" + FILE[start + 101 :]
    refused(changed, "'a.vmdk' has not the digest")
    refused(FILE.replace(b"Debian GNU/Linux 12", b"Debian GNU/Linux 13"), "'web1.ovf' has not")


def files(**more):
    base = {"web1.ovf": archives.ovf("a.vmdk").encode(), "a.vmdk": STREAM}
    return archives.tar({**base, **{name.replace("_", "."): data for name, data in more.items()}})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (archives.tar({"a.vmdk": STREAM}), "without the description"),
        (files(other_ovf=b"x"), "2 files that end in '.ovf'"),
        (files(a_mf=b"", b_mf=b""), "2 files that end in '.mf'"),
        (
            files(a_mf=archives.manifest({"gone.vmdk": b""})),
            "'gone.vmdk', which is not in the archive",
        ),
        (files(a_mf=b"x" * 300_000), "'a.mf' is too long"),
        (archives.tar({"web1.ovf": b" " * (2 << 20)}), "'web1.ovf' is too long"),
        (archives.tar({"web1.ovf": archives.ovf("a.vmdk").encode()}), "names the file 'a.vmdk'"),
        (archives.tar({"web1.ovf": archives.ovf().encode()}), "0 disks"),
        (
            archives.tar({"web1.ovf": archives.ovf("a", "a").encode(), "a": TWO}),
            "two of its disks are the same file",
        ),
        (
            archives.tar({"web1.ovf": archives.ovf("http://127.0.0.1/a.vmdk").encode()}),
            "which is not in the archive",
        ),
        (
            archives.tar({"web1.ovf": archives.ovf("../../etc/passwd").encode(), "a.vmdk": STREAM}),
            "which is not in the archive",
        ),
        (archives.ova({"a.vmdk": STREAM[:60_000]}), "."),
        (archives.ova({"a.vmdk": ONE}), "its name ends in '.vmdk'"),
        (archives.ova({"a.ova": FILE}), "archive in an archive"),
        (archives.ova({"a.gz": gzip.compress(FILE)}), "ova in gz"),
        (archives.ova({"a.raw": TWO}, told=('ovf:capacity="100351"',)), "has 100351 bytes, and it"),
    ],
)
def test_what_is_refused(data, why):
    refused(data, why)


def test_a_disk_that_turns_out_to_be_larger():
    """Of what is packed only reading tells how large it is."""
    for capacity, is_refused in (("100351", True), ("100352", False)):
        told = (f'ovf:capacity="{capacity}"',)
        source = InMemory(archives.ova({"a.raw.gz": gzip.compress(TWO)}, told=told))
        found = formats.recognise(source)
        if is_refused:
            with pytest.raises(formats.FileRefused, match="has 100351 bytes, and it has 100352"):
                formats.measured(source, found)
        else:
            assert formats.measured(source, found).virtual_size == 100_352


def test_files_that_are_shorter_than_told():
    text = archives.ovf("a.vmdk").replace('href="a.vmdk"', f'href="a.vmdk" ovf:size="{1 << 30}"')
    refused(archives.tar({"web1.ovf": text.encode(), "a.vmdk": STREAM}), "instead of 1073741824")


def test_a_description_as_long_as_a_disk():
    """It is refused by what the archive says of it, and not read."""
    text = archives.ovf("a.vmdk").encode()
    huge = archives.tar({"web1.ovf": text})
    size = 1 << 30
    source = Sparse(archives.header("web1.ovf", size), size + 2048)
    with pytest.raises(formats.FileRefused, match="is too long"):
        formats.recognise(source)
    assert source.got < 1 << 20
    with pytest.raises(formats.FileRefused, match="which is not in the archive"):
        formats.recognise(InMemory(huge))


def test_a_member_that_is_longer_than_the_file():
    source = Sparse(archives.header("a.vmdk", 1 << 40), 4096)
    with pytest.raises(formats.FileRefused, match="not there as a whole"):
        formats.recognise(source)


def test_ten_thousand_members():
    source = InMemory(archives.tar({f"{number}.vmdk": b"" for number in range(10_000)}))
    with pytest.raises(formats.FileRefused, match="more than 256 files"):
        formats.recognise(source)
    assert source.got < 1 << 20


def test_capacities_that_are_larger_are_told():
    data = archives.ova(
        {"a.raw": TWO, "b.raw": ONE},
        told=(
            'ovf:capacity="100352"',
            'ovf:capacity="3" ovf:capacityAllocationUnits="byte * 2^30" ims:volumeType="fast"',
        ),
    )
    first, second = formats.recognise(InMemory(data)).disks
    assert (first.capacity, second.capacity) == (100352, 3 << 30)
    assert (second.volume_type, second.goes_with_server) == ("fast", True)


def test_bounds_are_those_of_each_disk():
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(FILE), bounds=Bounds(virtual_size=300_000))
    with pytest.raises(DiskFileTooLarge):
        formats.recognise(InMemory(FILE), bounds=Bounds(further=100_000))
    formats.recognise(InMemory(FILE), bounds=Bounds(virtual_size=300_032, further=100_352))
    with pytest.raises(formats.FileRefused, match="2 disks, and 1 to 1"):
        formats.recognise(InMemory(FILE), bounds=Bounds(disks=1))
