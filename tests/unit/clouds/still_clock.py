# SPDX-License-Identifier: Apache-2.0
"""A clock that goes on when the test says so, however busy the machine is."""

import types

import pytest


class StillClock:
    """Takes the place of ``time.monotonic`` in modules.

    :param modules: that have imported ``time``, and need nothing else of it
    :ivar now: seconds
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: types.ModuleType) -> None:
        self.now = 1000.0
        for module in modules:
            monkeypatch.setattr(module, "time", types.SimpleNamespace(monotonic=lambda: self.now))
