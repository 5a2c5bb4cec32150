# SPDX-License-Identifier: Apache-2.0
"""The outbox and the history of audit events."""

import logging
import time

import pytest
import sqlalchemy as sa

from ims_glance.db import audit
from ims_glance.db.audit import AuditEvents, Wanted
from ims_glance.db.schema import AUDIT_EVENTS

IMAGE = "d152fa13-2b41-42ca-a934-6c21566c0f40"


@pytest.fixture
def events(tables):
    return AuditEvents(tables.conf, tables.database)


def event(number, project_id="project", image_ids=()):
    content = {"project_id": project_id, "image_ids": list(image_ids)}
    return f"audit.ims.{number}", {"number": number, "attachments": [{"content": content}]}


def numbers(found):
    return [each.content["number"] for each in found]


def test_they_are_sent_in_their_order(events):
    events.add([event(1), event(2)])
    events.add([event(3)])
    assert numbers(events.unsent(2)) == [1, 2]
    events.record_sent([each.id for each in events.unsent(2)])
    (rest,) = events.unsent(9)
    assert (rest.type, rest.content) == event(3)


def test_one_that_no_database_takes_is_set_aside(events, caplog):
    """The others of its batch are recorded, and it is seen."""
    kind, content = event(2)
    odd = (kind, {**content, "odd": {1, 2}})
    with caplog.at_level(logging.ERROR, "ims_glance"):
        events.add([event(1), odd, event(3)])
    assert numbers(events.unsent(9)) == [1, 3]
    assert "audit.ims.2 is set aside" in caplog.text
    first, aside, last = events.last(9, Wanted())
    assert (first.is_set_aside, aside.is_set_aside, last.is_set_aside) == (False, True, False)
    assert "'number': 2" in aside.content["told"]


def test_one_that_nobody_can_read_hides_no_other(tables, events):
    events.add([event(1), event(2), event(3)])
    damaged = sa.text("UPDATE audit_events SET content = '{' WHERE content LIKE '%: 2%'")
    tables.database.write(lambda connection: connection.execute(damaged))
    found = events.unsent(9)
    assert [each.content.get("number") for each in found] == [1, None, 3]
    events.set_aside(found[1].id)
    assert numbers(events.unsent(9)) == [1, 3]
    # Once it is mended.
    assert events.send_again(Wanted()) == 1
    assert len(events.unsent(9)) == 3


def test_the_history_is_read_without_taking_anything(events):
    events.add([event(number) for number in range(5)])
    events.record_sent([each.id for each in events.unsent(2)])
    for _twice in range(2):
        assert numbers(events.last(3, Wanted())) == [2, 3, 4]
    assert events.last(0, Wanted()) == []
    assert numbers(events.unsent(9)) == [2, 3, 4]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [1, 2, 3, 4]),
        (Wanted(project_id="other"), [2]),
        (Wanted(image_id=IMAGE), [2, 3]),
        (Wanted(project_id="other", image_id=IMAGE), [2]),
        (Wanted(image_id="%"), []),
        (Wanted(image_id='"'), []),
        (Wanted(since=time.time() - 3600), [1, 2, 3, 4]),
        (Wanted(since=time.time() + 3600), []),
    ],
)
def test_some_of_them(events, wanted, found):
    events.add(
        [
            event(1, None),
            event(2, "other", [IMAGE]),
            event(3, image_ids=["another", IMAGE]),
            event(4, "p" * 99),
        ]
    )
    assert numbers(events.last(9, wanted)) == found


def test_some_are_sent_again(events):
    events.add([event(1), event(2, "other"), event(3)])
    events.record_sent([each.id for each in events.unsent(2)])
    assert events.send_again(Wanted(since=time.time() + 60)) == 0
    assert events.send_again(Wanted(project_id="other")) == 1
    assert numbers(events.unsent(9)) == [2, 3]


def test_the_number_is_bounded(tables, events, monkeypatch, caplog):
    """Also where no worker runs that would see to it."""
    monkeypatch.setattr(audit, "_PRUNED", 10)
    monkeypatch.setattr(audit, "_DELETED", 4)
    tables.conf.set_override("keep_events", 20, "ims_audit")
    for number in range(100):
        events.add([event(number)])
    kept = numbers(events.last(99, Wanted()))
    assert kept[-1] == 99
    assert 20 <= len(kept) <= 30
    events.prune()
    assert numbers(events.last(99, Wanted())) == list(range(80, 100))
    assert "audit events were deleted before they could be sent" in caplog.text


def test_the_age_is_bounded(tables, events, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(audit, "_DELETED", 2)
    events.add([event(number) for number in range(7)])
    old = events.unsent(5)
    aged = sa.update(AUDIT_EVENTS).where(AUDIT_EVENTS.c.id.in_([each.id for each in old]))
    moment = time.time() - 30 * 86400 - 60
    tables.database.write(lambda connection: connection.execute(aged.values(recorded=moment)))
    events.record_sent([each.id for each in old])
    events.prune()
    assert numbers(events.last(9, Wanted())) == [5, 6]
    assert caplog.text == ""


def usage(number):
    return f"ims.market.usage.{number}", {"number": number, "project_id": "project", "id": IMAGE}


def test_what_the_marketplace_tells_pushes_nothing_out(tables, events, monkeypatch, caplog):
    """It is bounded by itself, once it was sent, and never deleted before."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(audit, "_DELETED", 2)
    tables.conf.set_override("keep_events", 3, "ims_audit")
    events.add([event(1), event(2), event(3), *map(usage, range(10, 20))])
    aged = sa.update(AUDIT_EVENTS).values(recorded=time.time() - 31 * 86400)
    old = AUDIT_EVENTS.c.type.in_(["ims.market.usage.18", "ims.market.usage.19"])
    tables.database.write(lambda connection: connection.execute(aged.where(old)))
    events.prune()
    assert numbers(events.last(99, Wanted())) == [1, 2, 3, *range(10, 20)]
    sent = [each.id for each in events.unsent(99) if 10 <= each.content["number"] < 15]
    events.record_sent(sent)
    events.prune()
    assert numbers(events.last(99, Wanted())) == [1, 2, 3, *range(12, 20)]
    assert caplog.text == ""
    events.add([event(4)])
    events.prune()
    assert numbers(events.last(99, Wanted())) == [2, 3, *range(12, 20), 4]


def test_the_history_of_an_image_is_bounded(events, monkeypatch):
    monkeypatch.setattr(audit, "HISTORY", 4)
    named = [event(number, image_ids=[IMAGE]) for number in (1, 2, 3)]
    events.add([*named, event(4, "other", [IMAGE]), usage(5), event(6)])
    assert numbers(events.history(9, "project", IMAGE)) == [2, 3]
    assert numbers(events.history(1, "project", IMAGE)) == [3]
    assert numbers(events.history(9, "other", IMAGE)) == [4]
