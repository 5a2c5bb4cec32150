# SPDX-License-Identifier: Apache-2.0
"""The audit trail as an operator reads it: from the database, or else from the message queue."""

import argparse
import contextlib
import datetime
import itertools
import json
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa
from oslo_messaging import conffixture
from oslo_utils import timeutils

from ims_glance.clouds.messaging import notifications
from ims_glance.cmd import audit
from ims_glance.db.audit import AuditEvents, Wanted
from tests.unit import job_database

EVENT: dict[str, Any] = {
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
    reader = audit._LastEvents(2, timeutils.utcnow())

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
    reader = audit._LastEvents(2, timeutils.utcnow())
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
        notify([("audit", {"eventTime": f"{number:06}", "number": number})])

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
        notify([("audit", {"eventTime": f"{number:06}", "number": number})])
    assert numbers_of(audit.read(conf, 3, 0.5)) == [3, 4, 4]
    assert audit.read(conf, 0, 0.1) == []


def numbers_of(events):
    return [event["number"] for event in events]


# --- the command ---------------------------------------------------------------------------------


def event(number, project_id="project"):
    content = {**EVENT["attachments"][0]["content"], "project_id": project_id}
    return {**EVENT, "eventTime": f"{number:06}", "attachments": [{"content": content}]}


@pytest.fixture
def run(conf, capsys):
    """Run the command; what it prints."""

    def run(**arguments):
        given = {"last": 20, "silence": 0.1, "since": None, "project": None, "image": None}
        given |= {"json": False, "send_again": False, **arguments}
        conf.command = argparse.Namespace(**given)
        audit.audit(conf)
        return capsys.readouterr().out

    return run


@pytest.fixture
def history(tables, conf):
    """Six events in the database, of two projects."""
    conf.set_override("connection", tables.conf.ims_database.connection, "ims_database")
    made = AuditEvents(tables.conf, tables.database)
    made.add([("audit.ims", event(number, "even" if number % 2 else "odd")) for number in range(6)])
    made.record_sent([each.id for each in made.unsent(9)])
    return made


def times(out):
    return [int(line.split()[0]) for line in out.splitlines()]


def test_the_history_is_read_as_often_as_one_likes(history, run):
    for _twice in range(2):
        assert times(run()) == list(range(6))
    assert times(run(last=2)) == [4, 5]
    assert times(run(project="even", since=time.time() - 60)) == [1, 3, 5]
    assert times(run(image="j", last=1)) == [5]
    assert run(image="other") == ""
    assert json.loads(run(json=True, last=1)) == [event(5, "even")]


def test_a_reader_that_was_away_has_them_sent_again(history, run):
    with pytest.raises(audit.TooMuch, match="Say with --since"):
        run(send_again=True)
    assert run(send_again=True, since=time.time() + 60).startswith("0 event(s)")
    assert run(send_again=True, since=time.time() - 60, project="odd").startswith("3 event(s) will")
    assert len(history.unsent(9)) == 3


def test_what_is_set_aside_is_shown(tables, history, run):
    """Of one that nobody can read, that it is there."""
    first, second = (each.id for each in history.last(2, Wanted()))
    for each in (first, second):
        history.set_aside(each)
    damaged = sa.text(f"UPDATE audit_events SET content = '{{' WHERE id = {second}")
    tables.database.write(lambda connection: connection.execute(damaged))
    *_others, aside, unreadable = run().splitlines()
    assert f"set_aside={first}" in aside
    assert unreadable == f"audit.ims set_aside={second}"
    assert len(_others) == 4
    told = json.loads(run(json=True, last=2))
    assert told[0] == {**event(4, "odd"), "set_aside": {"id": first, "type": "audit.ims"}}
    assert told[1] == {"set_aside": {"id": second, "type": "audit.ims"}}


def test_without_a_database_the_message_queue_is_read(conf, run):
    """What is read is gone, so nothing is chosen from it."""
    notifications.connector(conf)()([("audit", event(7))])
    for chosen in ({"since": 1.0}, {"project": "p"}, {"image": "i"}, {"send_again": True}):
        with pytest.raises(audit.HistoryMissing, match=r"\[ims_database\]"):
            run(**chosen)
    assert times(run()) == [7, 7]
    assert run() == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-29T08:00", 1795939200.0),
        ("2026-11-29T08:00Z", 1795939200.0),
        ("2026-11-29T10:00+02:00", 1795939200.0),
        ("2026-11-29", 1795910400.0),
    ],
)
def test_moments(text, moment):
    assert audit.moment(text) == moment


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604800)]
)
def test_times_ago(text, seconds):
    assert abs(time.time() - seconds - audit.moment(text)) < 60


@pytest.mark.parametrize("text", ["", "noon", "-1h", "1w", "2026-13-01"])
def test_no_moments(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no moment"):
        audit.moment(text)
