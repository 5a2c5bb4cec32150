# SPDX-License-Identifier: Apache-2.0
"""What arrived of an upload, as our worker is told: damage on the way to Glance is found before anybody uses the image.

Glance's own digests would tell it as well, but the worker would have to make them too, and MD5 takes longer than all else
that it does to a file. Other clients see no difference.
"""

from typing import Protocol

import blake3
import webob

from ims_glance.api.native.call import NativeCall
from ims_glance.model.copy import RECEIVED_HEADER

_CHUNKED = "Transfer-Encoding"


class _Body(Protocol):
    def read(self, size: int = -1) -> bytes:
        """The next bytes."""


class _Digested:
    """A request's body, digested while Glance reads it.

    :ivar size: bytes that were read
    """

    def __init__(self, body: _Body) -> None:
        self._body = body
        self._hash = blake3.blake3()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """As the body's own."""
        data = self._body.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> str:
        """Of what was read, in hexadecimal."""
        return str(self._hash.hexdigest())


def tell(call: NativeCall) -> None:
    """Have the answer to an upload tell what arrived.

    Not of one in HTTP chunks, which ours never is: under uWSGI, Glance reads those elsewhere.
    """
    if _CHUNKED in call.request.headers:
        return
    body = _Digested(call.request.environ["wsgi.input"])
    call.request.environ["wsgi.input"] = body

    def told(response: webob.Response) -> None:
        # Of a body that was not read to its end there is nothing to say.
        if response.status_int < 300 and body.size == call.request.content_length:
            response.headers[RECEIVED_HEADER] = body.digest

    call.effects.append(told)
