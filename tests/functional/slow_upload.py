# SPDX-License-Identifier: Apache-2.0
"""An upload that stops in the middle, so that a test can do something meanwhile."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Self

import urllib3

from tests.functional.client import WAIT_SECONDS, Answer, Client


class SlowUpload:
    """Has sent the *first* bytes and waits, with the image in ``saving``, until told to go on.

    ::

        with SlowUpload(glance, image["id"], b"half ") as upload:
            ...
            answer = upload.finish(b"and half")
    """

    def __init__(self, client: Client, image_id: str, first: bytes, store: str = "kms") -> None:
        self._client = client
        self._image_id = image_id
        self._store = store
        self._pieces = [first]
        self._go_on = threading.Event()
        self._answer: Answer | None = None
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> Self:
        self._thread.start()
        end = time.monotonic() + WAIT_SECONDS
        while self._client.show(self._image_id)["status"] != "saving":
            if time.monotonic() > end:
                raise TimeoutError("the upload has not begun")
            time.sleep(0.02)
        return self

    def __exit__(self, *_details: object) -> None:
        self._go_on.set()
        self._thread.join()

    def finish(self, rest: bytes = b"") -> Answer:
        """Send the rest, and return the answer."""
        self._pieces.append(rest)
        self._go_on.set()
        self._thread.join(WAIT_SECONDS)
        assert self._answer is not None
        return self._answer

    def _send(self) -> None:
        path = f"/v2/images/{self._image_id}/file"
        headers = {"Content-Type": "application/octet-stream", "X-Image-Meta-Store": self._store}
        # A server that is killed gives no answer.
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            self._answer = self._client.send("PUT", path, body=self._body(), headers=headers)

    def _body(self) -> Iterator[bytes]:
        yield self._pieces.pop(0)
        self._go_on.wait(WAIT_SECONDS)
        yield from filter(None, self._pieces)


def begin_by_hand(
    client: Client, image_id: str, *headers: str, store: str = "kms"
) -> socket.socket:
    """A connection on which the headers of an upload were sent, and nothing of its body."""
    connection = client.connect()
    lines = (
        f"PUT /v2/images/{image_id}/file HTTP/1.1",
        "Host: localhost",
        f"X-Auth-Token: {client.caller.token}",
        "Content-Type: application/octet-stream",
        f"X-Image-Meta-Store: {store}",
        *headers,
    )
    connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    return connection
