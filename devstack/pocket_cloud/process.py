# SPDX-License-Identifier: Apache-2.0
"""Starting, recognising and stopping the processes of a cloud."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pocket_cloud import procfs, template
from pocket_cloud.cloud import MARKER, Cloud

_POLL = 0.1


@dataclass(frozen=True)
class Process:
    """One process for ever: pids are used again, a pid with its start time is not."""

    pid: int
    started: int

    @property
    def is_alive(self) -> bool:
        """Whether it still runs (and is not another one that got its pid)."""
        found = procfs.stat(self.pid)
        return found is not None and found.started == self.started


def pid_file(cloud: Cloud, name: str) -> Path:
    """Where the process of service *name* is recorded."""
    return cloud.path("run", f"{name}.json")


def recorded(cloud: Cloud, name: str) -> tuple[Process, str] | None:
    """The process last started for *name* and the fingerprint of how; alive or not."""
    return _read(pid_file(cloud, name))


def _read(path: Path) -> tuple[Process, str] | None:
    try:
        content = json.loads(path.read_text())
        process = Process(int(content["pid"]), int(content["started"]))
        fingerprint, boot = str(content["fingerprint"]), content["boot"]
    except (OSError, ValueError, KeyError, TypeError):
        # Not there, or cut off by a crash of the machine, which is as good.
        return None
    return (process, fingerprint) if boot == procfs.boot_id() else None


def running(cloud: Cloud, name: str) -> Process | None:
    """The live process of service *name*."""
    found = recorded(cloud, name)
    return found[0] if found and found[0].is_alive else None


def clean_environment(cloud: Cloud, extra: Mapping[str, str]) -> dict[str, str]:
    """What a child gets: nothing of the caller's Python or OpenStack settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OS_", "PYTHON", "CEPH_", "RABBITMQ_", "ERL_", "XDG_", "POCKET_"))
    }
    path = f"{cloud.venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return kept | {"PATH": path, "LC_ALL": "C.UTF-8", MARKER: str(cloud.home)} | dict(extra)


def start(
    cloud: Cloud, name: str, command: list[str], environment: Mapping[str, str], fingerprint: str
) -> subprocess.Popen[bytes]:
    """Start *command* as a session of its own, its output in the log of *name*."""
    log = cloud.log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        os.replace(log, log.with_suffix(".log.1"))
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            env=clean_environment(cloud, environment),
            cwd=cloud.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    found = procfs.stat(child.pid)
    record = {
        "pid": child.pid,
        # Already dead: no start time is 0, so the record is stale, as it should be.
        "started": found.started if found else 0,
        "fingerprint": fingerprint,
        "boot": procfs.boot_id(),
    }
    template.write(pid_file(cloud, name), json.dumps(record) + "\n", 0o644)
    return child


def memory(leader: int) -> int:
    """Resident bytes of a process and of all in its group."""
    found = (procfs.stat(pid) for pid in procfs.pids())
    return sum(entry.resident for entry in found if entry and entry.group == leader)


def stop(processes: Iterable[Process], grace: float) -> list[Process]:
    """SIGTERM to all, SIGKILL to those that are there after *grace* seconds, and to orphans.

    :returns: those that had to be killed.
    """
    alive = leaders = [process for process in processes if _send(process, signal.SIGTERM)]
    deadline = time.monotonic() + grace
    while alive and time.monotonic() < deadline:
        time.sleep(_POLL)
        alive = [process for process in alive if process.is_alive]
    killed = [process for process in alive if _send(process, signal.SIGKILL)]
    orphans = _kill_orphans({process.pid for process in leaders})
    while any(process.is_alive for process in [*killed, *orphans]):
        time.sleep(_POLL)
    return killed


def _kill_orphans(leaders: set[int]) -> list[Process]:
    """End what a leader left in its group: workers of a killed master go on answering."""
    groups = ((pid, procfs.stat(pid)) for pid in procfs.pids())
    orphans = [
        Process(pid, found.started) for pid, found in groups if found and found.group in leaders
    ]
    return [orphan for orphan in orphans if _send(orphan, signal.SIGKILL)]


def _send(process: Process, number: signal.Signals) -> bool:
    if not process.is_alive:
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def members(cloud: Cloud) -> list[Process]:
    """Every live process of the cloud: children, forgotten ones and guests included.

    A process belongs to it if it has our mark in its environment; or is in the group of one that
    we started (some write their title over their environment); or sees our folder where others
    see ``/var/lib/libvirt`` (libvirt's guests get a fresh environment and a group of their own).
    """
    mark, groups = str(cloud.home), _groups(cloud)
    libvirt = _identity(cloud.path("data", "libvirt", "lib"))
    found = []
    for pid in procfs.pids():
        state = procfs.stat(pid)
        if state is None or pid == os.getpid():
            continue
        seen = _identity(procfs.PROC / str(pid) / "root/var/lib/libvirt") if libvirt else None
        marked = procfs.environment(pid).get(MARKER) == mark
        if marked or state.group in groups or (seen and seen == libvirt):
            found.append(Process(pid, state.started))
    return found


def _groups(cloud: Cloud) -> set[int]:
    """Process groups that are ours: each process we start leads one.

    The leader may be gone, but not replaced: its number is not given away while there is a group.
    """
    found = set()
    for path in cloud.path("run").glob("*.json"):
        recorded_one = _read(path)
        if recorded_one:
            leader = procfs.stat(recorded_one[0].pid)
            if leader is None or leader.started == recorded_one[0].started:
                found.add(recorded_one[0].pid)
    return found


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def tail(path: Path, lines: int = 25) -> str:
    """The end of a log file, its last 16 KiB at most."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 16384))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
