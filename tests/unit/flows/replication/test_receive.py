# SPDX-License-Identifier: Apache-2.0
"""What is said to be held and is not, and what is told of how far it is."""

import random
import threading

import pytest

from ims_glance import exceptions
from ims_glance.clouds import image_frames
from ims_glance.clouds.region import Region
from ims_glance.flows.replication import receive
from ims_glance.flows.replication.handover import Handover
from ims_glance.flows.replication.receive import Meter, Receiver, Stopped
from ims_glance.flows.replication.source import ReceivedPart, SourceGone
from ims_glance.jobs.context import JobContext
from ims_glance.model.copy import Digest
from ims_glance.model.job import RECEIVE_IMAGE
from ims_glance.store.sealed import Owner
from ims_glance.store.spool import Spool
from ims_glance.store.spools import Spools
from ims_glance.transfer import writer
from ims_glance.transfer.frames import BadFrame
from ims_glance.transfer.held import Held, piece_prefix
from tests.unit.jobs import job_bench
from tests.unit.store.stores import KEY_ID

PIECE = 1 << 16
DATA = random.Random(2).randbytes(40 * PIECE + 77)


@pytest.fixture
def job(tables, server):
    made = job_bench.context(
        tables, type=RECEIVE_IMAGE, project_id="demo", arguments={"source_region": "RegionTwo"}
    )
    made.session = server.session()
    made.source_region = Region(server.session(), "RegionTwo")
    return made


@pytest.fixture
def spool(inner, key_manager):
    opened = Spools(lambda: inner, lambda: key_manager)
    return lambda: opened.open(Owner(f"{1:032x}", 0, "s"), KEY_ID)


@pytest.fixture
def received(job, server, spool):
    """Receive the image; what the spool has of it."""
    source = server.make(DATA)
    part = ReceivedPart(0, source, Digest.of(server.images[source]), None, {})

    def received(found: Spool, holds: bool = True) -> bytes:
        Receiver(job, part, found, Meter(job, len(DATA)), holds).run()
        return b"".join(spool().chunks())

    return received


def pieces(data=DATA):
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def filled(spool, prefixes, contents):
    found = spool()
    for number, (prefix, content) in enumerate(zip(prefixes, contents, strict=True)):
        found.piece(prefix, number * PIECE, content)
    found.flush()
    return found


def test_what_is_held_is_not_sent(received, server, spool):
    found = filled(spool, map(piece_prefix, pieces()), pieces())
    assert received(found) == DATA
    assert sum(server.link) < 2000


def test_nothing_is_said_to_be_held(received, server, spool):
    found = filled(spool, map(piece_prefix, pieces()), pieces())
    assert received(found, holds=False) == DATA
    assert sum(server.link) > len(DATA)


def test_another_piece_of_the_same_prefix(received, server, spool):
    """By chance, or made so: the run is asked for once more, and the others are still held."""
    contents = pieces()
    contents[20] = bytes(PIECE - 1) + b"x"
    found = filled(spool, map(piece_prefix, pieces()), contents)
    assert received(found) == DATA
    assert len(server.link) == 2
    assert sum(server.link) < 17 * PIECE + 3000


def test_many_such_pieces(received, server, spool, monkeypatch):
    """Not a request for each of them: nothing is said to be held any more."""
    monkeypatch.setattr(receive, "_MISSED", 0)
    contents = [bytes(len(each) - 1) + b"x" for each in pieces()]
    found = filled(spool, map(piece_prefix, pieces()), contents)
    assert received(found) == DATA
    assert len(server.link) < 6


def test_a_piece_that_is_damaged_in_the_spool(received, server, spool, monkeypatch):
    found = filled(spool, map(piece_prefix, pieces()), pieces())

    def damaged(_self, _place):
        raise exceptions.ObjectDamaged(object_id="1", reason="as the test wants it")

    monkeypatch.setattr(Spool, "at", damaged)
    assert received(found) == DATA
    assert len(server.link) == 4


@pytest.fixture
def naps(monkeypatch):
    """The pauses that were made; seconds."""
    made = []
    monkeypatch.setattr(JobContext, "pause", lambda _self, seconds: made.append(seconds))
    return made


def test_a_region_that_is_busy_is_waited_for_as_long_as_it_is(
    received, server, spool, tables, naps
):
    """It is not away: others are before this copy."""
    tables.conf.set_override("region_patience_seconds", 0.0, "ims_jobs")
    server.is_busy = lambda: len(naps) < 20
    assert received(spool()) == DATA
    assert naps == [7] * 20


def test_a_region_is_not_waited_for_if_nothing_can_be_uploaded(job, server, spool, naps):
    """Or a job that fails anyway would last for as long as that region is away."""
    source = server.make(DATA)
    server.is_busy = lambda: len(naps) < 3
    part = ReceivedPart(0, source, Digest.of(server.images[source]), None, {})
    found = spool()
    handover = Handover(found, len(DATA), job.check)
    handover.fail(ValueError("too large"))
    receiver = Receiver(job, part, found, Meter(job, len(DATA)), handover=handover)
    with pytest.raises(ValueError, match="too large"):
        receiver.run()
    assert naps == []


def test_a_region_that_is_busy_with_this_copy(received, server, spool, naps):
    """It sends one stream at a time: what is not held is asked for when the other one has ended."""
    contents = pieces()
    contents[20] = bytes(PIECE - 1) + b"x"
    found = filled(spool, map(piece_prefix, pieces()), contents)
    asked = []

    def is_busy():
        asked.append(1)
        return len(asked) in (2, 3)

    server.is_busy = is_busy
    assert received(found) == DATA
    # With all, inside of it, behind it and again, and with all that is left.
    assert (len(asked), len(server.link), naps) == (5, 3, [7])
    assert sum(server.link) < 17 * PIECE + 4000


def test_the_source_goes_while_it_is_busy(received, server, spool, naps):
    """What is asked for later is refused as what is asked for at once."""
    contents = pieces()
    contents[20] = bytes(PIECE - 1) + b"x"
    found = filled(spool, map(piece_prefix, pieces()), contents)
    asked = []

    def is_busy():
        asked.append(1)
        if len(asked) == 3:
            server.images.clear()
        return len(asked) in (2, 3)

    server.is_busy = is_busy
    with pytest.raises(SourceGone, match="region RegionTwo"):
        received(found)


def all_held(stream):
    """What a source sends that takes everything for held."""
    prefixes = sorted(map(piece_prefix, pieces()))
    offset = int.from_bytes(stream[8:16], "big")
    chunks = [DATA[offset:]]
    return b"".join(writer.write(chunks, offset, Held.of(b"".join(prefixes)), len(DATA)))


def test_a_source_that_takes_all_for_held(received, server, spool):
    """It says so of what nobody said is here, and is asked again."""
    found = filled(spool, [b"a prefix"], [pieces()[0]])
    spoils = [all_held]
    server.spoil = lambda stream: spoils.pop()(stream) if spoils else stream
    assert received(found) == DATA
    assert len(server.link) == 4


def test_a_source_that_does_so_again(received, server, spool):
    found = filled(spool, [b"a prefix"], [pieces()[0]])
    server.spoil = all_held
    with pytest.raises(BadFrame):
        received(found)
    assert len(server.link) < 9


def test_how_far_it_is(job):
    meter = Meter(job, 1000)
    meter.received(0, 300, 100, 210)
    meter.received(1, 200, 50, 140)
    meter.filled(0, 100)
    meter.write()
    assert job.entities[receive.RECEIVED] == 150
    assert job.entities[receive.SAVED] == 350
    assert job._done == 300
    # Another worker goes on counting.
    other = Meter(job, 1000)
    other.received(0, 600, 10, 480)
    other.write()
    assert job.entities[receive.RECEIVED] == 160
    assert job.entities[receive.SAVED] == 480


def test_what_was_saved_of_an_image_that_a_dead_worker_filled(job):
    job.tell(**{receive.SAVED: 350})
    meter = Meter(job, 1000)
    meter.received(0, 300)
    meter.write()
    assert job.entities[receive.SAVED] == 350


def test_what_a_killed_worker_did_not_tell_was_not_saved(received, job, server, spool):
    """It had received the first half, and was killed before it told so."""
    found = filled(spool, map(piece_prefix, pieces()[30:]), pieces()[30:])
    found.data(DATA[: 20 * PIECE])
    found.flush()
    assert received(spool()) == DATA
    job.write_told()
    assert job.entities[receive.SAVED] == len(DATA) - 30 * PIECE
    assert job.entities[receive.RECEIVED] < 11 * PIECE


def test_what_came_is_told_before_a_frame_is_complete(received, server, spool, monkeypatch):
    """On a slow link that takes long, and a worker that is killed then has told what came."""
    monkeypatch.setattr(receive, "_SOON", -1.0)
    monkeypatch.setattr(image_frames, "_READ", 1000)
    tell, told = Meter.received, []

    def watched(self, number, end, link=0, saved=None):
        told.append((end, link))
        tell(self, number, end, link, saved)

    monkeypatch.setattr(Meter, "received", watched)
    assert received(spool()) == DATA
    assert sum(link for end, link in told if not end) > 900_000
    assert sum(link for _end, link in told) == sum(server.link)


def test_bytes_a_second(job, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(receive, "clock", lambda: now[0])
    meter = Meter(job, 10_000)
    meter.received(0, 1000)
    now[0] += 4
    meter.received(0, 5000)
    meter.write()
    assert job.entities[receive.RATE] == 500


def test_threads_tell_without_losing_anything(job):
    meter = Meter(job, 8000)

    def tell(number):
        for end in range(0, 1001, 10):
            meter.received(number, end, 10)

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    meter.write()
    assert job.entities[receive.RECEIVED] == 4 * 101 * 10


def test_the_others_stop_when_one_is_broken(job):
    meter = Meter(job, 1000)
    meter.broken.set()
    with pytest.raises(Stopped):
        meter.filled(0, 1)


def test_nobody_waits_for_a_region_when_one_is_broken(job):
    """Or a job that fails anyway would last for as long as that region is away."""
    meter = Meter(job, 1000)
    meter.waits(0, "away")
    meter.broken.set()
    with pytest.raises(Stopped):
        meter.waits(0, "away")


def test_a_region_that_is_away_is_asked_less_and_less():
    outage = receive._Outage()
    pauses = [outage.next_pause() for _look in range(9)]
    assert pauses[:3] == [1, 2, 4]
    assert pauses[-1] == 60
    assert outage.seconds < 10


def test_one_disk_waits_and_another_does_not(job):
    meter = Meter(job, 1000)
    meter.waits(0, "RegionTwo: away")
    meter.waits(1, "RegionTwo: it broke")
    meter.received(0, 10)
    assert job.entities["waiting_for"] == "RegionTwo: it broke"
    meter.received(1, 10)
    assert job.entities["waiting_for"] is None
