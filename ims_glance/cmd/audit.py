# SPDX-License-Identifier: Apache-2.0
"""``ims-manage audit``: the audit trail as the database has it, or else what the message queue has.

Reading the database takes nothing from it. What is read from the message queue is gone from there.
"""

import argparse
import collections
import datetime
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_utils import timeutils

from ims_glance import exceptions
from ims_glance.clouds.messaging import notifications
from ims_glance.cmd import job_view
from ims_glance.cmd.job import open_database
from ims_glance.db.audit import AuditEvent, AuditEvents, Wanted
from ims_glance.db.database import Database

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Of what was not sent, for the message queue took others and not it, or nobody can read it.
_ASIDE = "set_aside"
# How long a topic is read at most, if the clocks of those who send are far behind; seconds.
_LONGEST = 60.0


class HistoryMissing(exceptions.Unavailable):
    """Something is asked of a history that is not kept."""

    template = (
        "Without a database the audit trail is kept by nobody: what waits in the message queue cannot "
        "be chosen from, nor sent again. Set 'connection' in [ims_database], and run 'ims-manage db "
        "sync'."
    )


class TooMuch(exceptions.Invalid):
    """All of the history would be sent again."""

    template = "Say with --since from when on the audit events are to be sent again."


def audit(conf: cfg.ConfigOpts) -> None:
    """Show the last audit events.

    Without [ims_database] they are those that wait in the message queue, and are taken from there.
    """
    chosen = conf.command
    wanted = Wanted(chosen.since, chosen.project, chosen.image)
    if Database(conf).is_configured:
        history = AuditEvents(conf, open_database(conf))
        if chosen.send_again:
            if wanted.since is None:
                raise TooMuch
            print(f"{history.send_again(wanted)} event(s) will be sent again by ims-worker")
            return
        events: Sequence[Mapping[str, Any]] = [
            _shown(event) for event in history.last(chosen.last, wanted)
        ]
    elif chosen.send_again or wanted != Wanted():
        raise HistoryMissing
    else:
        events = read(conf, chosen.last, chosen.silence)
    if chosen.json:
        job_view.print_json(events)
        return
    for line in lines(events):
        print(line)


def _shown(event: AuditEvent) -> Mapping[str, Any]:
    """An event, with a word if it was not sent and will not be."""
    if event.content and not event.is_set_aside:
        return event.content
    return {**event.content, _ASIDE: {"id": event.id, "type": event.type}}


def moment(text: str) -> float:
    """An argument that is a moment: ISO 8601, in UTC unless it says otherwise, or ``12h`` ago.

    :returns: seconds since 1970
    """
    ago = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if ago:
        return time.time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text} is no moment: say 2026-11-29T08:00, or 30m, 12h, 7d"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()


class _LastEvents:
    """What oslo.messaging hands the events of one topic to; keeps the last ones.

    :param most: how many
    :param began: a moment in UTC; who reads wants what was sent before it
    """

    def __init__(self, most: int, began: datetime.datetime) -> None:
        self.events: collections.deque[Mapping[str, Any]] = collections.deque(maxlen=most)
        self._began = began
        self._changed = threading.Condition()
        self._is_over = False

    def info(self, _context: Any, _publisher: str, _type: str, payload: Any, meta: Any) -> None:
        """An event."""
        with self._changed:
            self.events.append(payload)
            self._is_over = self._is_over or _sent(meta) > self._began
            self._changed.notify_all()

    def wait(self, silence: float, longest: float = _LONGEST) -> None:
        """Wait until what was sent before is there: none came for *silence* seconds, or a later one.

        :param longest: seconds after which it ends anyhow
        """
        end = time.monotonic() + longest
        with self._changed:
            while not self._is_over and (left := end - time.monotonic()) > 0:
                if not self._changed.wait(min(silence, left)):
                    return


def _sent(meta: Any) -> datetime.datetime:
    """When an event was sent, by the clock of who sent it; long ago, if it does not say that."""
    try:
        return timeutils.normalize_time(datetime.datetime.fromisoformat(meta["timestamp"]))
    except (KeyError, TypeError, ValueError):
        return datetime.datetime.min


def read(conf: cfg.ConfigOpts, last: int, silence: float) -> list[Mapping[str, Any]]:
    """Take the events that wait on the topics of ``[ims_audit]``; the last ones of them.

    It ends on a busy cloud, too: what is sent meanwhile is left for the next time, but for a few.

    :param last: how many
    :param silence: seconds without an event after which there are no more
    :raises oslo_messaging.MessagingException: if the message queue is away
    """
    began = timeutils.utcnow()
    transport = notifications.open_transport(conf)
    events: list[Mapping[str, Any]] = []
    # One by one: a later event says nothing about those of other topics.
    for topic in conf.ims_audit.topics:
        reader = _LastEvents(last, began)
        target = oslo_messaging.Target(topic=topic)
        listener = oslo_messaging.get_notification_listener(
            transport, [target], [reader], executor="threading"
        )
        # By one thread, in their order.
        listener.start(override_pool_size=1)
        try:
            reader.wait(silence)
        finally:
            listener.stop()
            listener.wait()
        # Not before: until then some were taken from the queue that nobody would see again.
        events += reader.events
    events.sort(key=lambda event: str(event["eventTime"]))
    return events[-last:] if last else []


def lines(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The events for people, one line each."""
    for event in events:
        aside = event.get(_ASIDE)
        if aside is not None and "attachments" not in event:
            yield f"{aside['type']} {_ASIDE}={aside['id']} {event.get('told', '')}".rstrip()
            continue
        if "attachments" not in event:
            yield _usage_line(event)
            continue
        more = event["attachments"][0]["content"]
        told = {
            "images": ",".join(more.get("image_ids") or ()),
            "job": more.get("job_id"),
            "code": more.get("code"),
            "request": more.get("request_id"),
            _ASIDE: None if aside is None else str(aside["id"]),
        }
        words = [f"{name}={value}" for name, value in told.items() if value]
        who = event["initiator"].get("name") or event["initiator"]["id"]
        what = event.get("name") or more.get("name") or event["action"]
        yield f"{event['eventTime']} {who} {what} {event['outcome']} {' '.join(words)}".rstrip()


def _usage_line(event: Mapping[str, Any]) -> str:
    """What is told of a server that uses a product."""
    names = ("server_id", "product_id", "project_id", "seconds")
    words = [f"{name}={event[name]}" for name in names if event.get(name) is not None]
    return f"{event.get('eventTime', '-')} usage {' '.join(words)}".rstrip()
