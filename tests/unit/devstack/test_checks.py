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
    assert lines[-1] == f"pytest -n auto --dist loadfile tests/unit -k foo {cloud.home}"
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
    assert out.splitlines()[-1].startswith("pytest -n auto --dist loadfile tests/unit")
    assert ("failed so far:" in out) == bool(codes.keys() - {"pytest"})


def test_settings_for_another_cloud_are_left_out(cloud, programs, capfd, monkeypatch):
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/elsewhere/clouds.yaml")
    programs()
    (cloud.venv / "bin" / "pytest").write_text('#!/bin/sh\necho "[$OS_CLIENT_CONFIG_FILE]"\n')
    assert checks.run(cloud, []) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "[]"


def test_the_tests_on_the_cloud_run_one_after_the_other_at_the_end(cloud, programs, capfd):
    programs()
    (cloud.checkout / "tests" / "cloud").mkdir()
    assert checks.run(cloud, ["-q"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == f"pytest tests/cloud -q {cloud.home}"


@pytest.mark.parametrize(("others", "expected"), [(0, 0), (1, 1), (5, 5)])
def test_a_part_of_which_no_test_was_chosen_is_no_failure(cloud, programs, others, expected):
    programs()
    (cloud.checkout / "tests" / "cloud").mkdir()
    program = cloud.venv / "bin" / "pytest"
    program.write_text(f'#!/bin/sh\ncase "$*" in *unit*) exit 5;; *) exit {others};; esac\n')
    assert checks.run(cloud, []) == expected
