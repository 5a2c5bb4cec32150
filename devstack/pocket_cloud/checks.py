# SPDX-License-Identifier: Apache-2.0
"""``test``: lint, types, then every test there is, against the running cloud."""

import os
import subprocess
import time

from pocket_cloud import packages
from pocket_cloud.cloud import Cloud
from pocket_cloud.plan import Progress

LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
)
# Those without the cloud on all processors, a file's on one; the others one after the other, since
# they kill its services.
PARTS = (
    (("-n", "auto", "--dist", "loadfile"), ("tests/unit", "tests/functional")),
    ((), ("tests/cloud",)),
)
_NONE_CHOSEN = 5


def run(cloud: Cloud, arguments: list[str]) -> int:
    """Run everything, the tests even if a linter complains; pytest's last line comes last.

    :param arguments: passed on to pytest.
    :returns: 0 if all is well, else the exit code of the first that failed.
    """
    packages.ensure_test(cloud, Progress())
    codes = []
    for command in LINTERS:
        begin = time.monotonic()
        code = _run(cloud, *command)
        codes.append(code)
        verdict = "ok" if code == 0 else f"exit code {code}"
        print(f"{' '.join(command)}: {verdict} ({time.monotonic() - begin:.1f} s)", flush=True)
    failed = [" ".join(command) for command, code in zip(LINTERS, codes, strict=True) if code]
    if failed:
        print(f"failed so far: {', '.join(failed)}", flush=True)
    tested = [_test(cloud, options, folders, arguments) for options, folders in PARTS]
    # "-k WORD" may choose tests of one part only.
    chosen = [code for code in tested if code != _NONE_CHOSEN] or [_NONE_CHOSEN]
    return next((code for code in [*codes, *chosen] if code), 0)


def _test(
    cloud: Cloud, options: tuple[str, ...], folders: tuple[str, ...], arguments: list[str]
) -> int:
    """pytest's exit code for those of the folders that are there."""
    there = [folder for folder in folders if (cloud.checkout / folder).is_dir()]
    return _run(cloud, "pytest", *options, *there, *arguments) if there else _NONE_CHOSEN


def _run(cloud: Cloud, program: str, *arguments: str) -> int:
    """A program of the virtual environment, in the checkout."""
    # Not those of another cloud: OS_CLIENT_CONFIG_FILE, say, is heard before anything else.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    environment = {
        **kept,
        "PATH": f"{cloud.venv / 'bin'}:{os.environ['PATH']}",
        "POCKET_HOME": str(cloud.home),
        "POCKET_PORT": str(cloud.base),
        "POCKET_VENV": str(cloud.venv),
    }
    # The tests' own import path is in pyproject.toml.
    environment.pop("PYTHONPATH", None)
    command = [str(cloud.venv / "bin" / program), *arguments]
    return subprocess.run(command, cwd=cloud.checkout, env=environment, check=False).returncode
