# SPDX-License-Identifier: Apache-2.0
"""How the probe reads a console, with small programs in the place of a machine."""

import subprocess
import sys

from pocket_cloud import kvm


def _machine(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE)


def test_finds_a_line_that_comes_in_pieces():
    code = "import time; print('LAST', end=''); time.sleep(0.1); print('-LINE'); time.sleep(60)"
    with _machine(code) as machine:
        assert kvm._says(machine, b"LAST-LINE", 20)
        machine.kill()


def test_gives_up_on_a_machine_that_hangs():
    with _machine("import time; time.sleep(60)") as machine:
        assert not kvm._says(machine, b"LAST-LINE", 0.3)
        machine.kill()


def test_gives_up_on_a_machine_that_ends():
    with _machine("print('other')") as machine:
        assert not kvm._says(machine, b"LAST-LINE", 20)


def test_without_the_device_it_is_emulation(monkeypatch, tmp_path):
    monkeypatch.setattr(kvm, "_DEVICE", tmp_path / "kvm")
    assert kvm.probe(tmp_path / "disk")[0] == "qemu"
