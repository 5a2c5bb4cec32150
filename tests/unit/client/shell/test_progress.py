# SPDX-License-Identifier: Apache-2.0
"""How a job's progress is shown."""

import io

import pytest

from ims_glance.client.resources.job import Job
from ims_glance.client.shell.progress import Progress
from tests.unit.client.cloud import JOB_ID, job

GIB = 1024**3


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


def running(done=0, total=0, status="RUNNING", **entities):
    counted = {"done_bytes": done, "total_bytes": total, **entities}
    return Job.existing(**job(status, entities=counted))


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")


def shown(stream, *jobs, seconds=1.0):
    times = iter(number * seconds for number in range(len(jobs)))
    progress = Progress(stream, clock=lambda: next(times))
    for each in jobs:
        progress.show(each)
    progress.close()
    return stream.getvalue()


def test_a_bar_on_a_terminal():
    text = shown(
        Terminal(),
        running(0, 4 * GIB, current_task="copying"),
        running(GIB, 4 * GIB, current_task="copying"),
    )
    last = text.split("\r")[-1]
    assert last.startswith("[======                  ]   25%  1.0 GiB of 4.0 GiB  1.0 GiB/s")
    assert "0:00:03 left  copying" in last
    assert text.endswith("\n")


def test_every_drawing_covers_the_one_before():
    lines = shown(Terminal(), running(GIB, 4 * GIB), running(0, 0, "SUCCESS")).split("\r")[1:]
    assert {len(line.rstrip("\n")) for line in lines} == {119}


def test_what_another_region_has_already_is_said():
    saved = running(GIB, 4 * GIB, current_task="follow copy", saved_bytes=GIB // 2)
    assert "1.0 GiB of 4.0 GiB  512.0 MiB saved  follow copy" in shown(Terminal(), saved)


def test_a_region_that_is_away_is_said():
    jobs = [running(GIB, 4 * GIB, waiting_for=why) for why in (None, "RegionTwo is away.", None)]
    lines = shown(io.StringIO(), *jobs).splitlines()
    assert [("waits: RegionTwo is away." in line) for line in lines] == [False, True, False]


def test_a_bar_without_a_measure():
    assert "]   ...  RUNNING" in shown(Terminal(), running())


def test_the_rate_is_the_latest():
    slow = [running(number, 100 * GIB) for number in range(20)]
    fast = [running(number * GIB, 100 * GIB) for number in range(1, 12)]
    assert "1.0 GiB/s" in shown(Terminal(), *slow, *fast).split("\r")[-1]


def test_plain_lines_elsewhere():
    jobs = [running(number * GIB, 100 * GIB, current_task="copying") for number in range(21)]
    lines = shown(io.StringIO(), *jobs).splitlines()
    assert len(lines) == 3
    assert lines[0] == f"job {JOB_ID}: copying, 0%, 0 B of 100.0 GiB"
    assert lines[1].startswith(f"job {JOB_ID}: copying, 10%, 10.0 GiB of 100.0 GiB, 1.0 GiB/s")
    assert "\r" not in "".join(lines)


def test_a_line_when_it_does_something_else():
    lines = shown(
        io.StringIO(),
        running(status="INIT"),
        running(current_task="checking"),
        running(current_task="checking"),
        running(status="SUCCESS"),
    ).splitlines()
    assert [line.partition(": ")[2] for line in lines] == ["INIT", "checking", "SUCCESS, 100%"]


def test_nothing_was_shown():
    stream = Terminal()
    Progress(stream).close()
    assert stream.getvalue() == ""


def test_what_is_done_to_a_system_is_said():
    step = {"name": "virtio", "number": 3, "of": 9}
    text = shown(
        io.StringIO(),
        running(current_task="prepare"),
        running(current_task="prepare", guest_step=step),
        running(current_task="prepare", guest_step=step),
        running(current_task="prepare", guest_step=None),
    )
    assert [line.partition(": ")[2] for line in text.splitlines()] == [
        "prepare",
        "prepare: virtio (3 of 9)",
        "prepare",
    ]
