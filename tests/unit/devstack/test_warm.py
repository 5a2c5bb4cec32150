# SPDX-License-Identifier: Apache-2.0
"""Commands of the real client, one after the other, by the process that has loaded it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from pocket_cloud import warm


def test_each_command_has_its_environment_and_its_output(tmp_path):
    where = {"output": str(tmp_path / "output"), "errors": str(tmp_path / "errors")}
    asked = [
        {"arguments": ["--version"], "environment": {}, **where},
        {"arguments": ["token", "issue"], "environment": {"OS_CLOUD": "nowhere"}, **where},
    ]
    done = subprocess.run(
        [sys.executable, "-m", warm.__name__],
        input="".join(f"{json.dumps(each)}\n" for each in asked),
        env={"PYTHONPATH": str(Path(warm.__file__).parents[1]), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        cwd=os.sep,
    )
    assert (done.stdout.split(), done.stderr) == (["0", "1"], "")
    assert (tmp_path / "output").read_text().startswith("openstack ")
    assert "Cloud nowhere was not found" in (tmp_path / "errors").read_text()
