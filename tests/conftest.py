# SPDX-License-Identifier: Apache-2.0
"""Generated tests are not timed, for what runs them may have other things to do; names of tests are short."""

import re

import pytest
from hypothesis import HealthCheck, settings

from tests import garbage
from tests.crashes import pytest_configure, pytest_handlecrashitem, pytest_unconfigure

__all__ = ["pytest_configure", "pytest_handlecrashitem", "pytest_unconfigure"]

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

garbage.begin()

# Bytes of a parameter that are shown in the name of a test, at most.
_SHOWN = 64
_ADDRESS = re.compile(r" at 0x[0-9a-f]{6}")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names of tests are short, and the same in each process: archives and compressed files tell the time."""
    return argname if isinstance(val, bytes) and len(val) > _SHOWN else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes side by side have to find the same tests: no name tells where in memory something lies."""
    if strays := [item.nodeid for item in items if _ADDRESS.search(item.nodeid)]:
        raise pytest.UsageError("names of tests with an address: " + ", ".join(strays))


def pytest_collection_finish() -> None:
    """All modules are loaded, and all tests are known."""
    garbage.all_is_loaded()
