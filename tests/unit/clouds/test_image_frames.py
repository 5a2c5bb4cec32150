# SPDX-License-Identifier: Apache-2.0
"""Another region's image as frames: asked for in one way, verified, and nothing believed."""

import contextlib
import json
import random
import socket
import threading
import time

import pytest

from ims_glance.clouds import image_api, image_frames, reading, rest
from ims_glance.clouds.region import Region
from ims_glance.transfer import cuts, frames, held, writer
from ims_glance.transfer.frames import BadFrame, FrameKind
from tests.base import contents
from tests.unit.clouds.frames_server import PROJECT, FramesServer, serving, without_ims
from tests.unit.clouds.still_clock import StillClock

MIB = 1 << 20
NOISE = random.Random(1).randbytes
DATA = NOISE(300_000) + bytes(400_000) + b"text " * 50_000 + NOISE(100_000)
SIZE = len(DATA)
IMAGE = "1a111111-1111-1111-1111-111111111111"
PATIENCE = 240.0

there = pytest.fixture(serving)


@pytest.fixture
def source(there: FramesServer) -> image_frames.ImageFrames:
    there.images[IMAGE] = DATA
    return image_frames.ImageFrames(Region(there.session()).elsewhere("two"), (5, 5))


PARTS = [(0, None), (0, SIZE), (5, None), (70_000, 500_000), (SIZE - 1, 1), (SIZE, None), (7, 0)]


@pytest.mark.parametrize(("offset", "length"), PARTS)
def test_a_range(there, source, offset, length):
    with source.open(IMAGE, SIZE, offset, length) as found:
        assert contents(found) == DATA[offset:][:length]
    (request,) = there.requests
    wanted = {
        "offset": offset,
        "length": SIZE - offset if length is None else length,
        "held": "",
        "compress": True,
    }
    assert request == ("POST", f"/v1/{PROJECT}/images/{IMAGE}/frames", wanted)


def test_what_is_held_is_told_and_does_not_come(source):
    has = [DATA[place : place + frames.PIECE] for place in (0, frames.PIECE, 11 * frames.PIECE)]
    packed = b"".join(sorted(map(held.piece_prefix, has)))
    with source.open(IMAGE, SIZE, held=packed, compress=False) as found:
        assert contents(found, has) == DATA
    # Two pieces are half zeros.
    assert source.received < SIZE - 400_000 - frames.PIECE
    assert source.sent == 32
    before = source.received
    with source.open(IMAGE, SIZE, compress=False) as found:
        assert contents(found) == DATA
    assert source.received > before + 500_000


@pytest.mark.parametrize("cut", cuts.CONTENT, ids=lambda cut: cut.name)
def test_it_is_cut_as_what_is_held(there, source, cut):
    pieces = [each for each in cut.cut([DATA], 0) if each.strip(b"\0")]
    packed = b"".join(sorted(set(map(held.piece_prefix, pieces))))
    moved = b"x" * 4096 + DATA
    there.images[IMAGE] = moved
    has = [*pieces, *cut.cut([moved], 0)]
    with source.open(IMAGE, len(moved), held=packed, compress=False, cut=cut) as found:
        assert contents(found, has) == moved
    assert there.requests[0][2]["cut"] == cut.name
    assert source.received < 2 * cut.piece + 5000


def test_where_nothing_is_held_it_is_not_asked_to_be_cut(there, source):
    with source.open(IMAGE, SIZE, cut=cuts.CONTENT[0]) as found:
        assert contents(found) == DATA
    assert "cut" not in there.requests[0][2]


def test_a_region_that_does_not_know_the_cut_is_asked_for_the_one_that_all_know(there, source):
    there.cuts.clear()
    cut = cuts.CONTENT[0]
    has = [DATA[: frames.PIECE]]
    packed = held.piece_prefix(has[0])
    with source.open(IMAGE, SIZE, held=packed, cut=cut) as found:
        assert contents(found, has) == DATA
    assert ["cut" in each[2] for each in there.requests] == [True, False]
    assert source.knows(IMAGE, SIZE, cut) is False


def test_whether_a_region_knows_a_cut_costs_next_to_nothing(there, source):
    there.cuts = {"content-32768"}
    fine, coarse = cuts.CONTENT
    assert source.knows(IMAGE, SIZE, fine)
    assert not source.knows(IMAGE, SIZE, coarse)
    assert source.received == 0
    assert {(each[2]["offset"], each[2]["length"]) for each in there.requests} == {(SIZE, 0)}
    there.instead = without_ims()
    assert not source.knows(IMAGE, SIZE, fine)


@pytest.mark.parametrize(
    ("status", "error"), [(403, rest.Refused), (404, rest.Missing), (503, rest.ServiceUnavailable)]
)
def test_another_refusal_is_not_taken_for_an_answer(there, source, status, error):
    there.instead = refusing(status)
    with pytest.raises(error):
        source.knows(IMAGE, SIZE, cuts.CONTENT[0])


def test_a_region_that_is_busy_has_understood(there, source):
    def instead(handler):
        handler.answer(503, b'{"error": {"code": "IMG.0014", "message": "busy"}}', Retry_After="5")
        return True

    there.instead = instead
    assert source.knows(IMAGE, SIZE, cuts.CONTENT[0])


def test_the_bytes_of_another_cut_are_refused(there, source):
    cut = cuts.CONTENT[0]
    there.spoil = lambda _stream: b"".join(writer.write([DATA], 0, held.NOTHING, SIZE))
    with source.open(IMAGE, SIZE, held=bytes(8), cut=cut) as found, pytest.raises(BadFrame):
        list(found)


# --- a region without the IMS API, or with an older one ------------------------------------------

_OLDER = b'{"error": {"code": "IMG.0017", "message": "The IMS API has nothing at POST /v1/..."}}'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (300, b'{"versions": []}'),
        (404, b"<html>Not found</html>"),
        (404, _OLDER),
        (405, b""),
        (501, b""),
    ],
)
def test_without_it_the_image_api_is_asked(there, source, status, body):
    there.instead = without_ims(status, body)
    with source.open(IMAGE, SIZE, held=b"12345678") as found:
        frames_ = list(found)
    assert contents(frames_) == DATA
    assert {frame.kind for frame in frames_} == {FrameKind.ZERO, FrameKind.DATA}
    for frame in frames_:
        if frame.kind is FrameKind.DATA:
            assert frame.digest == frames.digest(DATA[frame.offset : frame.end])
    assert there.requests[1:] == [("GET", f"/v2/images/{IMAGE}/file", None)]
    assert source.received == SIZE


@pytest.mark.parametrize("randomly", [True, False])
@pytest.mark.parametrize(("offset", "length"), PARTS[2:])
def test_a_range_without_it(there, source, randomly, offset, length):
    there.instead, there.randomly = without_ims(), randomly
    with source.open(IMAGE, SIZE, offset, length) as found:
        assert contents(found) == DATA[offset:][:length]
    expected = DATA[offset:][:length]
    assert source.received == (len(expected) if randomly else source.received)
    if expected:
        last = "" if offset + len(expected) == SIZE else offset + len(expected) - 1
        asked = [f"bytes={offset}-{last}"] + [None] * (not randomly)
        assert [each[2] for each in there.requests[1:]] == asked


def test_a_server_that_does_not_mind_ranges(there, source):
    def instead(handler):
        if handler.path.startswith("/v1/"):
            return without_ims()(handler)
        handler.answer(200, DATA)
        return True

    there.instead = instead
    with source.open(IMAGE, SIZE, 70_000, 500_000) as found:
        assert contents(found) == DATA[70_000:570_000]


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x"])
def test_an_image_of_another_size_without_it(there, source, change):
    there.instead, there.spoil = without_ims(), change
    with source.open(IMAGE, SIZE) as found, pytest.raises(writer.SizeChanged):
        list(found)


def test_an_image_that_is_not_there(there, source):
    for served in (there.instead, without_ims()):
        there.instead = served
        with pytest.raises(rest.Missing), source.open(PROJECT, SIZE):
            pass


# --- refusals and faults -------------------------------------------------------------------------


def refusing(status, code="IMG.0026"):
    """A region that says no."""
    said = {"error": {"code": code, "message": "The image has been deactivated."}}
    return without_ims(status, json.dumps(said).encode())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, rest.Refused),
        (401, rest.ServiceUnavailable),
        (403, rest.Refused),
        (404, rest.Missing),
        (503, rest.ServiceUnavailable),
    ],
)
def test_refusals(there, source, status, error):
    there.instead = refusing(status)
    with pytest.raises(error, match="deactivated") as refused, source.open(IMAGE, SIZE):
        pass
    assert type(refused.value) is error
    assert {each[0] for each in there.requests} == {"POST"}


@pytest.mark.parametrize(
    ("status", "code"), [(400, "IMG.0057"), (403, "IMG.0026"), (404, "IMG.0057")]
)
def test_the_code_of_a_refusal_is_passed_on(there, source, status, code):
    there.instead = refusing(status, code)
    with pytest.raises(rest.Refused) as refused, source.open(IMAGE, SIZE):
        pass
    assert (refused.value.status, refused.value.code) == (status, code)


@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("has_ims", [True, False])
def test_no_redirect_is_followed(there, source, status, has_ims):
    """It would take the token with it."""

    def instead(handler):
        if handler.path.startswith("/v1/") and not has_ims:
            return without_ims()(handler)
        handler.answer(status, b"", Location=f"{there.url}/v2/images/{IMAGE}/file?elsewhere")
        return True

    there.instead = instead
    with pytest.raises(rest.ServiceUnavailable, match=str(status)), source.open(IMAGE, SIZE):
        pass
    assert not any("elsewhere" in each[1] for each in there.requests)


@pytest.mark.parametrize("place", [0, 10, 100, 200_000])
def test_a_cut_link(there, source, place):
    there.spoil = lambda stream: stream[:place]
    with source.open(IMAGE, SIZE) as found, pytest.raises(rest.ServiceUnavailable, match="cut"):
        list(found)


def test_a_link_that_is_cut_by_a_reset(there, source):
    def instead(handler):
        handler.begin()
        handler.wfile.write(b"".join(writer.write([DATA], 0, held.NOTHING, SIZE))[:1000])
        handler.wfile.flush()
        linger = b"\1\0\0\0\0\0\0\0"
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.connection.close()
        return True

    there.instead = instead
    with pytest.raises(rest.ServiceUnavailable), source.open(IMAGE, SIZE) as found:
        list(found)


def test_a_stalled_link(there):
    gone = threading.Event()

    def instead(handler):
        handler.begin()
        handler.wfile.write(b"IMSFRM1\n")
        handler.wfile.flush()
        gone.wait(PATIENCE)
        return True

    there.instead = instead
    stalled = image_frames.ImageFrames(Region(there.session()), (5, 0.3))
    begun = time.monotonic()
    with pytest.raises(rest.ServiceUnavailable), stalled.open(IMAGE, SIZE) as found:
        list(found)
    gone.set()
    assert time.monotonic() - begun < PATIENCE / 2


def test_a_link_on_which_a_byte_comes_now_and_then(there, source, monkeypatch):
    clock, gone = StillClock(monkeypatch, image_frames), threading.Event()

    def instead(handler):
        handler.begin()
        for byte in b"".join(writer.write([DATA], 0, held.NOTHING, SIZE))[:60]:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            clock.now += image_frames._FRAME_SECONDS / 20
            if gone.wait(0.01):
                break
        return True

    there.instead = instead
    with (
        source.open(IMAGE, SIZE) as found,
        pytest.raises(rest.ServiceUnavailable, match="no frame"),
    ):
        list(found)
    gone.set()


def test_a_frame_is_there_as_soon_as_it_came(there, source):
    """Zeros are few bytes: an image of nothing else would come as a whole."""
    done = threading.Event()

    def instead(handler):
        handler.begin()
        stream = b"".join(writer.write([bytes(SIZE)], 0, held.NOTHING, SIZE))
        handler.wfile.write(stream[:-25])
        handler.wfile.flush()
        done.wait(PATIENCE)
        handler.wfile.write(stream[-25:])
        return True

    there.instead = instead
    with source.open(IMAGE, SIZE) as found:
        assert next(found).length == SIZE
        done.set()
        assert list(found) == []


def test_whoever_takes_a_frame_may_take_their_time(source, monkeypatch):
    clock = StillClock(monkeypatch, image_frames)
    with source.open(IMAGE, SIZE) as found:
        first = next(found)
        clock.now += 2 * image_frames._FRAME_SECONDS
        assert contents([first, *found]) == DATA


def test_nobody_listens(there, source):
    there.close()
    with pytest.raises(rest.ServiceUnavailable), source.open(IMAGE, SIZE):
        pass


def flipped(stream):
    return stream[:150_000] + bytes([stream[150_000] ^ 1]) + stream[150_001:]


@pytest.mark.parametrize(
    "spoil",
    [
        flipped,
        lambda stream: stream + b"x",
        lambda _stream: b"<html>" * 100,
        lambda _stream: b"".join(writer.write([DATA[1:]], 0, held.NOTHING, SIZE - 1)),
        lambda _stream: b"".join(writer.write([DATA[1:]], 1, held.NOTHING, SIZE)),
        lambda _stream: b"".join(writer.write([DATA + b"x"], 0, held.NOTHING, SIZE + 1)),
    ],
)
def test_a_wrong_stream(there, source, spoil):
    there.spoil = spoil
    with source.open(IMAGE, SIZE) as found, pytest.raises(BadFrame) as refused:
        list(found)
    assert refused.value.code == "IMG.0057"


def test_nothing_is_held_that_was_not_told(there, source):
    prefix = held.piece_prefix(DATA[: frames.PIECE])
    stream = b"".join(writer.write([DATA], 0, held.Held.of(prefix), SIZE))
    there.spoil = lambda _stream: stream
    with source.open(IMAGE, SIZE) as found, pytest.raises(BadFrame, match="held"):
        list(found)
    with source.open(IMAGE, SIZE, held=prefix) as found:
        assert contents(found, [DATA[: frames.PIECE]]) == DATA


@pytest.mark.parametrize("has_ims", [True, False])
def test_nothing_is_unpacked_on_the_way(there, source, has_ims):
    """A megabyte of zeros is a kilobyte of gzip, and that is a few bytes of gzip."""

    def instead(handler):
        if handler.path.startswith("/v1/") and not has_ims:
            return without_ims()(handler)
        handler.answer(200, b"\x1f\x8b" + bytes(100), Content_Encoding="gzip")
        return True

    there.instead = instead
    with pytest.raises((BadFrame, rest.ServiceUnavailable), match="encoded"):  # noqa: SIM117
        with source.open(IMAGE, SIZE) as found:
            list(found)


@pytest.mark.parametrize("follows", [True, False])
def test_a_download_on_which_a_byte_comes_now_and_then(there, monkeypatch, follows):
    """Where there are no frames, and of a Glance of the own region as well."""
    clock = StillClock(monkeypatch, reading)
    ims, gone = without_ims(), threading.Event()

    def instead(handler):
        if ims(handler):
            return True
        handler.begin(Content_Length=str(SIZE))
        with contextlib.suppress(OSError):
            for place in range(200):
                handler.wfile.write(DATA[place : place + 1])
                clock.now += reading.CHUNK_SECONDS / 20
                if gone.wait(0.02):
                    break
        return True

    there.instead = instead
    region = Region(there.session(), follows=follows)
    with pytest.raises(rest.ServiceUnavailable, match="bytes came in"):
        if follows:
            with image_api.ImageApi(region).download(IMAGE) as download:
                list(download.chunks)
        else:
            with image_frames.ImageFrames(region).open(IMAGE, SIZE) as found:
                list(found)
    gone.set()


def test_whoever_takes_a_chunk_may_take_their_time(there, source, monkeypatch):
    clock = StillClock(monkeypatch, reading)
    there.instead = without_ims()
    with source.open(IMAGE, SIZE) as found:
        first = next(found)
        clock.now += 2 * reading.CHUNK_SECONDS
        assert contents([first, *found]) == DATA


def test_a_refusal_that_drips_is_not_waited_for(there, source, monkeypatch):
    clock, gone, is_over = StillClock(monkeypatch, reading), threading.Event(), threading.Event()

    def instead(handler):
        handler.send_response(403)
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.wfile.write(b"x")
                clock.now += reading._SECONDS / 20
                if gone.wait(0.02):
                    return True
        is_over.set()
        return True

    there.instead = instead
    with pytest.raises(rest.Refused), source.open(IMAGE, SIZE):
        pass
    assert not is_over.is_set()
    gone.set()


def test_a_refusal_without_end_is_not_read(there, source):
    sent = 0

    def instead(handler):
        nonlocal sent
        handler.send_response(403)
        handler.end_headers()
        try:
            while sent < 64 * MIB:
                handler.wfile.write(b"no " * 100_000)
                sent += 300_000
        except OSError:
            pass
        return True

    there.instead = instead
    with pytest.raises(rest.Refused), source.open(IMAGE, SIZE):
        pass
    assert sent < 32 * MIB


def test_a_stream_may_be_left(there, source):
    with source.open(IMAGE, SIZE) as found:
        next(found)
    with source.open(IMAGE, SIZE) as found:
        assert contents(found) == DATA
