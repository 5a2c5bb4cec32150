# SPDX-License-Identifier: Apache-2.0
"""With stand-ins for the programs, which say what they were called with."""

import pytest
from pocket_cloud import checks, packages


@pytest.fixture
def programs(cloud, monkeypatch):
    """Sets the exit code of each program."""
    monkeypatch.setattr(packages, "ensure_test", lambda cloud, progress: None)
    (cloud.checkout / "tests" / "unit").mkdir(parents=True)
    folder = cloud.venv / "bin"
    folder.mkdir(parents=True)

    def write(ruff=0, mypy=0, pytest=0):
        for name, code in {"ruff": ruff, "mypy": mypy, "pytest": pytest}.items():
            program = folder / name
            program.write_text(f'#!/bin/sh\necho "{name} $* $POCKET_HOME"\nexit {code}\n')
            program.chmod(0o755)

    return write


def test_all_is_well_and_pytest_speaks_last(cloud, programs, capfd):
    programs()
    assert checks.run(cloud, ["-k", "foo"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == f"pytest tests/unit -k foo {cloud.home}"
    assert sum(": ok (" in line for line in lines) == 3


@pytest.mark.parametrize(
    ("codes", "expected"),
    [({"ruff": 1}, 1), ({"mypy": 2}, 2), ({"pytest": 3}, 3), ({"mypy": 2, "pytest": 3}, 2)],
)
def test_any_failure_is_the_result_and_the_tests_run_all_the_same(
    cloud, programs, capfd, codes, expected
):
    programs(**codes)
    assert checks.run(cloud, []) == expected
    out = capfd.readouterr().out
    assert out.splitlines()[-1].startswith("pytest tests/unit")
    assert ("failed so far:" in out) == bool(codes.keys() - {"pytest"})


def test_settings_for_another_cloud_are_left_out(cloud, programs, capfd, monkeypatch):
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/elsewhere/clouds.yaml")
    programs()
    (cloud.venv / "bin" / "pytest").write_text('#!/bin/sh\necho "[$OS_CLIENT_CONFIG_FILE]"\n')
    assert checks.run(cloud, []) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "[]"
