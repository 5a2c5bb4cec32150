# SPDX-License-Identifier: Apache-2.0
"""raw: the disk's bytes, and nothing else."""

import itertools
from collections.abc import Iterable, Iterator

from ims_glance.writers.base import MIB, Buffer, ExportWriter

_ZEROS = bytes(MIB)


class RawWriter(ExportWriter):
    """Passes on what it is given; zeros that are skipped are made when they are taken."""

    FORMAT = "raw"
    BLOCK = 1
    LARGEST = (1 << 63) - 1

    def feed(self, data: Buffer) -> Iterable[Buffer]:
        """The same bytes."""
        self._expect(len(data))
        self._take(len(data))
        return [data] if data else []

    def skip(self, length: int) -> Iterable[Buffer]:
        """So many zeros."""
        self._expect(length)
        self._take(length)
        whole = itertools.repeat(_ZEROS, length // MIB)
        return itertools.chain(whole, [_ZEROS[: length % MIB]] if length % MIB else [])

    def _take(self, length: int) -> None:
        self._block += length
        self.offset += length

    def _run(self, block: int, data: Buffer) -> Iterator[Buffer]:
        yield data

    def _tail(self) -> Iterator[Buffer]:
        return iter(())
