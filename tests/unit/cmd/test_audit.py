# SPDX-License-Identifier: Apache-2.0
"""Events of the audit trail as lines; where they come from, is tested in tests/cloud/test_demo.py."""

import contextlib
import datetime
import itertools
import threading
import time

import pytest
from oslo_messaging import conffixture
from oslo_utils import timeutils

from ims_glance.clouds.messaging import notifications
from ims_glance.cmd import audit
from tests.unit import job_database

EVENT = {
    "eventTime": "2026-11-24T01:02:03.000000+0000",
    "name": "copyImage",
    "action": "create/copy",
    "outcome": "success",
    "initiator": {"id": "u", "name": "demo"},
    "attachments": [
        {"content": {"image_ids": ["i", "j"], "job_id": "b", "code": None, "request_id": "req-1"}}
    ],
}


def test_a_line():
    assert list(audit.lines([EVENT])) == [
        "2026-11-24T01:02:03.000000+0000 demo copyImage success images=i,j job=b request=req-1"
    ]


def test_a_line_of_little():
    event = {**EVENT, "name": None, "initiator": {"id": "u"}, "attachments": [{"content": {}}]}
    assert list(audit.lines([event])) == ["2026-11-24T01:02:03.000000+0000 u create/copy success"]


def sent(seconds):
    """What oslo.messaging tells of an event that was sent so many seconds from now."""
    return {"timestamp": str(timeutils.utcnow() + datetime.timedelta(seconds=seconds))}


@contextlib.contextmanager
def busy(send):
    """Meanwhile somebody sends event after event, and does not stop."""
    is_over = threading.Event()

    def work():
        while not is_over.wait(0.02):
            send()

    sender = threading.Thread(target=work)
    sender.start()
    try:
        yield
    finally:
        is_over.set()
        sender.join()


def test_the_last_ones_are_kept_and_silence_ends_it():
    reader = audit._Reader(2, timeutils.utcnow())

    def send():
        for number in range(4):
            time.sleep(0.1)
            reader.info(None, "", "", {"number": number}, sent(-60))

    sender = threading.Thread(target=send)
    sender.start()
    reader.wait(2)
    assert list(reader.events) == [{"number": 2}, {"number": 3}]
    sender.join()


@pytest.mark.parametrize("meta", [sent(-3600), {}, None, {"timestamp": "Aug"}, {"timestamp": None}])
def test_clocks_that_are_behind_do_not_make_it_endless(meta):
    reader = audit._Reader(2, timeutils.utcnow())
    with busy(lambda: reader.info(None, "", "", {}, meta)):
        begin = time.monotonic()
        reader.wait(240, longest=0.5)
        assert 0.5 <= time.monotonic() - begin < 200


@pytest.fixture
def conf():
    made = job_database.configuration(None)
    conffixture.ConfFixture(made)
    made.set_override("transport_url", "fake://")
    made.set_override("control_exchange", "glance")
    made.set_override("driver", "messaging", "ims_audit")
    made.set_override("topics", ["one", "two"], "ims_audit")
    return made


def test_on_a_busy_cloud_it_ends_with_what_was_there_and_loses_nothing(conf):
    notify, numbers = notifications.connector(conf)(), itertools.count()

    def send():
        number = next(numbers)
        notify("audit", {"eventTime": f"{number:06}", "number": number})

    for _ in range(20):
        send()
    with busy(send):
        first = numbers_of(audit.read(conf, 100000, 60))
    assert first[:40] == [number for number in range(20) for _topic in "12"]
    rest = numbers_of(audit.read(conf, 100000, 1))
    assert sorted([*first, *rest]) == sorted([*range(next(numbers))] * 2)
    assert rest == sorted(rest)


def test_of_several_topics_the_last_ones_are_shown(conf):
    notify = notifications.connector(conf)()
    for number in range(5):
        notify("audit", {"eventTime": f"{number:06}", "number": number})
    assert numbers_of(audit.read(conf, 3, 0.5)) == [3, 4, 4]
    assert audit.read(conf, 0, 0.1) == []


def numbers_of(events):
    return [event["number"] for event in events]
