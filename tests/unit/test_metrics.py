# SPDX-License-Identifier: Apache-2.0
"""What processes count for Prometheus, each by itself or all of a host together."""

import contextlib
import os
import subprocess
import sys

import pytest
from prometheus_client import generate_latest

from ims_glance import exceptions, metrics
from tests.unit.conftest import CALLER

_COUNTS = """
import os
from ims_glance import metrics
for _process in range(2):
    if os.fork() == 0:
        metrics.job_ended("copy", "SUCCESS", 2.0, 100)
        os._exit(0)
    os.wait()
from prometheus_client import generate_latest
print(generate_latest(metrics.registry()).decode())
"""
_BROKEN = """
import logging
logging.basicConfig(format="%(message)s")
from ims_glance import metrics
for _twice in range(2):
    metrics.job_began("copy", 1.0)
    metrics.job_ended("copy", "FAIL", 1.0, 0)
    with metrics.key_manager_call("read"):
        print("called")
"""
_WITHOUT = """
import sys
sys.modules["prometheus_client"] = None
from ims_glance import metrics
assert not metrics.is_installed()
metrics.job_began("copy", 1.0)
metrics.job_ended("copy", "FAIL", 1.0, 0)
with metrics.key_manager_call("read"):
    print("called")
"""


def shown():
    """Every metric with its labels -> its value."""
    lines = generate_latest(metrics.registry()).decode().splitlines()
    return {
        name: float(value) for name, value in (_split(line) for line in lines if line[0] != "#")
    }


def _split(line):
    name, _space, value = line.rpartition(" ")
    return name, value


def run(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_jobs():
    metrics.job_began("test-jobs", 3.0)
    metrics.job_ended("test-jobs", "SUCCESS", 20.0, 4096)
    metrics.job_ended("test-jobs", "FAIL", 2.0, 0)
    found = shown()
    of = 'type="test-jobs"'
    assert found[f"ims_job_wait_seconds_sum{{{of}}}"] == 3
    assert found[f'ims_job_seconds_sum{{status="SUCCESS",{of}}}'] == 20
    assert found[f'ims_job_seconds_bucket{{le="15.0",status="SUCCESS",{of}}}'] == 0
    assert found[f'ims_job_seconds_bucket{{le="60.0",status="SUCCESS",{of}}}'] == 1
    assert found[f'ims_job_seconds_count{{status="FAIL",{of}}}'] == 1
    assert found[f"ims_job_bytes_total{{{of}}}"] == 4096


def test_calls_of_the_key_manager():
    with metrics.key_manager_call("test"):
        pass
    with pytest.raises(exceptions.KeyNotFound), metrics.key_manager_call("test"):
        raise exceptions.KeyNotFound(key_id="secret")
    found = shown()
    for outcome in ("success", "KeyNotFound"):
        name = f'ims_key_manager_seconds_count{{operation="test",outcome="{outcome}"}}'
        assert found[name] == 1
    assert "secret" not in str(found)


def test_processes_of_a_host_count_together(tmp_path):
    line = 'ims_job_bytes_total{type="copy"}'
    assert f"{line} 200.0" in run(_COUNTS, PROMETHEUS_MULTIPROC_DIR=str(tmp_path))[0]
    assert line not in run(_COUNTS)[0]


def test_nobodys_work_fails_because_it_is_not_counted(tmp_path):
    out, told = run(_BROKEN, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "missing"))
    assert out == "called\n" * 2
    assert told.count("Nothing is counted for Prometheus here: ") == 1


def test_without_the_library_nothing_is_counted():
    assert run(_WITHOUT) == ("called\n", "")


def test_each_call_of_a_key_manager_is_counted(manager, monkeypatch):
    seen = []

    @contextlib.contextmanager
    def counted(operation):
        seen.append(operation)
        yield

    monkeypatch.setattr(metrics, "key_manager_call", counted)
    key_id = manager.default_key(CALLER)
    assert seen == ["list", "list", "make"]
    for _twice in range(2):
        manager.wrapping_key(key_id)
    assert seen[3:] == ["read"]
