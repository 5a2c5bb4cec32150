# SPDX-License-Identifier: Apache-2.0
"""The process that looks into disks: what it sees, how it is watched; and once a real system."""

import faulthandler
import hashlib
import importlib.util
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ims_glance
from ims_glance import guests
from ims_glance.guests import appliance, machine
from ims_glance.guests.appliance import Child, Watch, answer, command
from ims_glance.model.guest.wishes import Wishes
from tests.base import in_child
from tests.unit.formats.files import InMemory, made
from tests.unit.formats.samples import sample
from tests.unit.guests.disks import MARKER, family, gone, opened_disk

LOOK = Wishes()
PREPARE = Wishes(is_config=True)


class Cancelled(Exception):
    """Raised by a job that was cancelled."""


def nothing(*_):
    """Neither check nor tell."""


@pytest.fixture
def parts(tmp_path):
    """A folder that stands for an appliance."""
    for name in machine.PARTS:
        (tmp_path / name).touch()
    return tmp_path


def shell(parts, script, seen=()):
    """The command line of the child, which runs a script in its stead."""
    *sandboxed, _, _, _ = command(parts, seen, is_accelerated=False)
    return [*sandboxed, "/bin/sh", "-c", script]


def asked(argv, *, seconds=60.0, silent=60.0, check=nothing, tell=nothing):
    child = Child(argv, {"wishes": {}}, [])
    pids = family(child.pid)
    try:
        return answer(child, Watch(seconds, silent, check), tell)
    finally:
        assert gone(pids)


# --- what it sees ------------------------------------------------------------------------------


def test_it_leaves_no_core(parts):
    """That would have the disk's data on a disk of this machine."""
    done = subprocess.run(
        shell(parts, "ulimit -S -c; ulimit -H -c"),
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    assert done.stdout.split() == ["0", "0"]


def test_a_worker_that_was_started_in_the_root_folder_shows_no_more(parts, monkeypatch):
    monkeypatch.setattr(sys, "path", ["/", *sys.path])
    done = subprocess.run(
        shell(parts, "ls -A /"), capture_output=True, text=True, check=True, env={}
    )
    assert not {"home", "root", "boot", "var/lib"} & {*done.stdout.split()}


def test_it_sees_programs_libraries_and_nothing_else_of_this_machine(parts, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(MARKER)
    script = f"""
        cat {secret} /etc/passwd /etc/shadow; ls -A / /etc /home /root /run /sys; ls /proc | grep -c '^[0-9]'
        cat /proc/net/dev; env; touch /usr/x /x {Path(ims_glance.__file__).parent}/x; touch /tmp/x && echo wrote
    """
    done = subprocess.run(shell(parts, script), capture_output=True, text=True, check=False, env={})
    assert "wrote" in done.stdout
    assert MARKER.decode() not in done.stdout
    assert "root:" not in done.stdout
    words = done.stdout.split()
    assert "ld.so.cache" in words
    assert not {"home", "root", "run", "sys", "boot", "var/lib"} & {*words}
    interfaces = [
        line.split(":")[0].strip()
        for line in done.stdout.splitlines()
        if ":" in line and "|" not in line
    ]
    assert not {"eth0", "enp0s3", "wlan0"} & {*interfaces}
    assert "Read-only file system" in done.stderr
    assert "AWS" not in done.stdout


def test_it_sees_what_the_operator_has_for_guests_and_cannot_change_it(parts, tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "one.deb").write_text("a package")
    script = f"cat {packages}/one.deb; touch {packages}/x"
    done = subprocess.run(
        shell(parts, script, [str(packages)]), capture_output=True, text=True, check=False
    )
    assert done.stdout == "a package"
    assert "Read-only" in done.stderr


def test_it_has_no_privileges(parts):
    done = subprocess.run(
        shell(parts, "cat /proc/self/status"), capture_output=True, text=True, check=True
    )
    fields = dict(line.split(":\t", 1) for line in done.stdout.splitlines())
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


def test_programs_keep_their_addresses_only_where_they_are_emulated(parts):
    """Their addresses are what QEMU finds again by what it has translated: five times less work for each start."""
    emulated = command(parts, [], is_accelerated=False)
    assert emulated[emulated.index("LIBGUESTFS_APPEND") + 1].split()[0] == "norandmaps"
    assert "LIBGUESTFS_APPEND" not in command(parts, [], is_accelerated=True)


# --- how it is watched -------------------------------------------------------------------------


def test_what_it_says_is_told_and_what_it_found_is_the_answer(parts):
    told = []
    script = """echo '{"progress": ["look", 1, 2]}'; printf '{"resu'; sleep 0.1; echo 'lt": {"guest": 7}}'"""
    found = asked(shell(parts, script), tell=lambda *what: told.append(what))
    assert found == {"guest": 7}
    assert told == [("look", 1, 2)]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("""echo '{"error": "the file system is\\u001b[1m broken"}'""", "broken"),
        ("echo no json", "no answer"),
        ("echo '[1, 2]'", "no answer"),
        ("""echo '{"progress": 7}'""", "no answer"),
        ("""echo '{"result": 7}'""", "no answer"),
        ("""echo '{"progress": ["x", 1e999, 1]}'""", "no answer"),
        ("head -c 200000 /dev/zero | tr '\\0' '['; echo", "no answer"),
        ("yes | head -c 3000000; sleep 60", "no answer"),
        ("head -c 3000000 /dev/zero; sleep 60", "no answer"),
        ("echo out of memory >&2; exit 1", "has ended: out of memory"),
        ("kill -9 $$", "has ended"),
    ],
)
def test_whatever_else_it_says_is_a_refusal(parts, script, why):
    with pytest.raises(guests.GuestRefused, match=why) as refused:
        asked(shell(parts, script))
    assert "\x1b" not in str(refused.value)


def test_who_says_nothing_is_ended_with_all_that_it_has_started(parts):
    with pytest.raises(guests.GuestHung, match="nothing for too long"):
        asked(shell(parts, "sleep 600 & setsid sleep 600 & sleep 600"), silent=1)


def test_who_takes_too_long_is_ended_though_it_talks(parts):
    script = """while :; do echo '{"progress": ["x", 1, 2]}'; sleep 0.2; done"""
    with pytest.raises(guests.GuestHung, match="took too long"):
        asked(shell(parts, script), seconds=2)


def test_what_it_says_to_nobody_is_on_no_disk_and_its_end_is_known(parts):
    """However much that is; who says it does not wait for anybody."""
    script = "head -c 50000000 /dev/zero | tr '\\0' x >&2; sleep 2; echo the end >&2; exit 1"
    with pytest.raises(guests.GuestRefused, match=r"has ended: .*the end"):
        asked(shell(parts, script))


def test_a_job_that_is_cancelled_ends_it(parts):
    def check():
        raise Cancelled

    with pytest.raises(Cancelled):
        asked(shell(parts, "sleep 600"), check=check)


def _worker(parts, sender):
    child = Child(shell(parts, "sleep 600 & setsid sleep 600 & echo; sleep 600"), {}, [])
    child.said.readline()
    sender.send(family(child.pid))
    time.sleep(600)


def _killed_worker(parts):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    worker = context.Process(target=_worker, args=(parts, sender))
    worker.start()
    pids = receiver.recv()
    assert len(pids) >= 4
    worker.kill()
    worker.join()
    return gone(pids)


def test_it_ends_with_its_worker(parts):
    assert in_child(_killed_worker, parts)


# --- what is no error where nothing was wished --------------------------------------------------


@pytest.fixture
def instead(monkeypatch, parts):
    """Have a script run in the child's stead."""
    monkeypatch.setattr(machine, "appliance", lambda _check: parts)
    monkeypatch.setattr(machine, "_CACHE", str(parts))

    def replaced(script):
        argv = shell(parts, script)
        monkeypatch.setattr(appliance, "command", lambda *_, **__: argv)

    return replaced


def test_a_system_that_nobody_can_look_at_is_no_error_unless_it_was_to_be_prepared(conf, instead):
    instead("""echo '{"error": "it is broken"}'""")
    with opened_disk(InMemory(sample("qcow2")), conf, writable=True) as disk:
        report = guests.examine(disk, conf, LOOK, nothing)
        assert report.guest is None
        assert report.notes == ("Nobody could look into the disk: it is broken.",)
        with pytest.raises(guests.GuestRefused, match="it is broken"):
            guests.examine(disk, conf, PREPARE, nothing)


def test_folders_of_the_operator_may_be_links(conf, instead, parts, monkeypatch):
    real = parts / "packages-2"
    real.mkdir()
    link = parts / "packages"
    link.symlink_to(real)
    asked_for = []

    class Listened(Child):
        def __init__(self, argv, request, handed):
            asked_for.append(request["wishes"])
            super().__init__(argv, request, handed)

    instead("""echo '{"result": {}}'""")
    monkeypatch.setattr(appliance, "Child", Listened)
    wishes = Wishes(is_config=True, package_dir=str(link))
    with opened_disk(InMemory(sample("qcow2")), conf, writable=True) as disk:
        guests.examine(disk, conf, wishes, nothing)
    [told] = asked_for
    assert (told["package_dir"], told["virtio_win_path"]) == (str(real.resolve()), None)


@pytest.mark.parametrize(
    "result",
    ['{"steps": 5}', '{"notes": 7}', '{"steps": [{"state": []}]}'],
)
def test_a_report_that_is_none_is_a_refusal(conf, instead, result):
    instead(f"""echo '{{"result": {result}}}'""")
    with opened_disk(InMemory(sample("qcow2")), conf, writable=True) as disk:
        assert "no answer" in guests.examine(disk, conf, LOOK, nothing).notes[0]
        with pytest.raises(guests.GuestRefused, match="no answer"):
            guests.examine(disk, conf, PREPARE, nothing)


@pytest.mark.parametrize("name", ["guestfs", "nbd"])
def test_a_worker_without_libguestfs(conf, monkeypatch, name):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda each: None if each == name else real(each)
    )
    with pytest.raises(guests.GuestsUnavailable, match=f"module '{name}'"):
        guests.check_there(conf)
    with opened_disk(InMemory(sample("qcow2")), conf) as disk:
        assert f"'{name}' is not there" in guests.examine(disk, conf, LOOK, nothing).notes[0]
        with pytest.raises(guests.GuestsUnavailable, match="python3-guestfs"):
            guests.examine(disk, conf, PREPARE, nothing)


@pytest.mark.parametrize("wishes", [LOOK, PREPARE])
def test_what_the_bucket_says_is_raised_as_it_was(conf, instead, wishes):
    class Changing(InMemory):
        is_gone = False

        def read(self, offset, length):
            if self.is_gone:
                raise PermissionError("the object changed")
            return super().read(offset, length)

    source = Changing(made(bytes(8 << 20) + MARKER.ljust(512), "qcow2"))
    instead("sleep 600")
    with opened_disk(source, conf) as disk:
        source.is_gone = True
        source_reader = disk.chunks()
        with pytest.raises(PermissionError):
            for _ in source_reader:
                pass
        with pytest.raises(PermissionError, match="the object changed"):
            guests.examine(disk, conf, wishes, nothing)


def test_who_only_looks_has_less_time_than_who_prepares(conf, instead, monkeypatch):
    given = []

    class Listened(Watch):
        def __init__(self, seconds, silent_seconds, check):
            given.append((seconds, silent_seconds))
            super().__init__(seconds, silent_seconds, check)

    monkeypatch.setattr(appliance, "Watch", Listened)
    instead("""echo '{"result": {}}'""")
    conf.set_override("look_seconds", 700, "ims_guests")
    with opened_disk(InMemory(sample("qcow2")), conf, writable=True) as disk:
        for wishes in (LOOK, PREPARE):
            guests.examine(disk, conf, wishes, nothing)
    assert given == [(700, 700), (conf.ims_guests.seconds, conf.ims_guests.silent_seconds)]


def test_who_only_looks_does_not_wait_long_for_a_machine(conf, instead, monkeypatch):
    """An import goes on without."""
    waited, place = [], machine.place

    def noted(bounds, check):
        waited.append(bounds.seconds)
        return place(bounds, check)

    monkeypatch.setattr(machine, "place", noted)
    instead("""echo '{"result": {}}'""")
    with opened_disk(InMemory(sample("qcow2")), conf, writable=True) as disk:
        for wishes in (LOOK, PREPARE):
            guests.examine(disk, conf, wishes, nothing)
    assert waited == [conf.ims_guests.look_seconds, conf.ims_guests.wait_seconds]


def test_one_project_has_not_all_machines(conf, instead):
    """While one of its disks is looked into, another one waits; one of another project does not."""
    instead("""echo '{"result": {}}'""")
    conf.set_override("wait_seconds", 1, "ims_guests")
    with (
        opened_disk(InMemory(sample("qcow2")), conf, writable=True) as disk,
        machine.place(machine.MachineBounds(2, 1, "slow"), nothing),
    ):
        said = guests.examine(disk, conf, LOOK, nothing, project_id="slow").notes
        assert "no virtual machine was free for 1 seconds" in said[0]
        with pytest.raises(guests.GuestRefused) as refused:
            guests.examine(disk, conf, PREPARE, nothing, project_id="slow")
        assert refused.value.code == "IMG.0061"
        assert guests.examine(disk, conf, LOOK, nothing, project_id="other").notes == ()


def test_a_full_scratch_ends_it(conf, instead, monkeypatch):
    instead("sleep 600")
    with opened_disk(InMemory(sample("qcow2")), conf, writable=True) as disk:
        assert disk._scratch is not None
        disk._scratch.limit = 0
        with pytest.raises(guests.ScratchFull):
            guests.examine(disk, conf, PREPARE, nothing)


def test_kvm_is_tried_with_a_watch(conf, instead, monkeypatch):
    monkeypatch.setattr(appliance, "_TRYING", 1)
    for script in ("sleep 600", "exit 9", """echo '{"error": "no KVM"}'"""):
        instead(script)
        assert not appliance._starts_with_kvm(Path(), 512, nothing)
    instead("""echo '{"result": {}}'""")
    assert appliance._starts_with_kvm(Path(), 512, nothing)


def test_a_disk_that_cannot_be_read_is_not_the_fault_of_kvm(conf, instead, monkeypatch):
    """Its reader has failed by the time at which KVM is tried."""
    found = []

    def tries(_accelerator, works):
        found.append(works())
        return False

    def fails():
        raise guests.GuestRefused("the disk cannot be read")

    monkeypatch.setattr(machine, "is_accelerated", tries)
    instead("""echo '{"result": {}}'""")
    with opened_disk(InMemory(sample("qcow2")), conf, writable=False) as disk:
        monkeypatch.setattr(disk, "check", fails)
        guests.examine(disk, conf, LOOK, nothing)
    assert found == [True]


# --- a real one --------------------------------------------------------------------------------

RELEASE = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


def system(folder):
    """A disk with a file system that looks like a Debian, in a qcow2."""
    tree = folder / "tree"
    for name in ("bin", "boot", "etc", "usr/bin", "var/lib/dpkg", "root"):
        (tree / name).mkdir(parents=True)
    (tree / "etc/os-release").write_text(RELEASE)
    (tree / "etc/debian_version").write_text("12.11\n")
    (tree / "etc/fstab").write_text("/dev/sda / ext4 defaults 0 1\n")
    (tree / "etc/hostname").write_text("found\n")
    (tree / "var/lib/dpkg/status").write_text("")
    raw, file = folder / "disk.raw", folder / "disk.qcow2"
    with raw.open("wb") as empty:
        empty.truncate(256 << 20)
    make = ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", str(tree), str(raw)]
    subprocess.run(make, check=True, env={**os.environ, "PATH": f"{os.environ['PATH']}:/sbin"})
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(file)]
    subprocess.run(convert, check=True)
    return file.read_bytes()


def digest(disk):
    """Of all that is on a disk now."""
    found = hashlib.sha256()
    for chunk in disk.chunks():
        found.update(chunk if isinstance(chunk, bytes) else str(chunk).encode())
    return found.hexdigest()


def test_a_system_is_found_in_a_file_and_made_ready_beside_it(conf, tmp_path):
    """With a real machine, which takes half a minute of a processor, and as long as others leave it none."""
    faulthandler.cancel_dump_traceback_later()
    data = system(tmp_path)
    source = InMemory(data)
    told = []
    with opened_disk(source, conf, writable=True) as disk:
        before = digest(disk)
        report = guests.examine(disk, conf, PREPARE, nothing, lambda *what: told.append(what))
        assert report.guest is not None
        assert (report.guest.kind, report.guest.distro, report.guest.major) == (
            "linux",
            "debian",
            12,
        )
        assert report.steps
        assert told[0] == ("start", 0, 0)
        assert len(told) > 3
        # What was changed is in the scratch alone.
        assert "done" in {str(step.state) for step in report.steps}
        assert digest(disk) != before
        assert source.data == data
    assert os.listdir(conf.ims_guests.scratch_dir) == []
    assert not report.accelerated
