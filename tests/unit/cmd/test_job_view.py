# SPDX-License-Identifier: Apache-2.0
"""What an operator is told to do about a job, and how long things took."""

import pytest

from ims_glance.cmd import job_view
from ims_glance.db.supervision import ShownDelegation, SupervisedJob
from ims_glance.model.job import BEFORE_RESET, WAITS, JobStatus, StoredJob

ACTIVE = ShownDelegation("active", "2030-01-01T00:00:00Z")


def made(lease=None, delegation=ACTIVE, **values):
    job = StoredJob(**{"id": "a" * 32, "type": "t", "project_id": "p", "user_id": "u", **values})
    return SupervisedJob(job, lease, delegation)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.2, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (3 * 3600 + 12 * 60 + 5, "3 h 12 min"),
        (4 * 86400 + 3 * 3600 + 59, "4 d 3 h"),
    ],
)
def test_durations(seconds, words):
    assert job_view.duration(seconds) == words


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (made(), ["No worker has it now"]),
        (made(-3.0, worker="h:1:x", status=JobStatus.RUNNING), ["No worker has it now"]),
        (
            made(30.0, worker="h:1:x", status=JobStatus.RUNNING),
            [f"job reset {'a' * 32}", f"job cancel {'a' * 32}"],
        ),
        (
            made(30.0, worker="h:1:x", entities={WAITS: {"volume v": 1.0}}),
            ["has waited for a neighbour", "openstack volume set --state"],
        ),
        (made(cancel_requested=True), ["is undone"]),
        (made(delegation=None, delegation_id="d"), ["IMG.0087"]),
        (made(delegation_id="d", source_delegation_id="s"), ["IMG.0087"]),
        (made(generation=51), ["more often than [ims_jobs] attempts"]),
        (made(status=JobStatus.SUCCESS), ["Nothing is to be done."]),
        (made(status=JobStatus.FAIL, fail_reason="Away."), ["may ask for it anew"]),
        (
            made(status=JobStatus.FAIL, fail_reason="What 'x' did could not be undone: y"),
            ["delete that by hand"],
        ),
    ],
)
def test_advice(tables, found, words):
    told = " ".join(job_view.advice(tables.conf, found))
    for each in words:
        assert each in told


def test_after_a_reset_attempts_count_anew(tables):
    found = made(generation=51, entities={BEFORE_RESET: 51})
    assert "attempts" not in " ".join(job_view.advice(tables.conf, found))
    assert job_view.document(found)["attempts"] == 0
    assert BEFORE_RESET not in job_view.details(found)["entities"]


def test_a_worker_whose_name_is_another(tables):
    shown = job_view.document(made(5.0, worker="odd"))
    assert shown["worker"] == "odd"
    assert "odd" in job_view.row(made(5.0, worker="odd"))[5]


def test_columns(capsys):
    job_view.print_table(("A", "LONG"), [("longer", "x"), ("y", "z")])
    assert capsys.readouterr().out == "A       LONG\nlonger  x\ny       z\n"
