# SPDX-License-Identifier: Apache-2.0
"""With stand-ins for the programs, which say what they were called with."""

import signal
import time

import pytest
from pocket_cloud import checks, packages

REPORT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_x" name="test_good" time="1.5"/>
<testcase classname="tests.unit.test_x" name="test_bad" time="0.1"><failure/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def programs(cloud, monkeypatch):
    """Sets the exit code of each program."""
    monkeypatch.setattr(packages, "ensure_test", lambda cloud, progress: None)
    (cloud.checkout / "tests" / "unit").mkdir(parents=True)
    cloud.path("logs").mkdir(parents=True)
    folder = cloud.venv / "bin"
    folder.mkdir(parents=True)

    def write(ruff=0, mypy=0, sphinx=0, pytest=0):
        codes = {"ruff": ruff, "mypy": mypy, "sphinx-build": sphinx, "pytest": pytest}
        for name, code in codes.items():
            program = folder / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" "[$POCKET_HOME]"\nexit {code}\n')
            program.chmod(0o755)

    return write


def pytests(capfd):
    """How pytest was called, and all that was shown."""
    out = capfd.readouterr().out
    return [line for line in out.splitlines() if line.startswith("pytest ")], out


def test_all_is_well_and_the_count_comes_last(cloud, programs, capfd):
    programs()
    assert checks.run(cloud, ["-k", "foo"]) == 0
    [called], out = pytests(capfd)
    report = cloud.path("logs", "tests-without-the-cloud.xml")
    assert called == (
        f"pytest -n 2 --dist loadfile --junit-xml={report} tests/unit tests/functional -k foo"
        f" [{cloud.home}]"
    )
    assert out.count(": ok (") == 4
    assert out.splitlines()[-1] == "0 passed, 0 failed"


def test_the_documentation_is_built_in_the_folder_of_the_cloud(cloud, programs, capfd):
    """All of it, whatever was built before, and no warning is let through."""
    programs()
    assert checks.run(cloud, []) == 0
    out = capfd.readouterr().out
    [called] = [line for line in out.splitlines() if line.startswith("sphinx-build -")]
    assert " -W " in called
    assert " -E " in called
    assert called.endswith(f" doc/source {cloud.path('documentation')} [{cloud.home}]")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"ruff": 1}, 1),
        ({"mypy": 2}, 2),
        ({"sphinx": 2}, 2),
        ({"pytest": 3}, 3),
        ({"mypy": 2, "pytest": 3}, 2),
    ],
)
def test_any_failure_is_the_result_and_the_tests_run_all_the_same(
    cloud, programs, capfd, codes, expected
):
    programs(**codes)
    assert checks.run(cloud, []) == expected
    called, out = pytests(capfd)
    assert len(called) == 1
    assert ("failed so far:" in out) == bool(codes.keys() - {"pytest"})
    names = {
        "ruff": "ruff check, ruff format --check",
        "sphinx": "sphinx-build",
        "pytest": "tests without the cloud",
    }
    assert out.splitlines()[-2] == f"failed: {', '.join(names.get(name, name) for name in codes)}"


def test_settings_for_another_cloud_are_left_out(cloud, programs, capfd, monkeypatch):
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/elsewhere/clouds.yaml")
    programs()
    (cloud.venv / "bin" / "pytest").write_text('#!/bin/sh\necho "[$OS_CLIENT_CONFIG_FILE]"\n')
    assert checks.run(cloud, []) == 0
    assert "[]" in capfd.readouterr().out.splitlines()


def test_what_harms_the_cloud_runs_alone_and_last(cloud, programs, capfd):
    programs()
    (cloud.checkout / "tests" / "cloud").mkdir()
    assert checks.run(cloud, ["-q"]) == 0
    [beside, alone, without], out = pytests(capfd)
    assert "-m not alone -n 3 --dist loadfile" in beside
    assert alone.startswith("pytest -m alone --junit-xml=")
    assert alone.endswith(f" tests/cloud -q [{cloud.home}]")
    assert without.endswith(f" tests/unit tests/functional -q [{cloud.home}]")
    assert "tests without the cloud, at the same time" in out


def test_what_runs_at_the_same_time_may_fail_too(cloud, programs, capfd):
    programs()
    (cloud.checkout / "tests" / "cloud").mkdir()
    program = cloud.venv / "bin" / "pytest"
    program.write_text('#!/bin/sh\ncase "$*" in *tests/unit*) exit 3;; *) exit 0;; esac\n')
    assert checks.run(cloud, []) == 3
    assert capfd.readouterr().out.splitlines()[-2] == "failed: tests without the cloud"


def test_interrupted_it_leaves_no_tests_behind(cloud, programs, monkeypatch, tmp_path):
    programs()
    (cloud.checkout / "tests" / "cloud").mkdir()
    began, ended = tmp_path / "began", tmp_path / "ended"
    program = cloud.venv / "bin" / "pytest"
    program.write_text(
        f"#!/bin/sh\ntrap 'touch {ended}; exit 1' TERM\n"
        f'case "$*" in *tests/unit*) touch {began}; while true; do sleep 0.1; done;; esac\n'
    )
    run = checks._test

    def interrupted(cloud, part, arguments):
        if part is not checks.ALONE:
            return run(cloud, part, arguments)
        deadline = time.monotonic() + 240
        while not began.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "_test", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checks.run(cloud, [])
    assert ended.exists()


@pytest.mark.parametrize(
    ("told", "raised"),
    [
        # Ctrl-C comes to all processes of the terminal at once.
        ("kill -INT $PPID $$", KeyboardInterrupt),
        # As from a service that cancels a run, to one process.
        ("kill -TERM $PPID", checks.Terminated),
    ],
)
def test_interrupted_it_waits_for_the_tests_to_clean_up(cloud, programs, tmp_path, told, raised):
    programs()
    cleaned = tmp_path / "cleaned"
    program = cloud.venv / "bin" / "pytest"
    program.write_text(
        f"#!/bin/sh\ntrap 'sleep 1; touch {cleaned}; exit 2' INT\n"
        f"sleep 1\n{told}\nwhile true; do sleep 0.1; done\n"
    )
    # Where these tests are run in the background Ctrl-C is ignored.
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: checks.terminate}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            checks.run(cloud, [])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert caught.type is raised
    assert cleaned.exists()


def test_what_is_quick_needs_no_cloud(cloud, programs, capfd):
    programs()
    (cloud.checkout / "tests" / "cloud").mkdir()
    assert checks.run(cloud, [], is_quick=True) == 0
    [called], _out = pytests(capfd)
    assert "tests/unit tests/functional" in called


@pytest.mark.parametrize(("others", "expected"), [(0, 0), (1, 1), (5, 5)])
def test_a_part_of_which_no_test_was_chosen_is_no_failure(cloud, programs, capfd, others, expected):
    programs()
    (cloud.checkout / "tests" / "cloud").mkdir()
    program = cloud.venv / "bin" / "pytest"
    program.write_text(f'#!/bin/sh\ncase "$*" in *tests/unit*) exit 5;; *) exit {others};; esac\n')
    assert checks.run(cloud, []) == expected
    out = capfd.readouterr().out
    assert ("\nfailed: no test was chosen\n" in out) == (others == 5)


def test_the_results_of_an_earlier_run_are_not_counted(cloud, programs, capfd):
    programs()
    cloud.path("logs", "tests-without-the-cloud.xml").write_text(REPORT)
    assert checks.run(cloud, []) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 0 failed"


def test_the_results_of_this_run_are(cloud, programs, capfd):
    programs()
    program = cloud.venv / "bin" / "pytest"
    written = f"cat > \"${{5#--junit-xml=}}\" <<'END'\n{REPORT}\nEND\nexit 1\n"
    program.write_text(f"#!/bin/sh\n{written}")
    assert checks.run(cloud, []) == 1
    out = capfd.readouterr().out
    assert "    1.5 s  tests.unit.test_x::test_good" in out
    assert out.splitlines()[-1] == "1 passed, 1 failed"
