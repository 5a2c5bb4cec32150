# SPDX-License-Identifier: Apache-2.0
"""What another region answers: what is not as it should be is left out, cut, or refused."""

import pytest

from ims_glance.clouds import strangers
from ims_glance.clouds.strangers import AnswerNotUnderstood
from ims_glance.model.job import JobStatus, check_storable

REGION = "RegionTwo"
JOB = "d" * 32
IMAGE = "1a111111-1111-1111-1111-111111111111"
ODD = [None, True, -1, 1.5, "7", 2**63, 10**300, [1], {"a": 1}, "x" * 100_000, "\0", "\ud800", ""]


@pytest.mark.parametrize("value", [*ODD, JOB.upper(), JOB + "\n", "../" + JOB])
def test_a_job_without_an_id(value):
    with pytest.raises(AnswerNotUnderstood, match=r"it names no job.*operators of both") as refused:
        strangers.job_id(REGION, {"job_id": value})
    assert refused.value.code == "IMG.0014"
    with pytest.raises(AnswerNotUnderstood):
        strangers.job_id(REGION, {})
    assert strangers.job_id(REGION, {"job_id": JOB}) == JOB


def test_a_job():
    entities = {
        "image_id": IMAGE,
        "waiting_for": "RegionOne",
        "done_bytes": 1,
        "total_bytes": 2**63 - 1,
        "received_bytes": 0,
    }
    answer = {"status": "RUNNING", "job_id": JOB, "entities": {**entities, "new": 1}, "more": 2}
    assert strangers.job(REGION, answer) == {
        "status": JobStatus.RUNNING,
        "error_code": None,
        "fail_reason": None,
        "entities": entities,
    }


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_job(odd):
    with pytest.raises(AnswerNotUnderstood, match="it is no job"):
        strangers.job(REGION, {"status": odd})
    names = ("image_id", "waiting_for", "done_bytes", "total_bytes", "saved_bytes")
    for entities in (odd, dict.fromkeys(names, odd)):
        answer = {"status": "FAIL", "error_code": odd, "fail_reason": odd, "entities": entities}
        found = strangers.job(REGION, answer)
        assert (found["status"], found["error_code"]) == (JobStatus.FAIL, None)
        assert found["entities"].get("done_bytes") is None
        assert found["entities"].get("image_id") is None
        for text in (found["fail_reason"], found["entities"].get("waiting_for")):
            assert text is None or len(text.encode()) <= 2000
        check_storable(found["entities"], "entities")


def test_a_reception():
    assert strangers.reception(REGION, JOB, {"id": JOB, "cmk_id": "k", "more": 1}) == {
        "cmk_id": "k"
    }
    for answer in ({}, {"id": JOB[1:]}, {"job_id": JOB}):
        with pytest.raises(AnswerNotUnderstood, match="which replication"):
            strangers.reception(REGION, JOB, answer)


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_key_of_a_reception(odd):
    key = strangers.reception(REGION, JOB, {"id": JOB, "cmk_id": odd})["cmk_id"]
    assert key is None or len(key) <= 64


def test_a_preflight():
    answer = {"preflight": {"total_bytes": 7, "region": REGION, "cmk_id": None, "new": "x"}}
    found = {"total_bytes": 7, "region": REGION, "cmk_id": None}
    assert strangers.preflight(REGION, answer) == found
    answer["preflight"]["seconds"] = "many"
    assert strangers.preflight(REGION, answer) == {**found, "seconds": None}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_preflight(odd):
    for answer in ({"preflight": odd}, {"preflight": {"total_bytes": odd}}, {"job_id": JOB}):
        with pytest.raises(AnswerNotUnderstood, match="what the copy comes to"):
            strangers.preflight(REGION, answer)


def test_an_image():
    view = {
        "id": IMAGE,
        "status": "active",
        "size": None,
        "tags": ["a", 7],
        "min_disk": 3,
        "a": "b",
    }
    assert strangers.image(REGION, IMAGE, view) == {**view, "tags": ["a"]}


@pytest.mark.parametrize(
    "change",
    [
        {"id": IMAGE[:-1] + "2"},
        {"id": 7},
        {"status": None},
        *({"size": odd} for odd in ODD if odd is not None),
        {str(number): "" for number in range(1001)},
    ],
)
def test_no_image(change):
    view = {"id": IMAGE, "status": "active", "size": 4, **change}
    with pytest.raises(AnswerNotUnderstood):
        strangers.image(REGION, IMAGE, view)


@pytest.mark.parametrize("odd", [-1, 1.5, 2**63, [1], {"a": 1}, "x" * 100_000, "\0", "\ud800"])
def test_what_no_image_has_is_left_out(odd):
    view = {"id": IMAGE, "status": "active", "size": 4}
    odds = {"tags": odd, "min_disk": odd, "checksum": odd, "__os_version": odd}
    assert strangers.image(REGION, IMAGE, {**view, **odds}) == {**view, "tags": []}
    assert strangers.image(REGION, IMAGE, {**view, "tags": [odd]}) == {**view, "tags": []}
