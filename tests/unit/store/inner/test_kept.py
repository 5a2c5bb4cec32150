# SPDX-License-Identifier: Apache-2.0
"""A connection that is kept for whoever needs it next."""

import contextlib
import gc
import os
import threading

import pytest

from ims_glance.store.inner.kept import Kept


class Harmless(Exception):
    """Says nothing against the connection."""


class Cluster:
    """What is connected to; counts."""

    def __init__(self):
        self.made = 0
        self.open = set()
        self.now = 0.0
        self.away = False

    @contextlib.contextmanager
    def connect(self):
        if self.away:
            raise OSError("away")
        self.made += 1
        number = self.made
        self.open.add(number)
        yield number
        self.open.discard(number)


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def kept(cluster):
    return Kept(cluster.connect, 600, (Harmless,), clock=lambda: cluster.now)


def test_one_is_made_when_it_is_needed_and_kept(cluster, kept):
    assert cluster.made == 0
    for _ in range(3):
        with kept.use() as number:
            assert number == 1
    assert cluster.open == {1}


def test_many_use_it_at_once(cluster, kept):
    with kept.use() as one, kept.use() as other:
        assert one == other == 1


def test_after_an_error_another_is_made(cluster, kept):
    with pytest.raises(OSError, match="cut"), kept.use():
        raise OSError("cut")
    assert cluster.open == set()
    with kept.use() as number:
        assert number == 2


@pytest.mark.parametrize("error", [Harmless, GeneratorExit, KeyboardInterrupt])
def test_what_says_nothing_against_it_changes_nothing(cluster, kept, error):
    with pytest.raises(error), kept.use():
        raise error
    with kept.use() as number:
        assert number == 1


def test_who_still_uses_the_old_one_ends_first(cluster, kept):
    with kept.use() as old:
        with pytest.raises(OSError, match="cut"), kept.use():
            raise OSError("cut")
        with kept.use() as new:
            assert (old, new) == (1, 2)
            assert cluster.open == {1, 2}
    assert cluster.open == {2}


def test_an_error_of_the_old_one_says_nothing_against_the_new_one(cluster, kept):
    with contextlib.suppress(OSError), kept.use():
        kept.renew()
        with kept.use() as new:
            assert new == 2
        raise OSError("cut")
    assert cluster.open == {2}


def test_it_is_renewed_when_it_is_old(cluster, kept):
    with kept.use():
        cluster.now = 599.0
    with kept.use() as number:
        assert number == 1
        cluster.now = 600.0
        with kept.use() as other:
            assert other == 2
        assert cluster.open == {1, 2}
    assert cluster.open == {2}


def test_one_that_cannot_be_made_is_tried_again(cluster, kept):
    cluster.away = True
    for _ in range(2):
        with pytest.raises(OSError, match="away"), kept.use():
            pytest.fail("there is none")
    cluster.away = False
    with kept.use() as number:
        assert number == 1


def test_renewed_before_there_is_any(cluster, kept):
    kept.renew()
    assert cluster.made == 0


def test_a_forked_process_makes_its_own(cluster, kept, monkeypatch):
    """It cannot even close that of its parent."""
    with kept.use():
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with kept.use() as number:
            assert number == 2
        assert cluster.open == {1, 2}


@pytest.mark.parametrize("is_made", [True, False])
def test_a_fork_while_a_thread_of_the_parent_had_the_lock(cluster, kept, monkeypatch, is_made):
    """Also while the first connection was being made."""
    if is_made:
        with kept.use():
            pass
    seen = []

    def work():
        with kept.use() as number:
            seen.append(number)

    with kept._lock:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert seen == [cluster.made] * 4
    assert cluster.made == (2 if is_made else 1)


def test_threads_share_one(cluster, kept):
    together = threading.Barrier(8)
    seen = []

    def work():
        together.wait()
        with kept.use() as number:
            seen.append(number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8


class Reader:
    """What somebody has made of a connection; when it ends that has to be there."""

    def __init__(self, resources, number, cluster, said):
        self.resources = resources
        self.itself: Reader | None = None
        self.resources.callback(lambda: said.append(number in cluster.open))

    def __del__(self):
        self.resources.close()


@pytest.mark.parametrize("is_in_a_cycle", [False, True])
def test_who_forgets_the_old_one_ends_first(cluster, kept, is_in_a_cycle):
    """As garbage a generator would end by itself, and with it the connection."""
    said: list[bool] = []
    # Garbage is looked at by its age: the connection is older.
    resources = contextlib.ExitStack()
    number = resources.enter_context(kept.use())
    reader = Reader(resources, number, cluster, said)
    kept.renew()
    assert cluster.open == {1}
    if is_in_a_cycle:
        reader.itself = reader
    del reader, resources
    gc.collect()
    assert said == [True]
    assert cluster.open == set()


def test_a_use_may_end_while_another_connection_is_made(cluster):
    """Garbage is collected whenever something is made, and the connection of a reader may be among it."""

    class Reader:
        def __init__(self):
            self.resources = contextlib.ExitStack()
            self.resources.enter_context(kept.use())
            self.itself = self

        def __del__(self):
            self.resources.close()

    @contextlib.contextmanager
    def connect():
        gc.collect()
        with cluster.connect() as number:
            yield number

    def use():
        with kept.use() as number:
            used.append(number)

    used: list[int] = []
    kept = Kept(connect, 600, clock=lambda: cluster.now)
    gc.disable()
    try:
        Reader()
        cluster.now = 600
        thread = threading.Thread(target=use, daemon=True)
        thread.start()
        thread.join(30)
    finally:
        gc.enable()
    assert (used, cluster.open) == ([2], {2})
