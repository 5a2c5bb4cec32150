# SPDX-License-Identifier: Apache-2.0
import datetime
import json
import re

import pytest
from django.utils import translation

from ims_glance.client.resources.image import KINDS, TYPES, Image
from ims_glance.client.resources.job import STATUSES
from ims_glance.dashboard import words
from ims_glance.model import job


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def test_there_is_a_word_for_everything():
    assert words.KINDS.keys() == KINDS.keys()
    assert words.TYPES.keys() == TYPES.keys()
    assert words.JOB_STATUSES.keys() == set(STATUSES)


def test_every_job_has_a_name():
    known = {value for value in vars(job).values() if re.fullmatch("ims[A-Z]\\w+", str(value))}
    assert known
    assert words.JOB_TYPES.keys() == known


def test_what_hides_in_a_name_is_seen():
    assert words.plain("a\u202egnp.exe\n") == "a\ufffdgnp.exe\ufffd"
    assert words.plain("镜像 <b>") == "镜像 <b>"
    assert words.name(Image(id="i", name="")) == "i"


def test_the_disk_of_a_whole_machine_is_all_its_disks():
    mapping = '[{"volume_size": 3}, {"volume_size": "4"}, {}]'
    whole = Image(__whole_image="true", min_disk=1, properties={"block_device_mapping": mapping})
    assert words.disk(whole) == 7
    assert words.disk(Image(min_disk=40)) == 40


@pytest.mark.parametrize("size", ["\u00b2", "9" * 5000, "-1", "1.5", None, [3]])
def test_the_size_of_a_disk_may_be_anything(size):
    mapping = json.dumps([{"volume_size": 3}, {"volume_size": size}])
    whole = Image(__whole_image="true", properties={"block_device_mapping": mapping})
    assert words.disk(whole) == 3


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (65, "1 min 5 s"), (7260, "2 h 1 min")])
def test_durations(seconds, text):
    assert words.duration(seconds) == text


def test_times():
    assert words.time("2026-11-24T01:00:00Z").astimezone(datetime.UTC).hour == 1
    assert words.time(None) == words.time("nonsense") == "-"
