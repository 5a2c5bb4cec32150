# SPDX-License-Identifier: Apache-2.0
import contextlib
import itertools
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

from oslo_config import cfg
from oslo_messaging import conffixture
from taskflow.patterns import linear_flow

from ims_glance.clouds.messaging.wakeup import Ear
from ims_glance.cmd import worker
from ims_glance.jobs.task import Task
from tests.base import in_child
from tests.unit import job_database

ROOT = Path(__file__).parents[3]


def start(tmp_path, text, before="pass"):
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "glance-api.conf").write_text(text)
    environment = {**os.environ, "OS_GLANCE_CONFIG_DIR": str(etc), "HOME": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, "-c", f"from ims_glance.cmd import worker; {before}; worker.main([])"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_it_runs_until_it_is_told_to_stop(tmp_path):
    url = job_database.sqlite(tmp_path)
    job_database.Tables(url)
    process = start(
        tmp_path,
        f"[DEFAULT]\ntransport_url = fake://\n[ims_database]\nconnection = {url}\n"
        "[ims_jobs]\nniceness = 3\n",
    )
    for line in process.stdout:
        if " runs" in line:
            break
    niceness = os.getpriority(os.PRIO_PROCESS, process.pid)
    assert niceness == min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=240)[0]
    assert process.returncode == 0
    assert time.monotonic() - begin < 60
    assert " stops" in rest
    assert "Traceback" not in rest


def fill(pipe):
    """Write to a pipe what it takes."""
    # Opened anew: else its other writers would not wait either.
    end = os.open(f"/proc/self/fd/{pipe.fileno()}", os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(end, b"x")
    os.close(end)


def test_it_ends_though_nobody_reads_its_log(tmp_path):
    """With all that its threads say while the database is away, a pipe is full some day."""
    url = job_database.sqlite(tmp_path / "none")
    text = f"[DEFAULT]\ntransport_url = fake://\n[ims_database]\nconnection = {url}\n"
    process = start(tmp_path, text, "worker._LAST = worker._LAST_LOG = 0.5")
    for line in process.stdout:
        if " runs" in line:
            break
    fill(process.stdout)
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(timeout=240) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_worker_that_breaks_off_ends_whatever_threads_there_are(tmp_path):
    before = (
        "import threading; "
        "worker.run = lambda *_: (threading.Thread(target=threading.Event().wait).start(), 1 / 0)"
    )
    process = start(tmp_path, "[ims_database]\nconnection = sqlite://\n", before)
    try:
        said = process.communicate(timeout=240)[0]
    finally:
        process.kill()
    assert process.returncode == 1
    assert "ZeroDivisionError" in said


def handlers_afterwards():
    with worker._Told():
        pass
    return signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)


def test_signals_that_nobody_hears_any_more_end_the_process():
    assert in_child(handlers_afterwards) == (signal.SIG_DFL, signal.SIG_DFL)


def test_without_a_database_it_says_so(tmp_path):
    process = start(tmp_path, "")
    said = process.communicate(timeout=240)[0]
    assert process.returncode == 1
    assert "set 'connection' in [ims_database]" in said


class Signaller:
    """Sends SIGTERM once: at the n-th instruction of ``run``, and of what it calls of Python's own.

    If there are fewer, it is sent when nothing has happened for a while.
    """

    _FILES = frozenset({worker.__file__, threading.__file__, queue.__file__})

    def __init__(self, number):
        self._left = number
        self._is_sent = False
        self.is_late = False
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, self._nothing_happens)
        signal.setitimer(signal.ITIMER_REAL, 5)

    def trace(self, frame, event, _argument):
        """For ``sys.settrace``."""
        if frame.f_code.co_filename not in self._FILES:
            return None
        frame.f_trace_opcodes = True
        # As long as there is no handler, a signal ends the process, as it should.
        if event == "opcode" and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            self._left -= 1
            if self._left < 0 and not self._is_sent:
                self._send()
        return self.trace

    def _send(self):
        self._is_sent = True
        signal.setitimer(signal.ITIMER_REAL, 240)
        signal.raise_signal(signal.SIGTERM)

    def _nothing_happens(self, _number, _frame):
        assert not self._is_sent, "SIGTERM is not heard"
        self.is_late = True
        self._send()


def stop_at_each_instruction():
    """Run a worker that has nothing to do, and stop it; how many instructions were tried."""
    logging.disable()
    with mock.patch.multiple(worker, Worker=mock.DEFAULT, Ear=mock.DEFAULT):
        for number in itertools.count():
            signaller = Signaller(number)
            sys.settrace(signaller.trace)
            status = worker.run(cfg.ConfigOpts(), {})
            sys.settrace(None)
            assert status == 0
            if signaller.is_late:
                return number


def test_it_is_told_to_stop_whatever_it_is_doing():
    assert in_child(stop_at_each_instruction) > 20


class Hold(Task):
    """Lasts until the worker is told to stop."""

    def execute(self):
        os.kill(os.getpid(), signal.SIGTERM)
        self.job.pause(60)


def stop_amid_a_job(folder):
    """The job of a worker that is told to stop, and what another worker hears then."""
    tables = job_database.Tables(job_database.sqlite(folder), scan_seconds=0.1)
    conffixture.ConfFixture(tables.conf)
    tables.conf.set_override("transport_url", "fake://")
    made = tables.create()
    worker.run(tables.conf, {"test": lambda job: linear_flow.Flow("f").add(Hold(job))})
    time.sleep(1)  # in which it would hear that itself, if it still listened
    heard: queue.Queue[str] = queue.Queue()
    Ear(tables.conf, "another", heard.put).open()
    return made.id, heard.get(timeout=240)


def test_told_to_stop_it_has_another_worker_go_on_at_once(tmp_path):
    mine, woken = in_child(stop_amid_a_job, tmp_path)
    assert woken == mine
