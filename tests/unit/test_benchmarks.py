# SPDX-License-Identifier: Apache-2.0
"""The benchmarks begin with what the demo has installed: without pytest, and without its paths."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import importlib.util, runpy, sys
from unittest import mock
if not importlib.util.find_spec("rados"):  # it is on no index
    sys.modules.update(rados=mock.MagicMock(), rbd=mock.MagicMock())
sys.modules.update(dict.fromkeys(["pytest", "xdist", "hypothesis", "tink", "schemathesis"]))
sys.argv = ["benchmarks", "nonsense"]
runpy.run_module("tests.benchmarks", run_name="__main__")
"""


def test_they_begin(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("no such figure: nonsense (known: add, put, ")
