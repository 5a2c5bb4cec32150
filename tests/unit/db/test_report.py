# SPDX-License-Identifier: Apache-2.0
"""Reports of systems, kept with images."""

import dataclasses
import threading
from typing import Any

import pytest

from ims_glance.db.job import Fenced
from ims_glance.db.report import GuestReports

IMAGE, COPY = "1" * 36, "2" * 36


@pytest.fixture
def reports(tables):
    return GuestReports(tables.database)


def test_the_last_one_is_kept(tables, reports):
    job = tables.claimed()
    assert reports.get(IMAGE) is None
    reports.keep(job, IMAGE, {"notes": ["first"]})
    first = reports.get(IMAGE)
    assert (first.project_id, first.content) == ("project", {"notes": ["first"]})
    reports.keep(job, IMAGE, {"notes": ["ü", "second"]})
    second = reports.get(IMAGE)
    assert second.content == {"notes": ["ü", "second"]}
    assert second.made_at >= first.made_at


def test_it_goes_once(tables, reports):
    reports.keep(tables.claimed(), IMAGE, {})
    reports.forget(IMAGE)
    reports.forget(IMAGE)
    assert reports.get(IMAGE) is None


def _ended() -> None:
    for thread in threading.enumerate():
        if thread.name.endswith("(_forget_waiting)"):
            thread.join()


def test_it_goes_by_and_by(tables, reports):
    job = tables.claimed()
    for image in (IMAGE, COPY):
        reports.keep(job, image, {})
        reports.forget_soon(image)
    _ended()
    assert (reports.get(IMAGE), reports.get(COPY)) == (None, None)


def test_whoever_deletes_an_image_waits_for_no_database(caplog):
    """Also if it has none of our tables, or there is no driver for it; one thread waits for it."""

    class Away:
        def __init__(self):
            self.asked, self.answers = 0, threading.Event()

        def write(self, _work):
            self.asked += 1
            self.answers.wait()
            raise ModuleNotFoundError("No module named 'MySQLdb'")

    away: Any = Away()
    reports = GuestReports(away)
    for number in range(2000):
        reports.forget_soon(f"image-{number}")
    away.answers.set()
    _ended()
    assert away.asked <= 2
    assert len(reports._waiting) == 0
    assert "MySQLdb" in caplog.text


def test_a_copy_has_it_as_it_was(tables, reports):
    job = tables.claimed()
    reports.copy(job, IMAGE, COPY)
    assert reports.get(COPY) is None
    reports.keep(job, IMAGE, {"notes": ["x"]})
    reports.copy(job, IMAGE, COPY)
    assert dataclasses.replace(reports.get(COPY), image_id=IMAGE) == reports.get(IMAGE)


def test_nobody_gets_that_of_another_project_with_a_copy(tables, reports):
    reports.keep(tables.claimed(), IMAGE, {})
    reports.copy(tables.claimed(2, project_id="other"), IMAGE, COPY)
    assert reports.get(COPY) is None


def test_a_worker_that_lost_its_job_writes_none(tables, reports):
    job = tables.claimed()
    old = dataclasses.replace(job, generation=job.generation - 1)
    for write in (lambda: reports.keep(old, IMAGE, {}), lambda: reports.copy(old, IMAGE, COPY)):
        with pytest.raises(Fenced):
            write()
    assert reports.get(IMAGE) is None
