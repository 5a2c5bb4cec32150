# SPDX-License-Identifier: Apache-2.0
"""Nova's notifications, by a queue of our own, so that nobody else hears fewer of them.

oslo.messaging calls that a pool: all workers share one queue, each notification goes to one of them, and the
queues of other listeners get their own copy.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import oslo_messaging
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.conf import ims_usage

LOG = logging.getLogger(__name__)

Heard = Callable[[str, Mapping[str, Any], str], None]
"""What takes a notification: its type, its payload, and when it was sent (ISO 8601)."""

# What a worker that stops gives the message queue; and how long one waits before it takes again what it
# could not take; seconds.
_LAST = 3.0
_PAUSE = 1.0


class NovaEndpoint:
    """What oslo.messaging hands notifications to.

    :param heard: may raise ``Unavailable``: then the notification stays in the queue
    """

    def __init__(self, heard: Heard, stopping: threading.Event) -> None:
        self._heard = heard
        self._stopping = stopping

    def info(self, _context: Any, _publisher: str, kind: str, payload: Any, meta: Any) -> Any:
        """A notification."""
        if not isinstance(payload, Mapping):
            return oslo_messaging.NotificationResult.HANDLED
        sent = meta.get("timestamp") if isinstance(meta, Mapping) else None
        try:
            self._heard(str(kind), payload, str(sent))
        except exceptions.Unavailable as error:
            LOG.warning("Notifications of servers wait: %s", error)
            self._stopping.wait(_PAUSE)
            return oslo_messaging.NotificationResult.REQUEUE
        except Exception:  # boundary: the next one may be better, and Nova's list tells the same
            LOG.exception("A notification of a server (%s) is not understood", kind)
        return oslo_messaging.NotificationResult.HANDLED


class NovaEar:
    """Hears notifications for one worker, in a thread.

    :param heard: see :class:`NovaEndpoint`
    """

    def __init__(self, conf: cfg.ConfigOpts, heard: Heard) -> None:
        self._conf = conf
        self._closing = threading.Event()
        self._endpoint = NovaEndpoint(heard, self._closing)
        self._thread = threading.Thread(target=self._listen, name="ims-nova", daemon=True)

    def open(self) -> None:
        """Begin to hear, as soon as the message queue is there; nobody waits for that."""
        if self._conf[ims_usage.GROUP].notification_topics:
            self._thread.start()

    def close(self, patience: float = _LAST) -> None:
        """Hear nothing more; what was not taken stays in the queue.

        :param patience: how long to wait at most (the message queue may be away); seconds
        """
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _listen(self) -> None:
        options = self._conf[ims_usage.GROUP]
        try:
            transport = oslo_messaging.get_notification_transport(
                self._conf, url=options.notification_url or None
            )
            listener = oslo_messaging.get_notification_listener(
                transport,
                [
                    oslo_messaging.Target(topic=topic, exchange=options.notification_exchange)
                    for topic in options.notification_topics
                ],
                [self._endpoint],
                executor="threading",
                allow_requeue=True,
                pool=options.notification_queue,
            )
            # By one thread, in their order. Without a message queue it waits here.
            listener.start(override_pool_size=1)
        except oslo_messaging.MessagingException as error:
            LOG.warning("Nova's notifications are not heard: %s", type(error).__name__)
            return
        self._closing.wait()
        listener.stop()
        listener.wait()
