# SPDX-License-Identifier: Apache-2.0
"""Clouds of which nothing runs."""

import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest
from pocket_cloud.cloud import Cloud


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C is heard, as a shell does not let what it runs in its background do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def signal_after():
    """``signal_after(number, path)``: the test's thread gets it once a whole line is in *path*.

    Not after a time: a program that is begun beside others may not have come to anything by then.
    """
    threads, main = [], threading.get_ident()

    def send(number: int, path: Path) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if path.exists() and "\n" in path.read_text():
                break
            time.sleep(0.02)
        # Not the process: the system may choose this thread, and what the test waits for goes on.
        signal.pthread_kill(main, number)

    def begin(number: int, path: Path) -> None:
        threads.append(threading.Thread(target=send, args=(number, path)))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.join()


@pytest.fixture
def short_path():
    """An empty folder whose path leaves room for the sockets in it, as pytest's own may not."""
    with tempfile.TemporaryDirectory(prefix="pocket-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def cloud(tmp_path):
    """A cloud in an empty folder; its environment is this folder's too."""
    return Cloud(home=tmp_path / "home", base=30000, venv=tmp_path / "venv", checkout=tmp_path)
