# SPDX-License-Identifier: Apache-2.0
"""A neighbour that accepts connections and never answers."""

import contextlib
import socket
import time
from collections.abc import Iterator

# What the tests set, and what nobody may need who waits for one such time-out or two; seconds.
TIMEOUT = 0.2
PATIENCE = 15.0


@contextlib.contextmanager
def silence() -> Iterator[str]:
    """Where it is. The system accepts for it: nobody ever reads what comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """The block may not take long."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < PATIENCE
