# SPDX-License-Identifier: Apache-2.0
"""QEMU's daemon that hangs, that dies, and whose worker dies."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ims_glance import guests
from ims_glance.formats.found import FormatFound
from ims_glance.formats.refusals import FileRefused
from ims_glance.guests import daemon
from tests.base import in_child
from tests.unit.formats.files import InMemory, disk, made
from tests.unit.guests.disks import content, family, gone, guest_conf, opened_disk, running


def test_a_file_with_which_qemu_hangs(conf, monkeypatch):
    """QEMU 7.2 waits for ever for what is behind the end of so short a description."""
    monkeypatch.setattr(daemon, "_SECONDS", 2)
    found = FormatFound("vmdk", 512)
    with (
        pytest.raises(guests.GuestHung),
        guests.opened(InMemory(b"# Disk DescriptorFile\nversion=1\n"), found, conf, writable=False),
    ):
        pass
    assert os.listdir(conf.ims_guests.scratch_dir) == []


@pytest.mark.parametrize("which", [0, 1])
def test_a_daemon_that_dies_is_told_and_nothing_is_left(conf, which):
    before = threading.active_count()
    with opened_disk(InMemory(made(disk(), "qcow2")), conf, writable=True) as opened:
        pids = [pid for each in opened.daemons for pid in family(each.pid)]
        os.kill(family(opened.daemons[which].pid)[-1], signal.SIGKILL)
        assert gone(family(opened.daemons[which].pid)[1:])
        with pytest.raises((guests.GuestRefused, FileRefused)):
            content(opened)
    assert gone(pids)
    assert threading.active_count() == before


def _worker(folder, sender):
    source = InMemory(made(disk(), "qcow2"))
    with opened_disk(source, guest_conf(Path(folder)), writable=True) as opened:
        sender.send([pid for each in opened.daemons for pid in family(each.pid)])
        time.sleep(60)


def _killed_worker(folder):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_worker, args=(folder, sender))
    child.start()
    pids = receiver.recv()
    assert len(pids) >= 6
    assert all(running(pid) for pid in pids)
    child.kill()
    child.join()
    return gone(pids), os.listdir(folder)


def test_a_killed_worker_leaves_no_process_and_no_file(tmp_path):
    assert in_child(_killed_worker, tmp_path / "scratch") == (True, [])
