# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import oslo_messaging

from ims_glance.cmd import worker
from ims_glance.flows.worker import Worker
from tests.unit import job_database

ROOT = Path(__file__).parents[3]


def start(tmp_path, text):
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "glance-api.conf").write_text(text)
    environment = {**os.environ, "OS_GLANCE_CONFIG_DIR": str(etc), "HOME": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, "-c", "from ims_glance.cmd import worker; worker.main([])"],
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
        tmp_path, f"[DEFAULT]\ntransport_url = fake://\n[ims_database]\nconnection = {url}\n"
    )
    for line in process.stdout:
        if " runs" in line:
            break
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert time.monotonic() - begin < 20
    assert " stops" in rest
    assert "Traceback" not in rest


def test_without_a_database_it_says_so(tmp_path):
    process = start(tmp_path, "")
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "set 'connection' in [ims_database]" in said


def test_what_the_queue_may_ask():
    recorder = mock.create_autospec(Worker, instance=True)
    endpoint = worker.Endpoint(recorder)
    dispatcher = oslo_messaging.RPCDispatcher([endpoint], None)
    assert dispatcher.endpoints == [endpoint]
    endpoint.run({}, job_id="a")
    recorder.offer.assert_called_once_with("a")
