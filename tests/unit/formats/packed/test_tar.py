# SPDX-License-Identifier: Apache-2.0
"""Archives that Python's tar writes are read; what is no plain file with a plain name is refused."""

import random
import tarfile

import pytest

from ims_glance.formats.packed import tar
from ims_glance.formats.refusals import FileRefused
from tests.unit.formats.archives import tar as archive
from tests.unit.formats.archives import tar_of
from tests.unit.formats.files import InMemory, patched

FILES = {"a.ovf": b"one", "b.vmdk": b"x" * 1000, "c": b""}
FILE = archive(FILES)


def read(data):
    return {
        each.name: data[each.offset : each.offset + each.size]
        for each in tar.members(InMemory(data))
    }


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["b.vmdk", "n" * 150, "é.vmdk", "a b.vmdk"])
def test_plain_files(form, name):
    if len(name) < 100 or form != tarfile.USTAR_FORMAT:
        files = {"a.ovf": b"one", name: b"x" * 1000, "c": b""}
        assert read(archive(files, form)) == files


def test_names_that_begin_here():
    assert read(archive({"./a.ovf": b"one"})) == {"a.ovf": b"one"}


def test_large_sizes():
    """GNU writes what eleven digits do not hold in another way, and pax as text."""
    assert tar._number(b"\x80" + (9 << 33).to_bytes(11, "big")) == 9 << 33
    info = tarfile.TarInfo("a")
    info.pax_headers = {"size": "3", "comment": "é"}
    assert read(tar_of([(info, b"one")], tarfile.PAX_FORMAT)) == {"a": b"one"}


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/evil.vmdk",
        "/etc/passwd",
        "..",
        ".",
        "a/b",
        "a\\b",
        "./../a",
        "a\nb",
        "n" * 240,
    ],
)
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_that_are_no_plain_ones(name, form):
    with pytest.raises(FileRefused, match="no plain one"):
        read(archive({name: b"x"}, form))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (b"Z", "something"),
    ],
)
def test_what_is_no_file(kind, what):
    info = tarfile.TarInfo("a")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(FileRefused, match=f"the archive has {what} in it"):
        read(tar_of([(info, b"")]))


def test_sparse_files_of_pax():
    info = tarfile.TarInfo("a")
    info.pax_headers = {"GNU.sparse.major": "1"}
    with pytest.raises(FileRefused, match="sparse"):
        read(tar_of([(info, b"x")], tarfile.PAX_FORMAT))


def test_files_twice():
    infos = [(tarfile.TarInfo("a.vmdk"), b"1"), (tarfile.TarInfo("A.vmdk"), b"2")]
    with pytest.raises(FileRefused, match=r"'A\.vmdk' is in the archive twice"):
        read(tar_of(infos))


def test_many_files():
    assert len(read(archive({str(n): b"" for n in range(256)}))) == 256
    with pytest.raises(FileRefused, match="more than 256"):
        read(archive({str(n): b"" for n in range(257)}))


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (patched(FILE, 0, "<B", 7), "header of the archive is damaged"),
        (patched(FILE, 257, "<B", 7), "header of the archive is damaged"),
        (FILE[:512], "not there as a whole"),
        (FILE[:5000] + b"x" + FILE[5001:], "data behind it"),
        (FILE + bytes(2 << 20), "data behind its end"),
        (FILE[: 512 * 7], "no end mark"),
        (FILE[: 512 * 7 - 1], "."),
        (FILE[:600], "should lie"),
    ],
)
def test_archives_that_are_damaged(file, why):
    with pytest.raises(FileRefused, match=why):
        read(file)


@pytest.mark.parametrize("text", [b"", b"9", b"10 path=", b"99 path=abc\n", b"x path=abc\n"])
def test_pax_headers_that_are_damaged(text):
    if text:
        with pytest.raises(FileRefused, match="damaged"):
            tar._pax(text)
    assert tar._pax(b"11 path=abc\n"[:0]) == {}
    assert tar._pax(b"12 path=abc\n") == {"path": "abc"}


def test_headers_without_end():
    info = tarfile.TarInfo("a")
    info.type = tarfile.XGLTYPE
    headers = tar_of([(info, b"12 path=abc\n")])[:1024] * 2000
    with pytest.raises(FileRefused, match="more headers than files"):
        read(headers)


def test_mutations():
    chance = random.Random(3)
    outcomes = set()
    for _ in range(3000):
        out = bytearray(FILE)
        for _ in range(chance.choice((1, 2, 3))):
            out[chance.randrange(2500)] = chance.choice((0, 48, 49, 55, 128, 255))
        # Right checksums, or nothing behind them is reached.
        for start in range(0, 2048, 512):
            if out[start + 257 : start + 262] == b"ustar":
                total = sum(out[start : start + 148]) + 256 + sum(out[start + 156 : start + 512])
                out[start + 148 : start + 156] = b"%06o\0 " % total
        try:
            read(bytes(out))
            outcomes.add(True)
        except FileRefused:
            outcomes.add(False)
    assert outcomes == {True, False}
