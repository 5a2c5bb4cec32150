# SPDX-License-Identifier: Apache-2.0
"""What is told of an upload; a real Glance reads it in the functional tests."""

import io
from typing import Any

import blake3
import pytest
import webob

from ims_glance.api.native import received
from ims_glance.api.native.call import NativeCall
from ims_glance.model.copy import RECEIVED_HEADER
from tests.unit.api.native.test_image import Glance, make_call

DATA = bytes(range(256)) * 20


def told(call: NativeCall, status: int = 204) -> str | None:
    response = webob.Response(status=status)
    for effect in call.effects:
        effect(response)
    answer: str | None = response.headers.get(RECEIVED_HEADER)
    return answer


def upload(**request: Any) -> NativeCall:
    call = make_call(Glance(), method="PUT", body=DATA, **request)
    received.tell(call)
    return call


@pytest.mark.parametrize("size", [1, 1000, len(DATA), -1])
def test_it_is_of_all_that_was_read(size: int) -> None:
    call = upload()
    body = call.request.environ["wsgi.input"]
    assert b"".join(iter(lambda: body.read(size), b"")) == DATA
    assert told(call) == blake3.blake3(DATA).hexdigest()


def test_an_empty_image() -> None:
    call = make_call(Glance(), method="PUT", body=b"")
    received.tell(call)
    assert told(call) in (None, blake3.blake3().hexdigest())


@pytest.mark.parametrize("read", [0, 1, len(DATA) - 1])
def test_nothing_is_told_of_a_part(read: int) -> None:
    call = upload()
    call.request.environ["wsgi.input"].read(read)
    assert told(call) is None


def test_nothing_is_told_of_a_refusal() -> None:
    call = upload()
    call.request.environ["wsgi.input"].read()
    assert told(call, 409) is None


def test_glance_reads_chunks_elsewhere() -> None:
    call = upload(headers={"Transfer-Encoding": "chunked"})
    assert isinstance(call.request.environ["wsgi.input"], io.BytesIO)
    assert not call.effects
