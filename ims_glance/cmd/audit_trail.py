# SPDX-License-Identifier: Apache-2.0
"""``ims-manage audit``: reading the audit trail from the message queue."""

import collections
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import oslo_messaging
from oslo_config import cfg

# Glance's, which the notifications go through (glance/notifier.py).
_EXCHANGE = "glance"
_POLL = 0.1


class _Reader:
    """What oslo.messaging hands events to; keeps the last ones."""

    def __init__(self, most: int) -> None:
        self._events: collections.deque[Mapping[str, Any]] = collections.deque(maxlen=most)
        self._mutex = threading.Lock()
        self._seen = time.monotonic()

    def info(self, _context: Any, _publisher: str, _type: str, payload: Any, _meta: Any) -> None:
        """An event."""
        with self._mutex:
            self._events.append(payload)
            self._seen = time.monotonic()

    def wait(self, silence: float) -> list[Mapping[str, Any]]:
        """The events, once none came for *silence* seconds."""
        while True:
            with self._mutex:
                if time.monotonic() - self._seen >= silence:
                    return list(self._events)
            time.sleep(_POLL)


def read(conf: cfg.ConfigOpts, last: int, silence: float) -> list[Mapping[str, Any]]:
    """Take all events that wait on the topics of ``[ims_audit]``; the last ones of them.

    :param last: how many
    :param silence: seconds without an event after which there are no more
    :raises oslo_messaging.MessagingException: if the message queue is away
    """
    reader = _Reader(last)
    listener = oslo_messaging.get_notification_listener(
        oslo_messaging.get_notification_transport(conf),
        [oslo_messaging.Target(topic=topic, exchange=_EXCHANGE) for topic in conf.ims_audit.topics],
        [reader],
        executor="threading",
    )
    listener.start()
    try:
        return reader.wait(silence)
    finally:
        listener.stop()
        listener.wait()


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
