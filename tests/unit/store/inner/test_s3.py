# SPDX-License-Identifier: Apache-2.0
"""What is asked of S3; what its servers make of it is tested with the contract of all drivers on a cloud."""

import pytest
from botocore.awsrequest import AWSResponse
from glance_store import exceptions as store_exceptions
from oslo_utils import units

from ims_glance.store.inner.s3 import S3Inner
from tests.unit.store import stores

NAME = "ims-0123456789abcdef0123456789abcdef"
NO_KEY = b"<Error><Code>NoSuchKey</Code></Error>"


class Raw:
    """The body of an answer."""

    def __init__(self, body):
        self._body = body

    def stream(self):
        yield self._body

    def read(self, *_size):
        body, self._body = self._body, b""
        return body


class Server:
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    def send(self, request, **_options):
        what = f"{request.method} {request.url.partition('/images')[2]}"
        self.asked.append(what)
        status, body = self.answers.get(what, (404, NO_KEY))
        return AWSResponse(request.url, status, {}, Raw(body))


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def inner(server, tmp_path):
    options = {
        "host": "http://s3.invalid",
        "access_key": "k",
        "secret_key": "s",
        "bucket": "images",
        "bucket_url_format": "path",
        "region_name": "r",
    }
    lines = [f"s3_store_{name} = {value}" for name, value in options.items()]
    made = stores.inner_of("s3", tmp_path / "inner", *lines)
    assert isinstance(made, S3Inner)
    made._client.meta.events.register("before-send.s3", server.send)
    return made


def test_what_is_larger_than_any_object_is_not_begun(inner, server):
    """Each part is in memory while it is sent, and there are 10,000 of them at most."""
    with pytest.raises(store_exceptions.StorageFull):
        inner.put(NAME, iter(()), 5 * units.Ti + 1)
    assert server.asked == []
