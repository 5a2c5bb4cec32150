# SPDX-License-Identifier: Apache-2.0
"""What is received goes on to the upload at once, or by the spool: all of it, in order, whoever is slow."""

import contextlib
import random
import threading
import time

import pytest

from ims_glance.flows.replication import handover
from ims_glance.flows.replication.handover import Handover, LinkTooSlow, UploadStopped
from ims_glance.store import spool as spools
from ims_glance.store.sealed import Owner, SealedObjects
from ims_glance.store.spool import Spool
from tests.unit.store.stores import KEY_ID

PIECE = 1 << 16
NOISE = random.Random(5).randbytes(64 * PIECE)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Little is under way, and nobody is patient."""
    monkeypatch.setattr(spools, "CONTENTS", 3 * PIECE)
    monkeypatch.setattr(handover, "_DEPTH", 4 * PIECE)
    monkeypatch.setattr(handover, "_LOOK", 0.01)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(handover, "_PATIENCE", 0.02)


@pytest.fixture
def spool(inner, key_manager):
    return Spool(SealedObjects(inner, Owner(f"{1:032x}", 0, "s"), KEY_ID, key_manager))


def runs(seed=1):
    """Length and bytes of runs, some of which are zeros."""
    chosen = random.Random(seed)
    for number in range(40):
        length = chosen.choice([PIECE // 2, PIECE, 2 * PIECE, 3 * PIECE])
        is_zero = chosen.random() < 0.3
        yield length, None if is_zero else NOISE[number * 99 :][:length]


def image_of(given):
    return b"".join(bytes(length) if run is None else run for length, run in given)


class Giver:
    """The thread that receives."""

    def __init__(self, spool, given, check=lambda: None):
        self.spool = spool
        self.given = list(given)
        self.image = image_of(self.given)
        self.handover = Handover(spool, len(self.image), check)

    def give(self, pause=lambda: None):
        for length, run in self.given:
            offset = self.spool.end
            if run is None:
                self.spool.zero(length)
            else:
                self.spool.data(run)
            self.handover.give(offset, length, run)
            pause()
        self.spool.flush()

    def wait(self):
        """Until the upload is there."""
        while not self.handover._is_followed:
            time.sleep(0.001)

    @contextlib.contextmanager
    def giving(self, pause=lambda: None):
        thread = threading.Thread(target=self.give, args=(pause,))
        thread.start()
        yield
        thread.join()


def test_an_upload_that_is_there_in_time_reads_nothing_back(spool, monkeypatch):
    giver = Giver(spool, runs())
    monkeypatch.setattr(Spool, "chunks", None)
    with giver.giving(giver.wait):
        assert b"".join(giver.handover.chunks()) == giver.image


def test_the_link_waits_for_the_upload_that_is_close_behind(spool):
    giver = Giver(spool, [(PIECE, NOISE[:PIECE])] * 30)
    ends = []
    with giver.giving(giver.wait):
        for chunk in giver.handover.chunks():
            ends.append(spool.end)
            time.sleep(0.001)
            assert len(chunk) == PIECE
    assert all(end <= (number + 7) * PIECE for number, end in enumerate(ends))


def test_but_not_for_long(spool, impatient):
    """It reads the spool then, and what is kept for it is no more than the spool has not written."""
    giver = Giver(spool, [(PIECE, NOISE[:PIECE])] * 40)
    chunks = giver.handover.chunks()
    got: list[bytes] = []
    with giver.giving():
        got.append(next(chunks))
    assert giver.handover._bytes <= 4 * PIECE
    assert b"".join([*got, *chunks]) == giver.image


def test_what_is_held_here_fills_no_memory(spool, monkeypatch):
    """In the spool it is a few bytes, so that the spool itself would not write it for long."""
    monkeypatch.setattr(handover, "_UNWRITTEN", 8 * PIECE)
    spool.piece(b"prefix--", 0, NOISE[:PIECE])
    spool.flush()
    place = spool.place(b"prefix--")
    image = NOISE[:PIECE] * 100
    to_upload = Handover(spool, len(image), lambda: None)
    kept = []
    for _run in range(100):
        offset = spool.end
        spool.held(PIECE, [place])
        to_upload.give(offset, PIECE, NOISE[:PIECE])
        kept.append(to_upload._bytes)
    assert max(kept) <= 8 * PIECE
    spool.flush()
    assert b"".join(to_upload.chunks()) == image


def test_an_upload_that_begins_late_or_again(spool):
    giver = Giver(spool, runs())
    giver.give()
    for _attempt in range(2):
        assert b"".join(giver.handover.chunks()) == giver.image


def test_of_what_another_worker_had_received(spool):
    """The beginning is in the spool, and what follows comes meanwhile."""
    given = list(runs())
    Giver(spool, given[:20]).give()
    giver = Giver(spool, given[20:])
    image = image_of(given)
    giver.handover = Handover(spool, len(image), lambda: None)
    with giver.giving(lambda: time.sleep(0.0005)):
        assert b"".join(giver.handover.chunks()) == image


@pytest.mark.parametrize("seed", range(12))
def test_however_the_two_take_turns(spool, seed, monkeypatch):
    monkeypatch.setattr(handover, "_PATIENCE", 0.5)
    chosen = random.Random(seed)

    def pause():
        if chosen.random() < 0.1:
            time.sleep(0.004 * chosen.random())

    giver = Giver(spool, runs(seed))
    waits = random.Random(-seed)
    got: list[bytes] = []
    with giver.giving(pause):
        for _attempt in range(3):
            got.clear()
            for chunk in giver.handover.chunks():
                got.append(chunk)
                if waits.random() < 0.1:
                    time.sleep(0.004 * waits.random())
                if _attempt < 2 and waits.random() < 0.03:
                    break
            else:
                break
    assert b"".join(got) == giver.image


@pytest.mark.usefixtures("impatient")
def test_a_link_that_stands_still(spool):
    giver = Giver(spool, runs())
    giver.image += b"more"
    giver.handover = Handover(spool, len(giver.image), lambda: None)
    giver.give()
    got: list[bytes] = []
    with pytest.raises(LinkTooSlow):
        got.extend(giver.handover.chunks())
    assert b"".join(got) == giver.image[:-4]


def test_a_link_that_is_too_slow(monkeypatch):
    """An upload may wait for half of its time, and for ten seconds in any case."""
    now = [100.0]
    monkeypatch.setattr(handover, "clock", lambda: now[0])
    pace = handover._UploadPace()

    def wait(seconds):
        pace.begin_wait()
        now[0] += seconds
        pace.check()
        pace.end_wait()

    for _wait in range(2):
        wait(4.0)
    now[0] += 16
    wait(4.0)
    now[0] += 3
    wait(3.0)
    with pytest.raises(LinkTooSlow):
        wait(4.5)


def test_nothing_comes_any_more(spool):
    giver = Giver(spool, [(PIECE, NOISE[:PIECE])] * 9)
    giver.handover._size += 1
    giver.give()
    chunks = giver.handover.chunks()
    next(chunks)
    threading.Timer(0.02, giver.handover.stop).start()
    with pytest.raises(UploadStopped):
        list(chunks)


def test_what_is_there_is_not_uploaded_for_nothing(spool):
    """Nothing comes any more, and the upload is far behind: it ends at once."""
    giver = Giver(spool, [(PIECE, NOISE[:PIECE])] * 40)
    giver.give()
    chunks = giver.handover.chunks()
    next(chunks)
    giver.handover.stop()
    with pytest.raises(UploadStopped):
        next(chunks)


def test_nothing_can_be_uploaded(spool):
    giver = Giver(spool, runs())
    giver.handover.fail(ValueError("as the test wants it"))
    with pytest.raises(ValueError, match="as the test"):
        giver.give()


def test_the_job_is_looked_at_while_the_upload_is_waited_for(spool):
    def check():
        raise ValueError("cancelled")

    giver = Giver(spool, [(PIECE, NOISE[:PIECE])] * 40, check)
    chunks = giver.handover.chunks()
    failed = []

    def give():
        try:
            giver.give(giver.wait)
        except ValueError as error:
            failed.append(str(error))

    thread = threading.Thread(target=give)
    thread.start()
    next(chunks)
    thread.join()
    assert failed == ["cancelled"]
