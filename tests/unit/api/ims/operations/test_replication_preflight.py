# SPDX-License-Identifier: Apache-2.0
"""What a copy would come to: how long, and what the image there saves that it is compared with."""

import datetime
from typing import Any

import pytest

from ims_glance.api.ims.operations import replication, replication_preflight
from ims_glance.clouds import strangers
from ims_glance.model import job as jobs
from ims_glance.model.job import JobStatus, StoredJob
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, OTHER, PROJECT, SECOND

DIGEST = {"os_hash_algo": "sha512", "os_hash_value": "a" * 128}
ORIGIN = {"__data_origin": f"image,RegionTwo,{IMAGE}"}


@pytest.fixture
def foreseen(tmp_path):
    """What is answered."""

    def foreseen(*views, jobs=(), base=None, bases=None, size=1000, **likeness):
        like = {"id": IMAGE, "name": "golden", "size": size, **likeness}
        source: Any = {"region": "RegionTwo", "project_id": OTHER, "image_id": IMAGE}
        source |= {"roles": ["reader"], "size": size, "likeness": like}
        body = {"name": "copy", "dry_run": True, "source": source}
        body |= {"base_image_id": base, "base_image_ids": bases}
        call = calls.call(calls.configuration(tmp_path), *views, body=body)
        call.service.jobs.there = list(jobs)
        answer = replication.receive_image(call).body
        # Where it was asked it is understood.
        assert strangers.preflight("RegionOne", answer) == answer["preflight"]
        return answer["preflight"]

    return foreseen


def received(number, seconds=20, total=2000, **entities):
    begin = datetime.datetime(2030, 1, 1)
    values: dict[str, Any] = {"type": jobs.RECEIVE_IMAGE, "total_bytes": total}
    return StoredJob(
        str(number),
        project_id=PROJECT,
        user_id="u",
        status=JobStatus.SUCCESS,
        begin_time=begin,
        end_time=begin + datetime.timedelta(seconds=seconds),
        entities=entities,
        **values,
    )


def holds(found):
    return found["base_image_id"], found["base_holds"], found["base_holds_is"]


def test_how_long_it_will_take_at_the_last_rate(foreseen):
    other = received(1, seconds=1, total=1)
    other = StoredJob(**{**vars(other), "type": jobs.COPY_IN_REGION})
    found = foreseen(jobs=[other, received(2)])
    assert (found["bytes_per_second"], found["seconds"]) == (100, 10)


def test_there_is_nothing_to_compare_with(foreseen):
    assert holds(foreseen(calls.view(SECOND, name="another"))) == (None, 0, "exact")


@pytest.mark.parametrize("changes", [{"name": "golden"}, {"name": "copy"}, ORIGIN])
def test_the_same_image_is_there(foreseen, changes):
    """By its name, that of the copy, or what it was made of; all of it is held."""
    base = calls.view(SECOND, size=1000, **DIGEST, **changes)
    assert holds(foreseen(base, **DIGEST)) == (SECOND, 1000, "exact")


def test_as_much_as_of_the_last_copy(foreseen):
    base = calls.view(SECOND, size=900, name="golden", **DIGEST)
    job = received(1, total=2000, saved_bytes=1500)
    assert holds(foreseen(base, jobs=[job])) == (SECOND, 750, "estimated")
    # Named, it is that one.
    other = calls.view(ABSENT, name="x")
    assert holds(foreseen(base, other, jobs=[job], base=ABSENT)) == (ABSENT, 750, "estimated")
    assert holds(foreseen(base, other, jobs=[job], bases=[ABSENT])) == (ABSENT, 750, "estimated")


def test_nobody_can_say(foreseen):
    base = calls.view(SECOND, size=900, name="golden")
    assert holds(foreseen(base)) == (SECOND, None, None)
    assert holds(foreseen(base, jobs=[received(1)])) == (SECOND, None, None)


@pytest.mark.parametrize(
    "changes", [{"status": "queued"}, {"owner": OTHER}, {"os_hidden": True}, {"disk_format": "vhd"}]
)
def test_what_the_job_would_not_take(foreseen, changes):
    base = calls.view(SECOND, **{"name": "golden", **changes})
    assert holds(foreseen(base))[0] is None


def test_what_is_told_of_an_image():
    view = calls.view(size=7, secret="s", **DIGEST, __data_origin="x" * 999)
    told = replication_preflight.likeness(view)
    assert told == {
        "id": IMAGE,
        "name": "image",
        "size": 7,
        **DIGEST,
        "__data_origin": "x" * 255,
    }
