# SPDX-License-Identifier: Apache-2.0
"""What tests of several modules share: generated data, and child processes to spoil."""

import base64
import ctypes
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cachetools

from ims_glance.crypto.passage import Passage
from ims_glance.transfer import held
from ims_glance.transfer.frames import Frame, FrameKind

_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_REC, _MS_PRIVATE = 0x1, 0x20, 0x4000, 0x40000

_BLOCK = bytes(range(251)) * 4178  # about a MiB; 251 is prime, so no power of two repeats it


def pattern(start: int, size: int) -> bytes:
    """Bytes *start* .. *start + size* of an endless stream that never repeats at a segment border."""
    begin = start % 251
    return (_BLOCK * (1 + (begin + size) // len(_BLOCK)))[begin : begin + size]


class PatternSource:
    """The first *size* bytes of :func:`pattern` as an upload, without keeping them in memory.

    :param pieces: sizes of what each read returns at most, over and over
    :ivar reads: how often something was read
    """

    def __init__(self, size: int, pieces: Iterable[int] = ()) -> None:
        self._left = size
        self._position = 0
        self._pieces = tuple(pieces)
        self.reads = 0

    def read(self, size: int) -> bytes:
        """At most *size* bytes."""
        if self._pieces:
            size = min(size, self._pieces[self.reads % len(self._pieces)])
        piece = pattern(self._position, min(size, self._left))
        self.reads += 1
        self._position += len(piece)
        self._left -= len(piece)
        return piece


class Clock:
    """The seconds that a cache of cachetools goes by, for a test to move on.

    :ivar now: where it stands
    """

    def __init__(self, cache: cachetools.TTLCache[Any, Any]) -> None:
        self.now = 1000.0
        vars(cache.timer)["_Timer__timer"] = lambda: self.now


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """The value of a function that is called in a forked process, where it may spoil everything.

    :raises AssertionError: with the traceback, if it raised something
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_call, args=(sender, function, arguments))
    child.start()
    sender.close()
    try:
        good, value = receiver.recv()
    except EOFError:
        good, value = False, "it ended without an answer"
    child.join()
    assert good, f"in the child process:\n{value}"
    return value


def _call(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        answer = (True, function(*arguments))
    except BaseException:
        answer = (False, traceback.format_exc())
    sender.send(answer)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what comes by and by.

    :raises AssertionError: if it never does
    """
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def mount(kind: str, point: Path, options: str = "") -> None:
    """Mount a file system for the calling process alone, which must be a child of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = (
        (libc.unshare, _CLONE_NEWNS),
        (libc.mount, b"none", b"/", None, _MS_REC | _MS_PRIVATE, None),
        (libc.mount, kind.encode(), str(point).encode(), kind.encode(), 0, options.encode()),
    )
    for call, *arguments in steps:
        if call(*arguments):
            raise OSError(ctypes.get_errno(), f"cannot mount {kind} at {point}")


def remount_read_only(point: Path) -> None:
    """Take the right to write from what :func:`mount` has mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(None, str(point).encode(), None, _MS_REMOUNT | _MS_RDONLY, None):
        raise OSError(ctypes.get_errno(), f"cannot remount {point}")


def contents(found: Iterable[Frame], has: Iterable[bytes] = ()) -> bytes:
    """The bytes that frames stand for.

    :param has: pieces that HELD frames may name
    """
    known = {held.piece_prefix(each): each for each in has}
    data = b""
    for frame in found:
        if frame.kind is FrameKind.HELD:
            data += b"".join(known[prefix] for prefix in frame.pieces)
        else:
            data += frame.data or bytes(frame.length)
    return data


def spellings(secret: bytes) -> list[str]:
    """How a secret could show in a text."""
    return [
        repr(secret)[2:-1],
        secret.hex(),
        base64.b64encode(secret).decode(),
        base64.urlsafe_b64encode(secret).decode(),
        str(list(secret)),
    ]


def checksum(*chunks: bytes) -> str:
    """What Glance tells a worker of an upload."""
    passage = Passage()
    for chunk in chunks:
        passage.update(chunk)
    return passage.checksum()
