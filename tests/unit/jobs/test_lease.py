# SPDX-License-Identifier: Apache-2.0
"""The claim on a job: how long it holds, and what wakes up who waits."""

import threading
import time

from ims_glance.jobs.lease import Lease, clock


def test_it_holds_until_its_time_or_its_end():
    lease = Lease(clock() + 600)
    assert lease.holds
    lease.until = clock()
    assert not lease.holds
    lease.until = clock() + 600
    lease.end()
    assert not lease.holds


def test_news_end_a_wait_and_old_news_do_not():
    lease = Lease(clock() + 600)
    threading.Timer(0.05, lease.cancel).start()
    begin = time.monotonic()
    lease.wait(240)
    assert lease.is_cancelled
    assert time.monotonic() - begin < 120
    begin = time.monotonic()
    lease.wait(0.05)
    assert time.monotonic() - begin >= 0.05


def test_after_the_end_nobody_waits():
    lease = Lease(clock() + 600)
    lease.cancel()
    lease.end()
    begin = time.monotonic()
    for _ in range(2):
        lease.wait(240)
    assert time.monotonic() - begin < 120
