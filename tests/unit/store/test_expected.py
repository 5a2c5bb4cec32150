# SPDX-License-Identifier: Apache-2.0
"""What an upload has to be; in a real Glance it is tested in the functional tests."""

import hashlib
import io
import threading

import pytest

from ims_glance.model.copy import Digest
from ims_glance.store import expected
from tests.unit.store.stores import KEY_ID

DATA = b"data" * 100_000
RIGHT = Digest(len(DATA), hashlib.md5(DATA).hexdigest(), "sha256", hashlib.sha256(DATA).hexdigest())


def write(objects, key_id):
    object_id, _ = objects.write("i", key_id, io.BytesIO(DATA), 0, "sha256")
    return object_id


@pytest.mark.parametrize(
    "digest",
    [
        RIGHT,
        Digest(len(DATA), RIGHT.checksum),
        # Of another hash: the one that both know is compared.
        Digest(len(DATA), RIGHT.checksum, "sha512", "0" * 128),
    ],
)
def test_what_is_as_expected_is_stored(objects, digest):
    with expected.expecting(digest):
        object_id = write(objects, KEY_ID)
    reader, _ = objects.read(object_id)
    assert b"".join(reader) == DATA


@pytest.mark.parametrize(
    "digest",
    [
        Digest(len(DATA) + 1, RIGHT.checksum),
        Digest(len(DATA), "0" * 32),
        Digest(len(DATA), RIGHT.checksum, "sha256", "0" * 64),
        # Nobody knows.
        Digest(len(DATA), None, "sha512", "0" * 128),
    ],
)
def test_nothing_else_is(objects, inner, digest):
    with expected.expecting(digest), pytest.raises(expected.DataDiffers) as caught:
        write(objects, KEY_ID)
    assert caught.value.code == "IMG.0057"
    assert list(inner.objects()) == []
    # Behind the block nothing is expected any more.
    write(objects, KEY_ID)


def test_others_at_the_same_time_may_send_what_they_like(objects):
    with expected.expecting(Digest(1)):
        other = threading.Thread(target=write, args=(objects, KEY_ID))
        other.start()
        other.join()
    assert len(list(objects.inner.objects())) == 2
