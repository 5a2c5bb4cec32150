# SPDX-License-Identifier: Apache-2.0
"""A link to a service, as bad as a test wants it: slow, cut, stalled, lossy, or with other bytes."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

_CHUNK = 1 << 16
_TICK = 0.05


class Link(socketserver.ThreadingTCPServer):
    """Passes on what comes, between whoever connects and a service.

    Its attributes may be changed at any time, and hold from then on. Requests are passed on as they are.

    :param url: of the service
    :ivar rate: bytes a second that an answer comes with; ``None`` for any
    :ivar longest: of the bytes that come on one connection, before it is cut; ``None`` for any number
    :ivar lost: so many answers more do not come, though the service gave them
    :ivar is_stalled: whether nothing comes, and the connection stays
    :ivar spoil: what becomes of a part of an answer
    :ivar passed: bytes of answers that came so far
    :ivar cuts: how many connections were cut
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._service = (str(parts.hostname), int(parts.port or 80))
        self._path = parts.path
        self.rate: float | None = None
        self.longest: int | None = None
        self.lost = 0
        self.is_stalled = False
        self.spoil: Callable[[bytes], bytes] = lambda part: part
        self.passed = self.cuts = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where the service is by this link."""
        return f"http://127.0.0.1:{self.server_address[1]}{self._path}"

    def open(self) -> socket.socket:
        """A connection to the service itself."""
        return socket.create_connection(self._service, 10)

    def loses(self) -> bool:
        """Whether an answer that begins now is lost."""
        with self.lock:
            is_lost = self.lost > 0
            self.lost -= is_lost
            return is_lost

    def close(self) -> None:
        """End it."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever was connected is gone."""


class _Connection(socketserver.BaseRequestHandler):
    server: Link

    def handle(self) -> None:
        with self.server.open() as service:
            service.settimeout(None)
            sending = threading.Thread(target=self._send, args=(service,), daemon=True)
            sending.start()
            with contextlib.suppress(OSError):
                self._receive(service)
            for each in (service, self.request):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            sending.join(5)

    def _send(self, service: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := self.request.recv(_CHUNK):
                service.sendall(part)
            service.shutdown(socket.SHUT_WR)

    def _receive(self, service: socket.socket) -> None:
        link, came, is_lost = self.server, 0, None
        while part := service.recv(self._most()):
            if is_lost is None:
                is_lost = link.loses()
            while link.is_stalled:
                time.sleep(_TICK)
            if is_lost or (link.longest is not None and came + len(part) > link.longest):
                with link.lock:
                    link.cuts += 1
                return
            self.request.sendall(link.spoil(part))
            came += len(part)
            with link.lock:
                link.passed += len(part)
            if link.rate:
                time.sleep(len(part) / link.rate)

    def _most(self) -> int:
        rate = self.server.rate
        return _CHUNK if not rate else max(1, min(_CHUNK, int(rate * _TICK)))
