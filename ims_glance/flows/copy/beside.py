# SPDX-License-Identifier: Apache-2.0
"""What is done to data on its way beside the upload: it is read ahead.

Reading waits for another service, and to expand takes a processor as long as Glance takes for what came before.
Libraries in C let go of the interpreter meanwhile, so that both go on at once, in threads; bytes stay in their order,
and a few MiB of them are in memory.
"""

import collections
import concurrent.futures
import contextlib
from collections.abc import Callable, Iterable, Iterator

WORTH_AHEAD = 8 << 20
"""Bytes for which it pays to read ahead."""

_AHEAD = 4
"""Chunks that are read ahead."""


@contextlib.contextmanager
def ahead(chunks: Iterator[bytes], begin: Callable[[], None]) -> Iterator[Iterator[bytes]]:
    """Read the chunks in a thread, a few before they are asked for.

    What reading raises is raised when that chunk is asked for. At the end of the block nothing is read any more.

    :param begin: called in the thread before it reads
    """
    with concurrent.futures.ThreadPoolExecutor(1, "ims-ahead", begin) as pool:
        waiting = collections.deque(pool.submit(next, chunks, None) for _ in range(_AHEAD))

        def read() -> Iterator[bytes]:
            while (chunk := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(next, chunks, None))
                yield chunk

        try:
            yield read()
        finally:
            for each in waiting:
                each.cancel()


def gathered(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in chunks of *size* at most, and no shorter than that needs: each costs as much as a long one.

    :param pieces: none longer than *size*
    """
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        if length + len(piece) > size:
            yield b"".join(held)
            held, length = [], 0
        held.append(piece)
        length += len(piece)
    if held:
        yield b"".join(held)
