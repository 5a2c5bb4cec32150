# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

from pocket_cloud import actions
from pocket_cloud.catalog import console


def test_horizon_reads_our_settings_and_not_those_of_its_own_folder(cloud, tmp_path):
    """It has a package of the same name, behind ours on the path."""
    actions.write_files(cloud, console.HORIZON)
    theirs = tmp_path / "theirs/local"
    theirs.mkdir(parents=True)
    (theirs / "__init__.py").touch()
    where = "import importlib.util as u; print(u.find_spec('local.local_settings').origin)"
    path = f"{cloud.path('etc/horizon')}:{theirs.parent}"
    found = subprocess.run(
        [sys.executable, "-c", where],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(cloud.path("etc/horizon/local/local_settings.py"))
