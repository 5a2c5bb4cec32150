# SPDX-License-Identifier: Apache-2.0
"""Ciphertext in files, in the directories of the stock ``file`` driver."""

import collections
import contextlib
import datetime
import errno
import fcntl
import io
import mmap
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Self

from glance_store import exceptions as store_exceptions

from ims_glance.crypto.stream import SEGMENT_SIZE, Buffer
from ims_glance.store.inner import stock
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore, ObjectReader, StoredObject


class FileInner(InnerStore):
    """Reads and writes the files itself: the stock driver would hash what it writes, twice."""

    def uri(self, name: str) -> str:
        return f"file://{self._find(name) or os.path.join(self._directories()[0], name)}"

    def objects(self, prefix: str = NAME_PREFIX) -> Iterator[StoredObject]:
        for directory in self._directories():
            with os.scandir(directory) as entries:
                files = [entry for entry in entries if entry.name.startswith(prefix)]
            for file in files:
                # A file that is deleted meanwhile is none any more.
                with contextlib.suppress(FileNotFoundError):
                    seconds = file.stat().st_mtime
                    yield StoredObject(
                        file.name,
                        datetime.datetime.fromtimestamp(seconds, datetime.UTC),
                        unfinished=_UNFINISHED.search(file.name) is not None,
                    )

    def put(self, name: str, chunks: Iterable[Buffer], size: int) -> None:
        path = self._write(name, chunks, size, _DurableWriter)
        _sync_directory(os.path.dirname(path))

    def put_for_now(self, name: str, chunks: Iterable[Buffer], size: int) -> None:
        # Of many small objects each would wait until the disk has confirmed it.
        self._write(name, chunks, size, _DirectWriter)

    def _write(self, name: str, chunks: Iterable[Buffer], size: int, kind: "type[_Writer]") -> str:
        """Write a file; its path."""
        if self._find(name):
            raise store_exceptions.Duplicate(image=name)
        path = os.path.join(stock.best_directory(self._shared, size), name)
        # It gets its name when it is whole: a reader, or a crash, must not meet half a header.
        unfinished = f"{path}.{secrets.token_hex(4)}"
        try:
            with kind(unfinished) as writer:
                for chunk in chunks:
                    writer.write(chunk)
                self._set_permissions(writer.descriptor)
            os.link(unfinished, path)
        except FileExistsError:
            raise store_exceptions.Duplicate(image=name) from None
        except OSError as error:
            if error.errno in _STORE_ERRORS:
                raise _STORE_ERRORS[error.errno]() from error
            raise
        finally:
            _remove(unfinished)
        return path

    def open(self, name: str) -> ObjectReader:
        path = self._find(name)
        try:
            if path is not None:
                return _FileReader(path)
        except FileNotFoundError:
            # Deleted just now.
            pass
        raise store_exceptions.NotFound(image=name)

    def _set_permissions(self, descriptor: int) -> None:
        permissions = self._shared.store_conf.filesystem_store_file_perm
        if permissions > 0:
            os.fchmod(descriptor, int(str(permissions), 8))

    def _find(self, name: str) -> str | None:
        paths = (os.path.join(directory, name) for directory in self._directories())
        return next((path for path in paths if os.path.exists(path)), None)

    def _directories(self) -> list[str]:
        if not self._shared.multiple_datadirs:
            return [self._shared.datadir]
        by_priority = self._shared.priority_data_map
        return [path for priority in self._shared.priority_list for path in by_priority[priority]]


# The end of the name of a file that is not whole yet.
_UNFINISHED = re.compile(r"\.[0-9a-f]{8}\Z")

# No disk has larger blocks; a direct write is a multiple of them.
_BLOCK_SIZE = 4096

_AT_ONCE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE

# Buffers of readers that are done, for the next ones: to have the memory made takes twice as long as to read
# a segment into it. There is ciphertext in them, and there are as many as uWSGI has threads, as a rule.
_BUFFERS: "collections.deque[memoryview]" = collections.deque(maxlen=4)

_STORE_ERRORS: dict[int | None, type[Exception]] = {
    errno.EFBIG: store_exceptions.StorageFull,
    errno.ENOSPC: store_exceptions.StorageFull,
    errno.EDQUOT: store_exceptions.StorageFull,
    errno.EACCES: store_exceptions.StorageWriteDenied,
    errno.EROFS: store_exceptions.StorageWriteDenied,
}


class _FileReader:
    def __init__(self, path: str) -> None:
        # A file object and no bare descriptor: it closes itself when a download is abandoned.
        self._file = io.FileIO(path)
        self._buffer = memoryview(b"")
        self._end = 0

    def read(self, offset: int, size: int) -> memoryview:
        if size > len(self._buffer):
            self._buffer = _buffer(size)
        if self._end and offset == self._end:
            # A whole image, and no range: larger steps ahead. (Not POSIX_FADV_WILLNEED: what that
            # brings into the cache lies there in single pages, which are slow to read from.)
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        filled = 0
        while filled < size:
            got = os.preadv(self._file.fileno(), [self._buffer[filled:size]], offset + filled)
            if not got:
                break
            filled += got
        self._end = offset + filled
        return self._buffer[:filled]

    def close(self) -> None:
        self._file.close()
        buffer, self._buffer = self._buffer, memoryview(b"")
        if len(buffer) == SEGMENT_SIZE:
            _BUFFERS.append(buffer)


def _buffer(size: int) -> memoryview:
    """One for all reads of a reader, and a page-aligned one, which the kernel fills twice as fast.

    A new one is there at once: page by page it would cost a range as much as reading it.
    """
    if size <= SEGMENT_SIZE:
        with contextlib.suppress(IndexError):
            return _BUFFERS.pop()
    return memoryview(mmap.mmap(-1, max(size, SEGMENT_SIZE), flags=_AT_ONCE))


class _Writer:
    """Writes a new file, which the kernel brings to the disk when it likes."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self.descriptor = os.open(path, flags, 0o640)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_details: object) -> None:
        os.close(self.descriptor)

    def write(self, chunk: Buffer) -> None:
        """Append *chunk*."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]


class _DirectWriter(_Writer):
    """Writes a new file whose whole blocks go to the disk directly.

    That takes a fraction of the processor time which copying them into the page cache takes, and
    leaves the cache to those who read.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._direct = False
        self._set_direct(True)

    def write(self, chunk: Buffer) -> None:
        """Append *chunk*."""
        rest = memoryview(chunk)
        while rest:
            if self._direct and len(rest) % _BLOCK_SIZE:
                self._set_direct(False)
            try:
                rest = rest[os.write(self.descriptor, rest) :]
            except OSError as error:
                # This memory or this file system does not do it after all.
                if error.errno != errno.EINVAL or not self._direct:
                    raise
                self._set_direct(False)

    def _set_direct(self, direct: bool) -> None:
        flags = fcntl.fcntl(self.descriptor, fcntl.F_GETFL) & ~os.O_DIRECT
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_SETFL, flags | (os.O_DIRECT if direct else 0))
            self._direct = direct
        except OSError:
            # Some file systems (tmpfs of older kernels) have no direct writes.
            self._direct = False


class _DurableWriter(_DirectWriter):
    """Writes a new file that is on the disk, and not only in memory, when it is closed well.

    An image whose upload has succeeded must survive a power failure.
    """

    def __exit__(self, kind: type[BaseException] | None, *_details: object) -> None:
        try:
            if kind is None:
                os.fdatasync(self.descriptor)
        finally:
            super().__exit__(kind, *_details)


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    # Why the write failed is what matters: a disk that takes no writes takes no deletion either.
    with contextlib.suppress(OSError):
        os.unlink(path)
