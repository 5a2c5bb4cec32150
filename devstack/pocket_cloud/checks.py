# SPDX-License-Identifier: Apache-2.0
"""``test``: lint, types, then every test there is; those that need one, on the running cloud."""

import os
import subprocess
import time
from dataclasses import dataclass

from pocket_cloud import packages, results
from pocket_cloud.cloud import Cloud
from pocket_cloud.plan import Progress

LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
)
_NONE_CHOSEN = 5


@dataclass(frozen=True)
class Part:
    """Tests that run together.

    :ivar folders: where they are
    :ivar options: of pytest: which of them, and how
    """

    name: str
    folders: tuple[str, ...]
    options: tuple[str, ...]


WITHOUT_CLOUD = Part(
    "without the cloud", ("tests/unit", "tests/functional"), ("-n", "2", "--dist", "loadfile")
)
# Three, for two processors: each also waits for services.
SIDE_BY_SIDE = Part(
    "side by side",
    ("tests/cloud",),
    ("-m", "not alone", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"),
)
# They kill, freeze or restart services.
ALONE = Part("alone", ("tests/cloud",), ("-m", "alone"))


def run(cloud: Cloud, arguments: list[str], is_quick: bool = False) -> int:
    """Run everything, the tests even if a linter complains; the count of all tests comes last.

    :param arguments: passed on to pytest.
    :param is_quick: leave out what needs the cloud.
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
    parts = (WITHOUT_CLOUD,) if is_quick else (WITHOUT_CLOUD, SIDE_BY_SIDE, ALONE)
    there = [part for part in parts if (cloud.checkout / part.folders[0]).is_dir()]
    reports = [cloud.path("logs", f"tests-{part.name.replace(' ', '-')}.xml") for part in there]
    tested = []
    for part, report in zip(there, reports, strict=True):
        report.unlink(missing_ok=True)
        print(f"\ntests {part.name}", flush=True)
        report_to = f"--junit-xml={report}"
        tested.append(_run(cloud, "pytest", *part.options, report_to, *part.folders, *arguments))
    # "-k WORD" may choose tests of one part only.
    chosen = [code for code in tested if code != _NONE_CHOSEN] or [_NONE_CHOSEN]
    print(results.summary(report for report in reports if report.exists()), flush=True)
    return next((code for code in [*codes, *chosen] if code), 0)


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
    # The tests' own import path is in pyproject.toml. Without byte code hundreds of processes would
    # compile the same modules.
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    command = [str(cloud.venv / "bin" / program), *arguments]
    return subprocess.run(command, cwd=cloud.checkout, env=environment, check=False).returncode
