# SPDX-License-Identifier: Apache-2.0
"""``ims-manage audit``: reading the audit trail from the message queue."""

import collections
import datetime
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_utils import timeutils

# Glance's, which the notifications go through (glance/notifier.py).
_EXCHANGE = "glance"
# How long a topic is read at most, if the clocks of those who send are far behind; seconds.
_LONGEST = 60.0


class _Reader:
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
    transport = oslo_messaging.get_notification_transport(conf)
    events: list[Mapping[str, Any]] = []
    # One by one: a later event says nothing about those of other topics.
    for topic in conf.ims_audit.topics:
        reader = _Reader(last, began)
        target = oslo_messaging.Target(topic=topic, exchange=_EXCHANGE)
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


def lines(events: list[Mapping[str, Any]]) -> Iterator[str]:
    """The events for people, one line each."""
    for event in events:
        more = event["attachments"][0]["content"]
        told = {
            "images": ",".join(more.get("image_ids") or ()),
            "job": more.get("job_id"),
            "code": more.get("code"),
            "request": more.get("request_id"),
        }
        words = [f"{name}={value}" for name, value in told.items() if value]
        who = event["initiator"].get("name") or event["initiator"]["id"]
        what = event.get("name") or more.get("name") or event["action"]
        yield f"{event['eventTime']} {who} {what} {event['outcome']} {' '.join(words)}".rstrip()
