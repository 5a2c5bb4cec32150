# SPDX-License-Identifier: Apache-2.0
"""The data of images for copies in other regions, from every store of the pocket cloud."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.image_frames import ImageFrames
from ims_glance.clouds.region import Region
from ims_glance.model.image import attributes
from ims_glance.transfer.frames import PIECE, Frame, FrameKind
from ims_glance.transfer.held import piece_prefix
from tests.cloud import flow_jobs

pytestmark = pytest.mark.pocket

MIB = 1 << 20
NOISE = random.Random(1).randbytes
DATA = NOISE(MIB + 77) + bytes(3 * MIB) + b"all work and no play " * 50_000 + NOISE(MIB)
SIZE = len(DATA)
STORES = ("plain", "rbd", "swift", "s3", "kms", "kms-rbd", "kms-swift", "kms-s3")


def _uploaded(connection: Any, store: str, data: bytes = DATA) -> str:
    key = {attributes.CMK_ID: "ims/default"} if store.startswith("kms") else {}
    return flow_jobs.upload(connection, data, store, **key)


@pytest.fixture(params=STORES)
def image(request: pytest.FixtureRequest, demo: Any) -> Iterator[str]:
    """An image in each store."""
    made = _uploaded(demo, str(request.param))
    yield made
    demo.image.delete(f"/images/{made}")


def _source(connection: Any) -> ImageFrames:
    return ImageFrames(Region(connection.session, connection.config.region_name))


def _contents(found: Iterable[Frame], has: Iterable[bytes] = ()) -> bytes:
    known = {piece_prefix(each): each for each in has}
    data = b""
    for frame in found:
        if frame.kind is FrameKind.HELD:
            data += b"".join(known[prefix] for prefix in frame.pieces)
        else:
            data += frame.data or bytes(frame.length)
    return data


def test_every_store_gives_the_same(demo, image):
    """Also those that read from the beginning only, for a range."""
    source = _source(demo)
    with source.open(image, SIZE) as found:
        assert _contents(found) == DATA
    assert source.received < 2 * MIB + 100_000
    with source.open(image, SIZE, MIB + 5, 3 * MIB) as found:
        assert _contents(found) == DATA[MIB + 5 :][: 3 * MIB]
    has = [DATA[place : place + PIECE] for place in range(0, MIB, PIECE)]
    before = source.received
    with source.open(image, SIZE, held=b"".join(sorted(map(piece_prefix, has)))) as found:
        assert _contents(found, has) == DATA
    assert source.received - before < MIB + 200_000


@pytest.mark.parametrize("store", ["plain", "kms-rbd"])
def test_an_image_that_is_deleted_while_it_is_read(demo, store):
    """What comes is right, whether it comes to its end or not; then the image is missing."""
    data = NOISE(48 * MIB)
    image_id = _uploaded(demo, store, data)
    came = bytearray()
    source = _source(demo)
    try:
        with source.open(image_id, len(data)) as found:
            came += next(found).data
            demo.image.delete(f"/images/{image_id}")
            for frame in found:
                came += frame.data
    except rest.ServiceUnavailable:
        assert len(came) < len(data)
    assert data.startswith(bytes(came))
    with pytest.raises(rest.Missing), source.open(image_id, len(data), len(data) // 2):
        pass


def test_others_do_not_read_it(demo, other):
    image_id = _uploaded(demo, "kms", DATA[:1000])
    with pytest.raises(rest.Missing), _source(other).open(image_id, 1000):
        pass
    demo.image.delete(f"/images/{image_id}")
