# SPDX-License-Identifier: Apache-2.0
"""What programs see that read strangers' bytes: nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ims_glance import guests
from ims_glance.guests import appliance, sandbox
from tests.unit.formats.files import InMemory, disk
from tests.unit.formats.samples import sample
from tests.unit.guests.disks import family, gone, opened_disk


def test_what_reads_the_file_has_neither_scratch_nor_privileges(conf):
    with opened_disk(InMemory(disk(66_048)), conf, writable=True) as opened:
        reader = family(opened.daemons[0].pid)[-1]
        files = [os.readlink(path) for path in Path(f"/proc/{reader}/fd").iterdir()]
        assert not [name for name in files if conf.ims_guests.scratch_dir in name]
        for each in opened.daemons:
            status = Path(f"/proc/{family(each.pid)[-1]}/status").read_text()
            fields = dict(line.split(":\t", 1) for line in status.splitlines())
            assert fields["Uid"].split()[0] != "0"
            assert int(fields["CapEff"], 16) == 0
            assert fields["NoNewPrivs"] == "1"


def test_threads_of_a_slow_disk_have_addresses_enough(conf):
    """QEMU has 64 at most, beside a few of its own, and it ends where it cannot begin one."""
    with opened_disk(InMemory(disk(66_048)), conf, writable=True) as opened:
        for each in opened.daemons:
            process = Path(f"/proc/{family(each.pid)[-1]}")
            limits = {line[:26].strip(): line[26:].split() for line in (process / "limits").open()}
            stack, addresses = (
                int(limits[name][0]) for name in ("Max stack size", "Max address space")
            )
            has = int(
                next(
                    line for line in (process / "status").open() if line.startswith("VmPeak")
                ).split()[1]
            )
            assert b"MALLOC_ARENA_MAX=1" in (process / "environ").read_bytes().split(b"\0")
            assert has * 1024 + 64 * stack < addresses // 2


def test_a_sandbox_sees_no_file_of_this_machine(conf):
    """Also where a disk names one, and none of our own checks is there."""
    with opened_disk(InMemory(disk(66_048)), conf) as opened:
        inside = Path(f"/proc/{family(opened.daemons[0].pid)[-1]}/root")
        assert {path.name for path in inside.iterdir()} <= {
            *("usr", "lib", "lib64", "bin", "sbin", "etc")
        }
        assert [path.name for path in (inside / "etc").iterdir()] == ["ld.so.cache"]


@pytest.mark.parametrize("name", ["bwrap", "qemu-storage-daemon", "prlimit"])
def test_a_worker_without_the_programs(conf, monkeypatch, name):
    real = shutil.which
    monkeypatch.setattr(
        "ims_glance.guests.sandbox.shutil.which",
        lambda wanted, **more: None if wanted == name else real(wanted, **more),
    )
    with (
        pytest.raises(guests.GuestsUnavailable, match=f"'{name}' is not installed"),
        opened_disk(InMemory(sample("qcow2")), conf),
    ):
        pass


def test_a_machine_without_name_spaces(conf, tmp_path, monkeypatch):
    refusing = tmp_path / "bwrap"
    refusing.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n"
    )
    refusing.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o711)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with (
        pytest.raises(guests.GuestsUnavailable, match="No permissions to create new namespace"),
        opened_disk(InMemory(sample("qcow2")), conf),
    ):
        pass


class Starts:
    """Starts of processes that fail, as when there is no memory for another one."""

    def __init__(self, *_, **__):
        raise OSError("cannot allocate memory")


@pytest.mark.parametrize("kind", ["sandbox", "machine"])
def test_a_program_that_does_not_start_leaves_no_open_file(monkeypatch, kind):
    monkeypatch.setattr(subprocess, "Popen", Starts)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="allocate"):
        if kind == "sandbox":
            sandbox.Sandboxed(["/usr/bin/true"], [], file_size=1)
        else:
            appliance.Child(["/usr/bin/true"], {}, [])
    assert len(os.listdir("/proc/self/fd")) == len(before)


def session_of(path):
    """The session of a process, by its ``stat``; nothing if it has ended."""
    try:
        words = path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return words[3] if words[0] != "Z" else ""


def test_a_sandbox_that_is_ended_while_it_is_made_leaves_nothing():
    """What bubblewrap had begun to make would go on without it."""
    for _ in range(10):
        sandboxed = sandbox.Sandboxed(["/usr/bin/sleep", "600"], [], file_size=1 << 20)
        session = str(sandboxed.pid)
        sandboxed.kill()
        assert gone(
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/stat")
            if session_of(path) == session
        )
