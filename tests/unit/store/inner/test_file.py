# SPDX-License-Identifier: Apache-2.0
"""Files: there when they are whole and on the disk, and otherwise not at all."""

import contextlib
import ctypes
import datetime
import fcntl
import mmap
import os
import resource
import stat
from pathlib import Path

import pytest
from glance_store import exceptions as store_exceptions

from tests.base import in_child, mount, pattern, remount_read_only
from tests.unit.store.stores import file_inner

NAME = "ims-" + "0" * 32
MIB = 1 << 20


class Boom(Exception):
    """What writing fails with here."""


def content(inner, name=NAME) -> bytes:
    """All of an object."""
    with contextlib.closing(inner.open(name)) as reader:
        return bytes(reader.read(0, 64 * MIB))


def files(directory: Path) -> list[str]:
    """Names of all that lies in a directory."""
    return sorted(os.listdir(directory))


def open_files() -> int:
    """How many descriptors the process has."""
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def directory(tmp_path):
    """Where :func:`inner` keeps its files. No test leaves one open."""
    before = open_files()
    yield tmp_path / "inner"
    assert open_files() <= before


@pytest.fixture
def inner(directory):
    """An inner store in a directory of its own."""
    return file_inner(directory)


@pytest.mark.parametrize(
    "sizes",
    [
        [],
        [0],
        [1],
        [4096],
        [MIB, MIB],
        [MIB, 5],
        [4095, 4097, 4096],
        [MIB - 1, MIB, 1, MIB],
        [3 * MIB + 5],
    ],
    ids=str,
)
def test_chunks_of_any_size(inner, directory, sizes):
    total = sum(sizes)
    expected = pattern(0, total)
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    chunks = [expected[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    inner.put(NAME, chunks, total)
    assert content(inner) == expected
    assert files(directory) == [NAME]


@pytest.mark.parametrize("sizes", [[], [4096, 5], [MIB - 1, MIB]], ids=str)
def test_what_is_written_for_now_is_whole_and_waits_for_no_disk(
    inner, directory, monkeypatch, sizes
):
    """Nor is it left half-written under its name, or written over another one."""
    for name in ("fdatasync", "fsync"):
        monkeypatch.setattr(os, name, None)
    inner.put_for_now(NAME, [pattern(0, size) for size in sizes], sum(sizes))
    assert content(inner) == b"".join(pattern(0, size) for size in sizes)
    with pytest.raises(store_exceptions.Duplicate):
        inner.put_for_now(NAME, [b"other"], 5)
    assert files(directory) == [NAME]


def test_readers_have_buffers_of_their_own_and_leave_them_to_the_next_ones(inner):
    """Many more than are kept are open at once."""
    inner.put(NAME, [pattern(0, 3 * MIB)], 3 * MIB)
    for _turn in range(2):
        readers = [inner.open(NAME) for _ in range(8)]
        sizes = [1 + (number % 3) * MIB // 2 for number in range(8)]
        found = [
            reader.read(number, size)
            for number, (reader, size) in enumerate(zip(readers, sizes, strict=True))
        ]
        for number, (each, size) in enumerate(zip(found, sizes, strict=True)):
            assert each == pattern(number, size)
        addresses = {ctypes.addressof(ctypes.c_char.from_buffer(each.obj)) for each in found}
        assert len(addresses) == 8
        for reader in readers:
            reader.close()
            reader.close()
    with contextlib.closing(inner.open(NAME)) as last:
        again = ctypes.addressof(ctypes.c_char.from_buffer(last.read(0, MIB).obj))
    assert again in addresses


@pytest.mark.parametrize("shift", [0, 1, 512])
def test_one_buffer_for_all_chunks(inner, shift):
    """Aligned, the pieces go to the disk as they are; else they take the way through the cache."""
    buffer = memoryview(mmap.mmap(-1, 2 * MIB))[shift : shift + MIB]

    def chunks():
        for n in range(4):
            buffer[:] = pattern(n * MIB, MIB)
            yield buffer
        buffer[:10] = pattern(4 * MIB, 10)
        yield buffer[:10]
        buffer[:] = pattern(4 * MIB + 10, MIB)
        yield buffer

    inner.put(NAME, chunks(), 0)
    assert content(inner) == pattern(0, 5 * MIB + 10)


@pytest.mark.parametrize("put", ["put", "put_for_now"])
def test_whole_blocks_are_written_directly(inner, directory, tmp_path, put):
    buffer = memoryview(mmap.mmap(-1, MIB))
    flags = []

    def chunks():
        for _ in range(2):
            yield buffer
            flags.append(_flags_of_writer(directory) & os.O_DIRECT)

    getattr(inner, put)(NAME, chunks(), 0)
    # As far as the disk can do that.
    with (tmp_path / "probe").open("wb") as probe:
        try:
            fcntl.fcntl(probe, fcntl.F_SETFL, os.O_DIRECT)
            expected = os.O_DIRECT
        except OSError:
            expected = 0
    assert flags == [expected, expected]


def _flags_of_writer(directory: Path) -> int:
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(directory)):
                return fcntl.fcntl(int(descriptor), fcntl.F_GETFL)
    raise AssertionError("no file is being written")


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs"])
def test_file_systems_without_direct_writes(tmp_path, kind):
    def put_and_get() -> bool:
        (tmp_path / "inner").mkdir()
        mount(kind, tmp_path / "inner")
        inner = file_inner(tmp_path / "inner")
        inner.put(NAME, [memoryview(mmap.mmap(-1, MIB)), b"tail", bytes(MIB)], 0)
        return content(inner) == bytes(MIB) + b"tail" + bytes(MIB)

    assert in_child(put_and_get)


def test_an_object_is_on_the_disk_before_it_has_its_name(inner, directory, monkeypatch):
    seen = []

    def record(name):
        real = getattr(os, name)

        def call(*arguments):
            seen.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, call)

    for name in ("write", "fdatasync", "link", "fsync"):
        record(name)
    inner.put(NAME, [b"data"], 4)
    # The last is the directory's.
    assert seen == ["write", "fdatasync", "link", "fsync"]


def test_nobody_sees_an_object_before_it_is_whole(inner, directory):
    def chunks():
        yield bytes(MIB)
        with pytest.raises(store_exceptions.NotFound):
            inner.open(NAME)
        assert NAME not in files(directory)
        # What a crash would leave is found by those who look for orphans.
        (unfinished,) = inner.objects()
        assert unfinished.name.startswith(f"{NAME}.")
        yield b"end"

    inner.put(NAME, chunks(), 0)
    assert content(inner) == bytes(MIB) + b"end"


def test_a_crash_leaves_no_half_object(inner, directory):
    def crash():
        yield bytes(MIB)
        os._exit(1)

    with pytest.raises(AssertionError, match="ended without an answer"):
        in_child(inner.put, NAME, crash(), 0)
    (unfinished,) = files(directory)
    with pytest.raises(store_exceptions.NotFound):
        inner.open(NAME)
    # It is in nobody's way, and can be deleted like any object.
    inner.put(NAME, [b"data"], 4)
    inner.delete(unfinished)
    assert files(directory) == [NAME]


@pytest.mark.parametrize("fail_at", [0, 1, 2])
def test_nothing_is_left_when_writing_fails(inner, directory, fail_at):
    def chunks():
        for n in range(3):
            if n == fail_at:
                raise Boom
            yield bytes(MIB)

    with pytest.raises(Boom):
        inner.put(NAME, chunks(), 0)
    assert files(directory) == []


def test_an_existing_object_is_not_touched(inner, directory):
    inner.put(NAME, [b"first"], 5)
    before = (directory / NAME).stat()

    def unread():
        raise AssertionError("it was asked for data")
        yield b""

    with pytest.raises(store_exceptions.Duplicate):
        inner.put(NAME, unread(), 0)
    assert (directory / NAME).stat() == before
    assert files(directory) == [NAME]


def test_of_two_writers_the_first_wins(inner, directory):
    def overtaken():
        inner.put(NAME, [b"first"], 5)
        yield b"second"

    with pytest.raises(store_exceptions.Duplicate):
        inner.put(NAME, overtaken(), 0)
    assert content(inner) == b"first"
    assert files(directory) == [NAME]


def test_a_full_disk(tmp_path):
    def put_too_much() -> tuple[str, list[str]]:
        directory = tmp_path / "inner"
        directory.mkdir()
        mount("tmpfs", directory, "size=2m")
        inner = file_inner(directory)
        try:
            inner.put(NAME, [memoryview(mmap.mmap(-1, MIB))] * 3, 0)
        except store_exceptions.StorageFull as error:
            return type(error.__cause__).__name__, files(directory)
        raise AssertionError("it was accepted")

    assert in_child(put_too_much) == ("OSError", [])


def test_a_file_too_large(tmp_path):
    def put_too_much() -> list[str]:
        inner = file_inner(tmp_path / "inner")
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB + 100, MIB + 100))
        with pytest.raises(store_exceptions.StorageFull):
            inner.put(NAME, [memoryview(mmap.mmap(-1, MIB))] * 3, 0)
        return files(tmp_path / "inner")

    assert in_child(put_too_much) == []


def test_a_disk_that_may_not_be_written(tmp_path):
    def put() -> bool:
        directory = tmp_path / "inner"
        directory.mkdir()
        mount("tmpfs", directory)
        inner = file_inner(directory)
        remount_read_only(directory)
        with pytest.raises(store_exceptions.StorageWriteDenied):
            inner.put(NAME, [b"data"], 4)
        return True

    assert in_child(put)


def test_other_errors_of_the_disk_pass(inner, directory, monkeypatch):
    def broken(_descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(OSError, match="Input/output"):
        inner.put(NAME, [b"data"], 4)
    assert files(directory) == []


@pytest.mark.parametrize(("permissions", "mode"), [(0, 0o640), (600, 0o600), (644, 0o644)])
def test_permissions(tmp_path, permissions, mode):
    inner = file_inner(tmp_path / "inner", filesystem_store_file_perm=permissions)
    inner.put(NAME, [b"data"], 4)
    found = stat.S_IMODE((tmp_path / "inner" / NAME).stat().st_mode)
    assert found == mode & ~(_umask() if not permissions else 0)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_several_directories(tmp_path):
    low, high = tmp_path / "low", tmp_path / "high"
    inner = file_inner(
        tmp_path / "inner",
        filesystem_store_datadir="",
        filesystem_store_datadirs=[f"{low}:100", f"{high}:200"],
    )
    inner.put(NAME, [b"data"], 4)
    assert files(high) == [NAME]
    (low / "ims-moved").write_bytes(b"by an operator")
    assert content(inner, "ims-moved") == b"by an operator"
    assert sorted(stored.name for stored in inner.objects()) == [NAME, "ims-moved"]
    with pytest.raises(store_exceptions.Duplicate):
        inner.put("ims-moved", [b""], 0)
    inner.delete("ims-moved")
    inner.delete(NAME)
    assert files(low) == files(high) == []


def test_objects(inner, directory):
    inner.put(NAME, [b"data"], 4)
    (directory / "somebody-elses").touch()
    (stored,) = inner.objects()
    age = datetime.datetime.now(datetime.UTC) - stored.modified
    assert stored.name == NAME
    assert age < datetime.timedelta(minutes=1)
    assert list(inner.objects("ims-spool-")) == []


def test_an_object_that_vanishes_while_they_are_listed(inner, directory):
    inner.put(NAME, [b""], 0)
    inner.put(f"{NAME}.header-a", [b""], 0)
    listed = inner.objects()
    found = [next(listed)]
    for name in files(directory):
        (directory / name).unlink()
    found.extend(listed)
    assert len(found) == 1


def test_a_missing_object(inner, directory, monkeypatch):
    for call in (inner.open, inner.delete):
        with pytest.raises(store_exceptions.NotFound):
            call(NAME)
    # Not even if the process happens to stand where there is one.
    elsewhere = directory.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / NAME).write_bytes(b"of another store")
    monkeypatch.chdir(elsewhere)
    with pytest.raises(store_exceptions.NotFound):
        inner.open(NAME)


def test_reading_anywhere(inner):
    inner.put(NAME, [pattern(0, 3 * MIB)], 0)
    with contextlib.closing(inner.open(NAME)) as reader:
        for offset, size in [
            (0, 10), (10, MIB), (MIB + 10, MIB), (5, 5), (3 * MIB - 1, 1), (0, 3 * MIB),
        ]:  # fmt: skip
            assert reader.read(offset, size) == pattern(offset, size)


def test_reading_past_the_end_gives_less(inner):
    inner.put(NAME, [b"12345"], 5)
    with contextlib.closing(inner.open(NAME)) as reader:
        assert reader.read(3, 10) == b"45"
        assert reader.read(5, 1) == b""
        assert reader.read(1000, 1) == b""
        assert reader.read(0, 0) == b""


def test_a_reader_keeps_what_is_deleted(inner):
    inner.put(NAME, [pattern(0, MIB)], 0)
    with contextlib.closing(inner.open(NAME)) as reader:
        inner.delete(NAME)
        assert reader.read(0, MIB) == pattern(0, MIB)


def test_closing_twice(inner):
    inner.put(NAME, [b""], 0)
    reader = inner.open(NAME)
    reader.close()
    reader.close()


def test_the_uri_is_that_of_the_stock_driver(inner, directory):
    inner.put(NAME, [b"data"], 4)
    assert inner.uri(NAME) == f"file://{directory}/{NAME}"
    pieces, size = inner._shared.get(inner.location(NAME))
    assert (b"".join(pieces), size) == (b"data", 4)
