# SPDX-License-Identifier: Apache-2.0
"""What the kernel says about processes: ``/proc`` read and parsed."""

import ipaddress
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LISTEN = "0A"
# A UDP socket nobody is connected to: whoever knows the port can send to it.
_UNCONNECTED = "07"


@dataclass(frozen=True)
class Stat:
    """The few fields of ``/proc/<pid>/stat`` that are used here."""

    state: str
    parent: int
    group: int
    started: int
    """Clock ticks since the machine was booted: with the pid it names one process for ever."""
    resident: int
    """Bytes."""


def parse_stat(text: str) -> Stat:
    """Fields of a stat line; the command in it may contain blanks and parentheses."""
    fields = text[text.rindex(")") + 2 :].split()
    return Stat(
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        started=int(fields[19]),
        resident=int(fields[21]) * _PAGE,
    )


def stat(pid: int) -> Stat | None:
    """State of a process; None if there is none, or only a zombie is left of it."""
    try:
        found = parse_stat((PROC / str(pid) / "stat").read_text())
    except (OSError, ValueError):
        return None
    return None if found.state in "ZX" else found


def boot_id() -> str:
    """Names this run of the machine: pids of another one mean nothing."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def moment(started: int) -> float:
    """Seconds since 1970 at a number of clock ticks since boot."""
    uptime = float((PROC / "uptime").read_text().split()[0])
    return time.time() - uptime + started / os.sysconf("SC_CLK_TCK")


def pids() -> list[int]:
    """All processes there are."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def environment(pid: int) -> dict[str, str]:
    """The environment a process was started with; empty when it is gone or not ours to see."""
    try:
        raw = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition("=") for entry in raw.decode(errors="replace").split("\0") if entry)
    return {name: value for name, _, value in pairs}


def command(pid: int) -> str:
    """The command line of a process, for people to read."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


@dataclass(frozen=True)
class Listener:
    """A socket that somebody can connect or send to."""

    protocol: str
    address: str
    port: int
    inode: int

    @property
    def is_loopback(self) -> bool:
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback


def _address(text: str) -> str:
    """An address of ``/proc/net``: 32-bit words, each in the machine's (little) byte order."""
    words = [bytes.fromhex(text[i : i + 8]) for i in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return str(ipaddress.ip_address(packed))


def parse_sockets(protocol: str, text: str) -> Iterator[Listener]:
    """The listening sockets in the text of ``/proc/net/tcp`` and its like."""
    wanted = _LISTEN if protocol.startswith("tcp") else _UNCONNECTED
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[3] == wanted:
            address, _, port = fields[1].partition(":")
            yield Listener(protocol, _address(address), int(port, 16), int(fields[9]))


def listeners() -> list[Listener]:
    """Every listening TCP and open UDP socket of this network namespace."""
    found: list[Listener] = []
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        path = PROC / "net" / protocol
        if path.exists():
            found += parse_sockets(protocol, path.read_text())
    return found


def owner(listener: Listener) -> str:
    """Who holds a listener, for people to read."""
    for pid in pids():
        if listener.inode in sockets(pid):
            return f"process {pid} ({command(pid)[:60]})"
    return "a process that has just ended"


def sockets(pid: int) -> set[int]:
    """Inodes of the sockets that a process holds."""
    found = set()
    try:
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            target = os.readlink(descriptor)
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    except OSError:
        # It ended while we were looking.
        return found
    return found
