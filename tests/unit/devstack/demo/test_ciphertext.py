# SPDX-License-Identifier: Apache-2.0
"""The search for plaintext really finds plaintext."""

import itertools
import os
import time

import pytest
from pocket_cloud.demo import ciphertext

DISK = bytes(range(256)) * 4


def test_empty_space_is_no_run():
    assert ciphertext.runs(bytes(64) + b"ab" * 16 + b"rest") == [b"ab" * 16]
    assert ciphertext.runs(b"") == []


def test_runs_are_taken_from_all_over_a_large_disk():
    disk = b"".join(number.to_bytes(ciphertext.RUN, "big") for number in range(1, 30_000))
    taken = [int.from_bytes(run, "big") for run in ciphertext.runs(disk)]
    assert 4096 < len(taken) <= 8192
    assert max(after - before for before, after in itertools.pairwise(taken)) < 8
    assert taken[-1] > 29_990


@pytest.mark.parametrize("place", range(17))
@pytest.mark.parametrize("rest", [0, 1, 1000])
def test_a_run_is_found_at_any_place(place, rest):
    stored = b"?" * place + DISK[64:96] + b"?" * rest
    assert ciphertext.common(ciphertext.runs(DISK), stored) == [DISK[64:96]] * 4


@pytest.mark.parametrize("stored", [b"", b"?", b"?" * 1001, DISK[64:95], DISK[65:97][::-1]])
def test_nothing_else_is(stored):
    assert ciphertext.common(ciphertext.runs(DISK), stored) == []


def test_it_is_quick():
    wanted = ciphertext.runs(os.urandom(8 << 20))
    stored = os.urandom(8 << 20)
    began = time.process_time()
    assert ciphertext.common(wanted, stored) == []
    assert time.process_time() - began < 3
