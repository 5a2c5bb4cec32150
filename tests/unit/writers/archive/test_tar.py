# SPDX-License-Identifier: Apache-2.0
"""Headers of archives: what the standard library's tar reads of them."""

import io
import tarfile

import pytest

from ims_glance.writers.archive import tar


@pytest.mark.parametrize("size", [0, 1, 512, (1 << 33) - 1, 1 << 33, 1 << 41])
def test_what_is_told_of_a_member(size):
    header = tar.header("web-disk1.vmdk", size, 1_700_000_000)
    assert len(header) == tar.BLOCK
    info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
    assert (info.name, info.size, info.mtime) == ("web-disk1.vmdk", size, 1_700_000_000)
    assert (info.isfile(), info.mode, info.uid, info.gid) == (True, 0o644, 0, 0)


def test_it_is_as_the_standard_library_writes_it():
    info = tarfile.TarInfo("a")
    info.size, info.mtime = (1 << 33) - 1, 5
    assert tar.header("a", (1 << 33) - 1, 5) == info.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize("data", [b"", b"a", b"a" * 512, b"a" * 513])
def test_an_archive_of_small_members(data):
    packed = tar.member("a", data, 0) + tar.member("b", b"second", 0) + tar.END
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.getnames() == ["a", "b"]
        first, second = map(archive.extractfile, archive.getmembers())
        assert first is not None
        assert second is not None
        assert (first.read(), second.read()) == (data, b"second")


def test_names_are_plain():
    with pytest.raises(UnicodeEncodeError):
        tar.header("ü", 0, 0)
