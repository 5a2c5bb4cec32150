# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import pytest
from pocket_cloud import packages
from pocket_cloud.errors import StepFailed
from pocket_cloud.plan import Progress

from ims_glance.guests.refusals import PACKAGES

HERE = Path(packages.__file__).parent


def test_only_installed_packages_count():
    found = "gcc installed\ngit config-files\nmtools not-installed\n"
    assert packages.missing(found, ("gcc", "git", "mtools", "qemu")) == ["git", "mtools", "qemu"]


def test_the_full_profile_is_the_light_one_and_more():
    assert set(packages.LIGHT) < set(packages.FULL)
    assert len(set(packages.FULL)) == len(packages.FULL)


def test_whoever_installs_installs_the_same_for_systems_in_images():
    """The pocket cloud, DevStack, and who reads what is missing."""
    there = {*packages.GUESTS}
    lines = (HERE.parent / "files/debs/ims_glance").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} == there - {
        "linux-image-cloud-amd64"
    }
    assert {*PACKAGES} <= there
    assert there < {*packages.FULL}
    assert there < {*packages.TEST}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-full.txt"])
def test_every_requirement_is_pinned(name):
    lines = (HERE / "constraints.txt").read_text().splitlines()
    pinned = {canonical(line.partition("==")[0]) for line in lines if "==" in line}
    wanted = [line for line in (HERE / name).read_text().splitlines() if line[:1].isalpha()]
    assert [line for line in wanted if canonical(line) not in pinned] == []


@pytest.fixture
def pip(cloud):
    """A stand-in for pip that notes what it was asked for."""
    program = cloud.venv / "bin" / "pip"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho "$*" >> {cloud.venv}/asked\nexec cat {cloud.venv}/code\n')
    program.chmod(0o755)
    (cloud.venv / "code").touch()
    return cloud.venv / "asked"


def test_pip_is_asked_once_for_the_same(cloud, pip):
    lines: list[object] = []
    for mark in ("a", "a", "b"):
        packages.python(cloud, "x", ["one", "two"], mark, Progress(lines.append))
    asked = pip.read_text().splitlines()
    assert len(asked) == 2
    assert asked[0].endswith("constraints.txt one two")
    assert len(lines) == 4


def test_all_is_compiled_once_and_again_when_there_is_more(cloud, pip):
    program = pip.parent / "bin" / "python"
    program.write_text(f'#!/bin/sh\necho "$*" >> {cloud.venv}/compiled\nexit 1\n')
    program.chmod(0o755)
    lines: list[str] = []
    for mark in ("a", "a", "b"):
        packages.python(cloud, "x", ["one"], mark, Progress(lines.append))
        packages._byte_code(cloud, Progress(lines.append))
    compiled = (cloud.venv / "compiled").read_text().splitlines()
    assert len(compiled) == 2
    assert compiled[0].startswith("-m compileall")
    assert compiled[0].endswith("/site-packages")
    # Also in a checkout that lies in a folder "tests".
    left_out = re.compile(compiled[0].partition(" -x ")[2].split()[0])
    assert left_out.search("/home/x/tests/venv/lib/python3.11/site-packages/nova/tests/unit/a.py")
    assert not left_out.search("/home/x/tests/venv/lib/python3.11/site-packages/nova/a.py")
    assert "--no-compile" in pip.read_text()


def test_a_failed_install_is_named_and_tried_again(cloud, pip):
    (cloud.venv / "code").unlink()
    for _ in range(2):
        with pytest.raises(StepFailed, match="python-x") as caught:
            packages.python(cloud, "x", ["one"], "a", Progress(lambda line: None))
        assert "No such file" in caught.value.log
    assert len(pip.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("linked", "asks"), [("3.11.2", 0), ("3.11.7", 2)], ids=["the same", "another"]
)
def test_an_uwsgi_of_another_python_is_built_anew(cloud, pip, linked, asks):
    """Each time, for pip may take the wrong one again."""
    for name, version in (("uwsgi", linked), ("python", "3.11.2")):
        program = pip.parent / "bin" / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    for _ in range(2):
        packages._check_uwsgi(cloud, Progress(lambda line: None))
    asked = pip.read_text().splitlines() if pip.exists() else []
    assert len(asked) == asks
    assert all(line.endswith("--force-reinstall --no-cache-dir --no-deps uwsgi") for line in asked)


@pytest.mark.parametrize("before", [None, b"#!/bin/sh\nexit 0\n"])
def test_the_ban_on_starting_services_is_lifted_again(tmp_path, monkeypatch, before):
    policy = tmp_path / "policy-rc.d"
    if before:
        policy.write_bytes(before)
        policy.chmod(0o750)
    monkeypatch.setattr(packages, "_POLICY", policy)
    with packages._no_services_started():
        assert policy.read_text().endswith("exit 101\n")
        assert policy.stat().st_mode & 0o111
    if before:
        assert policy.read_bytes() == before
        assert policy.stat().st_mode & 0o777 == 0o750
    else:
        assert not policy.exists()
