# SPDX-License-Identifier: Apache-2.0
"""With lines that apt and pip really print."""

import os
import signal
import time

import pytest
from pocket_cloud import installers
from pocket_cloud.installers import Apt, Installer, Pip

APT = """\
Reading package lists...
dlstatus:1:0.0000:Retrieving file 1 of 2
Get:1 http://deb.debian.org/debian bookworm/main amd64 hostname amd64 3.23 [10.5 kB]
dlstatus:2:50.0000:Retrieving file 2 of 2
pmstatus:dpkg-exec:0.0000:Running dpkg
pmstatus:libc6:amd64:25.5000:Unpacking libc6 (amd64)
Setting up libc6 (2.36) ...
pmstatus:mariadb-server:100.0000:Installed mariadb-server (amd64)"""


class Activity:
    """Notes what is shown."""

    def __init__(self):
        self.shown = []
        self.closed = 0

    def show(self, what, fraction):
        self.shown.append((what, fraction))

    def close(self):
        self.closed += 1


@pytest.fixture
def activity():
    return Activity()


def heard(installer, text):
    """What is told after each line, and what goes into the log."""
    told, logged = [], []
    for line in text.splitlines():
        if installer.hear(line):
            logged.append(line)
        told.append((installer.fraction, installer.what))
    return told, logged


def test_apt():
    told, logged = heard(Apt("installing"), APT)
    assert told[0] == (None, "installing")
    assert told[2] == (0.0, "Retrieving file 1 of 2")
    assert told[3] == (0.5, "Retrieving file 2 of 2")
    assert told[5] == told[6] == (0.255, "Unpacking libc6 (amd64)")
    assert told[-1] == (1.0, "Installed mariadb-server (amd64)")
    assert logged == [line for line in APT.splitlines() if "status:" not in line]


def test_apt_reads_its_lists():
    told, _logged = heard(Apt("reading"), "Hit:1 http://deb.debian.org/debian bookworm InRelease")
    assert told == [(None, "reading bookworm InRelease")]


def test_pip(tmp_path):
    (tmp_path / "pip-1.dist-info").mkdir()
    pip = Pip("looking", tmp_path)
    text = """\
Looking in indexes: https://pypi.org/simple
Collecting oslo.db>=14.0.0 (from nova==33.0.0)
  Downloading https://files.example.org/a/oslo_db-14.0.0-py3-none-any.whl (150 kB)
Requirement already satisfied: six in /venv
Collecting nova
  Preparing metadata (pyproject.toml): started
Installing collected packages: oslo.db, nova, six, pbr"""
    told, logged = heard(pip, text)
    assert [what for _fraction, what in told] == [
        "looking",
        "package 1: oslo.db",
        "package 1: downloading oslo_db-14.0.0-py3-none-any.whl (150 kB)",
        "package 1: downloading oslo_db-14.0.0-py3-none-any.whl (150 kB)",
        "package 2: nova",
        "package 2: preparing metadata",
        "0 of 4 packages are installed",
    ]
    assert [fraction for fraction, _what in told] == [None] * 6 + [0.0]
    assert logged == text.splitlines()
    for number in range(5):
        (tmp_path / f"p{number}-1.dist-info").mkdir()
        assert pip.fraction == min(1.0, (number + 1) / 4)
    assert pip.what == "4 of 4 packages are installed"


def test_output_goes_to_the_log_and_silence_is_told_too(tmp_path, activity, monkeypatch):
    monkeypatch.setattr(installers, "_TICK", 0.05)
    log = tmp_path / "log"
    log.write_text("before\n")
    command = ["sh", "-c", r"printf 'one\ntw'; sleep 0.5; printf 'o\n\377three'; exit 3"]
    assert installers.run(command, log, Installer("working"), activity) == 3
    assert log.read_text() == "before\none\ntwo\n\ufffdthree\n"
    assert len(activity.shown) > 5
    assert set(activity.shown) == {("working", None)}
    assert activity.closed == 1


def test_scripts_of_packages_keep_their_output_when_dpkg_closes_what_it_tells_its_state_by(
    tmp_path, activity
):
    """As dpkg 1.21 does for descriptor n of --status-fd; Debian's ceph-common fails without an output."""
    log = tmp_path / "log"
    script = "echo pmstatus:ceph-common:50:Configuring >&3; exec 3>&-; echo Adding group ceph"
    command = [part.replace("apt-get", "sh") for part in Apt.COMMAND]
    assert installers.run([*command, "-c", script], log, Apt("installing"), activity) == 0
    assert log.read_text() == "Adding group ceph\n"
    assert ("Configuring", 0.5) in activity.shown
    assert "APT::Status-Fd=3" in Apt.OPTIONS


def test_what_a_program_is_told(tmp_path, activity, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    installers.run(["env"], tmp_path / "log", Installer("x"), activity)
    names = {line.partition("=")[0] for line in (tmp_path / "log").read_text().splitlines()}
    assert {"DEBIAN_FRONTEND", "PYTHONUNBUFFERED"} <= names
    assert "PYTHONDONTWRITEBYTECODE" not in names


def test_programs_are_those_of_the_system(tmp_path, activity, monkeypatch):
    """What is built is built for Debian's Python, whichever the user has first in the path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "ls").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "ls").chmod(0o755)
    log = tmp_path / "log"
    assert installers.run(["sh", "-c", "ls /"], log, Installer("x"), activity) == 0
    assert "usr" in log.read_text().split()


def test_an_interruption_ends_the_program(tmp_path, activity, signal_after):
    log = tmp_path / "log"
    signal_after(signal.SIGINT, log)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        installers.run(["sh", "-c", "echo $$; exec sleep 60"], log, Installer("x"), activity)
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text()), 0)
    assert activity.closed == 1
