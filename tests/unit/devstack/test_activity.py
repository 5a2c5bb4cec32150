# SPDX-License-Identifier: Apache-2.0
import io
import time

import pytest
from pocket_cloud.activity import Activity
from pocket_cloud.plan import Progress


class Screen(io.StringIO):
    """A terminal, or a pipe."""

    def __init__(self, is_terminal):
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal


@pytest.fixture
def clock(monkeypatch):
    """Time, as a list with one number."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def lines():
    return []


def test_a_log_gets_a_line_every_ten_seconds(clock, lines):
    doing = Activity(Progress(lines.append), "packages", screen := Screen(False))
    for second in range(1, 36):
        clock[0] = 100.0 + second
        doing.show(f"at {second}", None if second < 20 else second / 100)
    doing.close()
    told = [line.partition("packages")[2].strip() for line in lines]
    assert told == ["at 10", "20%  at 20", "30%  at 30"]
    assert screen.getvalue() == ""


def test_a_terminal_gets_one_line_that_changes(clock, lines, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    doing = Activity(Progress(lines.append), "packages", screen := Screen(True))
    for step in range(4):
        clock[0] += 1
        doing.show("x" * 200, step / 4)
    doing.close()
    drawn = screen.getvalue().split("\r\x1b[K")
    assert drawn[0] == drawn[-1] == ""
    assert len(drawn) == 6
    assert all(len(line) == 79 for line in drawn[1:-1])
    assert "[###############.....]  75%  xxx" in drawn[-2]
    assert lines == []
    assert "\n" not in screen.getvalue()


def test_without_a_share_there_is_no_bar(clock, lines):
    doing = Activity(Progress(lines.append), "packages", screen := Screen(True))
    doing.show("package 7: nova")
    assert screen.getvalue().endswith("packages                 package 7: nova")


def test_it_is_not_drawn_too_often(clock, lines):
    doing = Activity(Progress(lines.append), "packages", screen := Screen(True))
    for _ in range(100):
        doing.show("again")
    assert screen.getvalue().count("again") == 1


def test_what_was_never_drawn_is_not_removed(clock, lines):
    Activity(Progress(lines.append), "packages", screen := Screen(True)).close()
    assert screen.getvalue() == ""
