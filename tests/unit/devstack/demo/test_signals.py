# SPDX-License-Identifier: Apache-2.0
"""Signals break off what is armed, once, and nothing else."""

import os
import signal

import pytest
from pocket_cloud.demo.signals import NUMBERS, Stopped, Stopper


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_breaks_off(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as caught, Stopper():
        send(number)
    assert caught.value.number == number
    assert signal.getsignal(number) is before


def test_no_failure_handler_takes_it_for_a_failure():
    assert not issubclass(Stopped, Exception)


def test_only_once():
    done = []
    with pytest.raises(Stopped), Stopper() as stopper:
        try:
            send(signal.SIGTERM)
        finally:
            send(signal.SIGTERM)
            send(signal.SIGINT)
            done.append(stopper.number)
    assert done == [signal.SIGTERM]


def test_disarmed_it_is_noted_only():
    with Stopper() as stopper:
        stopper.disarm()
        send(signal.SIGHUP)
        assert stopper.number == signal.SIGHUP


def test_held_it_has_its_effect_at_the_end():
    done = []
    with pytest.raises(Stopped), Stopper() as stopper:
        with stopper.held():
            send(signal.SIGINT)
            done.append("all of it")
        done.append("never")
    assert done == ["all of it"]


def test_what_the_caller_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopper() as stopper:
            send(signal.SIGHUP)
        assert stopper.number == 0
    finally:
        signal.signal(signal.SIGHUP, before)
