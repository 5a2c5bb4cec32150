# SPDX-License-Identifier: Apache-2.0
"""Shell is held to a standard as well: shellcheck (from the distribution) and bashate."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Read by DevStack's scripts, so without a "#!" line of its own.
SOURCED = [ROOT / "devstack/settings"]
FOLDERS = [".ci", "devstack", "tests", "tools"]


def _is_shell(path: Path) -> bool:
    if path in SOURCED or path.suffix == ".sh":
        return True
    with path.open("rb") as opened:
        first = opened.readline()
    return first.startswith(b"#!") and first.split()[-1].endswith((b"/sh", b"bash"))


SCRIPTS = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and _is_shell(path)
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_scripts_are_found() -> None:
    names = {_name(path) for path in SCRIPTS}
    assert names >= {".ci/run", "devstack/plugin.sh", "devstack/pocket", "devstack/settings"}


def _lint(*command: str | Path) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_shellcheck(path: Path) -> None:
    _lint("shellcheck", "--external-sources", path)


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_bashate(path: Path) -> None:
    """With the settings of DevStack itself; E006 is about 79 columns, E005 about file names."""
    bashate = Path(sys.executable).parent / "bashate"
    _lint(bashate, "--ignore", "E005,E006", "--error", "E042", path)


def test_a_bad_script_is_found(tmp_path: Path) -> None:
    bad = tmp_path / "bad.sh"
    bad.write_text("#!/bin/bash\nfor file in $(ls *.txt); do rm $file; done\n  echo\n")
    with pytest.raises(AssertionError):
        test_shellcheck(bad)
    with pytest.raises(AssertionError):
        test_bashate(bad)
