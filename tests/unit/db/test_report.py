# SPDX-License-Identifier: Apache-2.0
"""Reports of systems, kept with images."""

import dataclasses

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
