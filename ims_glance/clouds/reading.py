# SPDX-License-Identifier: Apache-2.0
"""Reading what another service sends, with an end to it.

The time-outs of a session are for each wait for bytes: with a byte now and then an answer lasts for days,
and holds a thread as long. And one without end would fill the memory.
"""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping
from typing import Any

from urllib3 import exceptions as http_exceptions

FAILURES = (http_exceptions.HTTPError, OSError)
"""What reading raises if the answer breaks off."""

CHUNK_SECONDS = 300.0
"""Of data, on a link on which a mebibyte takes longer nothing is moved that is worth the wait."""

# Of an answer that is not data so much is read at most, in bytes, and for so long, in seconds.
_MOST = 4 << 20
_MOST_OF_REFUSAL = 1 << 16
_SECONDS = 60.0
_PART = 1 << 16


class TooSlow(OSError):
    """Bytes come, and too few of them."""


class TooLong(OSError):
    """More comes than anybody wants to have."""


@dataclasses.dataclass(frozen=True)
class Contents:
    """An answer that was read."""

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    def close(self) -> None:
        """Nothing is open any more; who has an answer need not know whether it was read."""


def chunks(response: Any, size: int) -> Iterator[bytes]:
    """The body of an answer in chunks of *size* bytes; the last one may be shorter.

    :param response: a ``requests.Response`` whose body was not read
    :raises TooSlow: if one takes too long, not counting the time in which nobody asks for it
    """
    goes_on = True
    while goes_on:
        parts, missing, end = [], size, time.monotonic() + CHUNK_SECONDS
        while missing and (part := response.raw.read1(missing)):
            parts.append(part)
            missing -= len(part)
            if missing and time.monotonic() > end:
                raise TooSlow(f"{size - missing} bytes came in {CHUNK_SECONDS:.0f} seconds")
        goes_on = not missing
        if parts:
            yield b"".join(parts)


def contents(response: Any) -> Contents:
    """An answer of somebody who may send anything, with all of its body; of a refusal, the beginning.

    :param response: a ``requests.Response`` whose body was not read; it is closed
    :raises TooSlow, TooLong: if it is no usable answer; other :data:`FAILURES` if it breaks off
    """
    is_refusal = response.status_code >= 300
    most = _MOST_OF_REFUSAL if is_refusal else _MOST
    with contextlib.closing(response):
        broken = contextlib.suppress(*FAILURES) if is_refusal else contextlib.nullcontext()
        read = bytearray()
        with broken:
            _read(response, read, most)
    return Contents(response.status_code, str(response.reason), response.headers, bytes(read))


def _read(response: Any, read: bytearray, most: int) -> None:
    end = time.monotonic() + _SECONDS
    while part := response.raw.read1(_PART):
        read += part
        if len(read) > most:
            del read[most:]
            raise TooLong(f"the answer has more than {most} bytes")
        if time.monotonic() > end:
            raise TooSlow(f"the answer has not come in {_SECONDS:.0f} seconds")
