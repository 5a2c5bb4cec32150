# SPDX-License-Identifier: Apache-2.0
"""Where a process of tests was as it crashed: part of the failure, and not only of a long output."""

import faulthandler
import tempfile
from pathlib import Path
from typing import Any

import pytest

_FILE = pytest.StashKey[Any]()
_LINES = 12


def _path(workerinput: dict[str, Any]) -> Path:
    name = f"crash-{workerinput['testrunuid']}-{workerinput['workerid']}"
    return Path(tempfile.gettempdir()) / name


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have Python write there what it would write on standard error (after pytest's own plugin)."""
    if hasattr(config, "workerinput"):
        config.stash[_FILE] = _path(config.workerinput).open("w")
        faulthandler.enable(config.stash[_FILE])


def pytest_unconfigure(config: pytest.Config) -> None:
    """It did not crash."""
    if (file := config.stash.get(_FILE, None)) is not None:
        faulthandler.disable()
        file.close()
        Path(file.name).unlink()


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: Any) -> None:
    """Nothing is there if it was killed; a library's own thread is none of those that Python names."""
    path = _path(report.node.workerinput)
    if path.exists():
        lines = path.read_text(errors="replace").splitlines() or ["(killed)"]
        path.unlink()
        culprit = [number for number, line in enumerate(lines) if line.startswith("Current thread")]
        begin = culprit[0] if culprit else 1
        report.longrepr = "\n".join([str(report.longrepr), lines[0], *lines[begin:][:_LINES]])
