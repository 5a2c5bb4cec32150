# SPDX-License-Identifier: Apache-2.0
"""An object as formats read it: here a few bytes, there many, and most of it in order.

It is read in blocks, and the last ones are remembered: formats look into their tables again and again.
What is read in order is asked for in larger and larger ranges.
"""

import collections
import time
from collections.abc import Callable

import tenacity
from oslo_utils import units

from ims_glance.clouds import rest
from ims_glance.clouds.objects.base import FileUnreadable, FoundFile, ObjectStore

BLOCK = units.Mi
"""Bytes of a block, the least that is asked for. A table of a qcow2 with 64 KiB clusters has 64 KiB."""
SMALL_BLOCK = 64 * units.Ki
"""The same where little of a file is read: to see which system is on a disk takes 70 ranges of it."""
_AHEAD = 4 * units.Mi
"""Bytes of the largest range."""
_KEPT = 16 * units.Mi
"""Bytes that are remembered."""
# Glance waits meanwhile, and what it has would have to be sent again: so a few seconds, and no more.
_ATTEMPTS = 4
# How often as many bytes may come as the object has. A disk that was written here and there in clusters of 64
# KiB takes 16; one that was made for it could take thousands.
_TIMES = 100


class ObjectSource:
    """An object.

    Every method raises what :meth:`ims_glance.clouds.objects.base.ObjectStore.read` raises; where the object
    storage is away for a moment it is asked again.

    :param pause: waits so many seconds, unless there is something else to do
    :param check: called with each read; raises something if there is no use in going on
    :param block: bytes of a block
    :ivar received: bytes that came
    :ivar requests: that they took
    """

    def __init__(
        self,
        store: ObjectStore,
        found: FoundFile,
        pause: Callable[[float], None] = time.sleep,
        check: Callable[[], None] = lambda: None,
        block: int = BLOCK,
    ) -> None:
        self._store = store
        self._pause = pause
        self._check = check
        self._found = found
        self._unit = block
        self._blocks: collections.OrderedDict[int, bytes] = collections.OrderedDict()
        self._next = -1
        self._ahead = 1
        self.received = self.requests = 0

    @property
    def size(self) -> int:
        """In bytes."""
        return self._found.size

    def read(self, offset: int, length: int) -> bytes:
        """A range; less only where the object ends.

        :raises FileUnreadable: if the object was read many times over already
        """
        self._check()
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        found = bytearray()
        while (at := offset + len(found)) < end:
            number, inside = divmod(at, self._unit)
            found += self._block(number)[inside : inside + end - at]
        return bytes(found)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            most = _AHEAD // self._unit
            self._ahead = min(most, 2 * self._ahead) if number == self._next else 1
            self._fetch(number, self._ahead)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, number: int, count: int) -> None:
        begin = number * self._unit
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(rest.ServiceUnavailable),
            wait=tenacity.wait_exponential(),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            sleep=self._pause,
            reraise=True,
        )
        length = min(count * self._unit, self.size - begin)
        if self.received + length > _TIMES * self.size:
            raise FileUnreadable(
                file=self._found.file,
                reason=f"what belongs together lies so far apart in it that it was read {_TIMES} times over. "
                "Convert it ('qemu-img convert -O qcow2'), which puts it in order",
            )
        data = again(self._store.read, self._found, begin, length)
        self.received += len(data)
        self.requests += 1
        for at in range(0, len(data), self._unit):
            self._blocks[number + at // self._unit] = data[at : at + self._unit]
        while len(self._blocks) > _KEPT // self._unit:
            self._blocks.popitem(last=False)
        self._next = number + -(-len(data) // self._unit)
