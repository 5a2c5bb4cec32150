# SPDX-License-Identifier: Apache-2.0
"""Frames of an image for another region: which range, what is held, and that the store is let go of."""

import base64
import random

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.common import elsewhere, errors, image
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims.operations import image_frames
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.server import Disk
from ims_glance.transfer import cuts, frames, held, reader, writer
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, IMAGE, OTHER, SECOND

NOISE = random.Random(1).randbytes
DATA = NOISE(200_000) + bytes(200_000) + b"text " * 100_000
SIZE = len(DATA)


class Images(calls.Images):
    """Data of the image, from which every byte is read that a test wants to be read."""

    def __init__(self, data, error=None):
        super().__init__(calls.view(size=len(data)))
        self.data_, self.error = data, error
        self.asked = []
        self.closed = 0

    def data(self, _context, image_id, offset=0, length=None):
        """Open it."""
        assert image_id == IMAGE
        self.asked.append((offset, length))
        end = len(self.data_) if length is None else offset + length
        return image.Data(self._source(offset, end))

    def _source(self, offset, end):
        try:
            for place in range(offset, end, 50_000):
                yield self.data_[place : min(place + 50_000, end)]
                if self.error:
                    raise self.error
        finally:
            self.closed += 1


def read(tmp_path, images, **body):
    """The answer to a request."""
    call = calls.call(calls.configuration(tmp_path), body=body, image_id=IMAGE)
    object.__setattr__(call.service, "images", images)
    return image_frames.read_image_frames(call)


def contents(answer, offset=0, length=SIZE, has=(), cut=cuts.FIXED):
    """The bytes that it stands for."""
    known = {held.piece_prefix(each): each for each in has}
    data = b""
    for frame in reader.read(answer.stream, offset, length, sizes=cut):
        if frame.kind is frames.FrameKind.HELD:
            data += b"".join(known[prefix] for prefix in frame.pieces)
        else:
            data += frame.data or bytes(frame.length)
    return data


@pytest.mark.parametrize(
    ("body", "offset", "length", "asked"),
    [
        ({}, 0, len(DATA), (0, None)),
        ({"offset": None, "length": None, "held": None, "compress": None}, 0, len(DATA), (0, None)),
        ({"offset": 300_001}, 300_001, len(DATA) - 300_001, (300_001, None)),
        ({"length": 1}, 0, 1, (0, 1)),
        ({"offset": 5, "length": 250_000}, 5, 250_000, (5, 250_000)),
        ({"offset": 5, "length": len(DATA) - 5}, 5, len(DATA) - 5, (5, None)),
        # Glance is asked, though nothing is read.
        ({"offset": 5, "length": 0}, 5, 0, (len(DATA) - 1, None)),
        ({"offset": len(DATA)}, len(DATA), 0, (len(DATA) - 1, None)),
    ],
)
def test_a_range(tmp_path, body, offset, length, asked):
    images = Images(DATA)
    answer = read(tmp_path, images, **body)
    assert contents(answer, offset, length) == DATA[offset : offset + length]
    assert images.asked == [asked]
    assert images.closed == (length > 0)
    assert answer.headers == {"X-OpenStack-Image-Size": str(len(DATA))}
    assert answer.content_type == "application/octet-stream"


@pytest.mark.parametrize("missing", [True, False])
def test_an_empty_image(tmp_path, monkeypatch, missing):
    images = Images(b"")
    if missing:

        def data(*_arguments):
            raise image.DataMissing(image_id=IMAGE)

        monkeypatch.setattr(images, "data", data)
    assert contents(read(tmp_path, images), 0, 0) == b""


def test_what_is_held_is_not_sent(tmp_path):
    has = [DATA[place : place + frames.PIECE] for place in (0, 65_536)]
    packed = b"".join(sorted(map(held.piece_prefix, has)))
    text = base64.b64encode(packed).decode()
    sent = list(read(tmp_path, Images(DATA), held=text).stream)
    assert sum(map(len, sent)) < 70_000 + 5000
    answer = read(tmp_path, Images(DATA), held=text)
    assert contents(answer, has=has) == DATA


@pytest.mark.parametrize("name", [None, *cuts.CUTS])
def test_it_is_cut_as_the_receiver_wants_it(tmp_path, name):
    cut = cuts.CUTS[name or "fixed-65536"]
    has = list(cut.cut([DATA], 0))[1::2]
    packed = b"".join(sorted({held.piece_prefix(each) for each in has}))
    body = {"held": base64.b64encode(packed).decode(), "cut": name, "compress": False}
    answer = read(tmp_path, Images(DATA), **body)
    assert contents(answer, has=has, cut=cut) == DATA


def test_the_operator_says_how_much_zstd_tries(tmp_path):
    sizes = []
    chance = random.Random(2)
    words = [chance.randbytes(chance.randrange(3, 12)) for _ in range(2000)]
    data = b"".join(chance.choices(words, k=60_000))
    for level in (1, 9):
        images = Images(data)
        conf = calls.configuration(tmp_path, compression_level=level)
        call = calls.call(conf, body={}, image_id=IMAGE)
        object.__setattr__(call.service, "images", images)
        stream = image_frames.read_image_frames(call).stream or ()
        sizes.append(sum(map(len, stream)))
    assert sizes[1] < sizes[0]
    assert calls.configuration(tmp_path).ims_api.compression_level == writer.LEVEL


def _of_a_size(tmp_path, size, *others, **changes):
    """The answer for an image of a size, though none of its bytes is there."""
    conf = calls.configuration(tmp_path, cross_region_gib=2)
    call = calls.call(conf, body={"length": 0}, image_id=IMAGE)
    images = Images(b"")
    for view in (calls.view(size=size, **changes), *others):
        images.views[view["id"]] = view
    object.__setattr__(call.service, "images", images)
    return image_frames.read_image_frames(call)


def test_what_is_too_large_to_be_copied_is_not_read_for_it(tmp_path):
    """Though nobody asked for a copy before."""
    _of_a_size(tmp_path, 2 << 30)
    with pytest.raises(elsewhere.TooLarge, match="cross_region_gib") as refused:
        _of_a_size(tmp_path, (2 << 30) + 1)
    assert refused.value.code == "IMG.0059"


def test_a_disk_is_as_large_as_its_whole_machine(tmp_path):
    disks = [
        whole_image.Component(Disk(at, None, 1), at_) for at, at_ in enumerate((IMAGE, SECOND))
    ]
    whole = calls.view(OTHER, size=0, **whole_image.properties(disks))
    other = calls.view(SECOND, size=1 << 30)
    is_disk = {attributes.COMPONENT_OF: OTHER}
    _of_a_size(tmp_path, 1 << 30, whole, other, **is_disk)
    with pytest.raises(elsewhere.TooLarge):
        _of_a_size(tmp_path, (1 << 30) + 1, whole, other, **is_disk)
    # Of what is half there, each disk counts.
    _of_a_size(tmp_path, (1 << 30) + 1, whole, **is_disk)
    _of_a_size(tmp_path, (1 << 30) + 1, **is_disk)
    with pytest.raises(elsewhere.TooLarge):
        _of_a_size(tmp_path, (2 << 30) + 1, **is_disk)


@pytest.fixture
def streams(monkeypatch):
    """How many streams this process sends."""
    made = image_frames._Streams()
    monkeypatch.setattr(image_frames, "_STREAMS", made)
    return made


def test_so_many_streams_at_once(tmp_path, streams):
    first, second, another = (read(tmp_path, Images(DATA)) for _ in range(3))
    with pytest.raises(image_frames.TooManyStreams, match="frame_requests") as refused:
        read(tmp_path, Images(DATA))
    # A question of no data is answered all the same.
    question = read(tmp_path, Images(DATA), length=0)
    assert contents(question, 0, 0) == b""
    assert streams.count == 3
    answer = errors.answer(refused.value)
    assert (answer.status_int, answer.headers["Retry-After"]) == (503, "2")
    # One is read to its end, and closed by the server besides.
    assert contents(first) == DATA
    first.stream.close()
    assert streams.count == 2
    third = read(tmp_path, Images(DATA))
    for each in (second, another, third):
        each.stream.close()
    assert streams.count == 0


def test_a_stream_that_fails_or_is_lost_is_none(tmp_path, streams, monkeypatch):
    answer = read(tmp_path, Images(DATA, OSError("gone")))
    assert len(list(answer.stream)) < 5
    assert streams.count == 0
    answer = read(tmp_path, Images(DATA))
    del answer
    assert streams.count == 0
    images = Images(DATA)
    monkeypatch.setattr(images, "data", lambda *_arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read(tmp_path, images)
    with pytest.raises(exceptions.Invalid):
        read(tmp_path, Images(DATA), held="?")
    assert streams.count == 0


def test_compression_can_be_left(tmp_path):
    sizes = [
        sum(map(len, read(tmp_path, Images(DATA), compress=compress).stream))
        for compress in (True, False)
    ]
    assert sizes[0] < 202_000
    assert sizes[1] > 700_000


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"offset": len(DATA) + 1}, "IMG.0016", f"has {len(DATA)} bytes"),
        ({"offset": 1, "length": len(DATA)}, "IMG.0016", "no 900000 bytes from byte 1"),
        ({"offset": 10**30}, "IMG.0016", "bytes"),
        ({"held": "a"}, "IMG.0016", "base64"),
        ({"held": "\u00e4"}, "IMG.0016", "base64"),
        ({"held": "====AAAA"}, "IMG.0016", "base64"),
        ({"held": "AAAA"}, "IMG.0016", "no multiple"),
        ({"held": base64.b64encode(b"b" * 8 + b"a" * 8).decode()}, "IMG.0016", "sorted"),
    ],
)
def test_refusals(tmp_path, body, code, text):
    images = Images(DATA)
    with pytest.raises(exceptions.Invalid, match=text) as refused:
        read(tmp_path, images, **body)
    assert refused.value.code == code
    assert images.asked == []


def test_an_image_without_data(tmp_path):
    images = Images(DATA)
    images.views[IMAGE]["size"] = None
    with pytest.raises(exceptions.Conflict, match="not active") as refused:
        read(tmp_path, images)
    assert refused.value.code == "IMG.0046"


def test_an_image_that_is_not_there(tmp_path):
    call = calls.call(calls.configuration(tmp_path), body={}, image_id=ABSENT)
    with pytest.raises(exceptions.ImageNotFound):
        image_frames.read_image_frames(call)


def test_what_glance_refuses_is_refused(tmp_path, monkeypatch):
    images = Images(DATA)

    def data(*_arguments):
        raise SubrequestRefused(webob.Response(status=403, json_body={"message": "deactivated"}))

    monkeypatch.setattr(images, "data", data)
    with pytest.raises(SubrequestRefused):
        read(tmp_path, images)


def test_a_store_that_fails_leaves_no_end(tmp_path, caplog):
    images = Images(DATA, OSError("the disk is gone"))
    answer = read(tmp_path, images)
    with pytest.raises(frames.StreamCut):
        contents(answer)
    assert images.closed == 1
    assert "is broken off" in caplog.text
    assert list(answer.stream) == []


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_a_client_that_goes_away_lets_go_of_the_store(tmp_path, chunks):
    images = Images(DATA)
    stream = read(tmp_path, images, compress=False).stream
    for _ in range(chunks):
        next(iter(stream))
    stream.close()
    stream.close()
    assert images.closed == (chunks > 1)
    assert list(stream) == []


def test_all_that_may_be_held_fits_into_the_body(tmp_path):
    (operation,) = image_frames.OPERATIONS
    text = base64.b64encode(bytes(held.HELD_LIMIT * 8))
    assert len(text) + 1024 < operation.max_body_kib * 1024 < len(text) + 128 * 1024
