# SPDX-License-Identifier: Apache-2.0
"""One pocket cloud: where it lives, its ports and passwords, and the names templates may use."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from pocket_cloud import passwords, ports, template
from pocket_cloud.errors import PocketError

CHECKOUT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"

# Processes of the cloud carry this variable with the home as its value: that is how they are found
# again even when they have no pid file.
MARKER = "POCKET_CLOUD"

# The address of a UNIX socket has 107 bytes; the longest of ours is this much below the home.
_SOCKET_TAIL = len("/data/libvirt/run/virtlogd-admin-sock")
LONGEST_HOME = 107 - _SOCKET_TAIL


@dataclass(frozen=True)
class Cloud:
    """A cloud in the folder *home*; *state* is what the last ``up`` decided."""

    home: Path
    base: int = ports.DEFAULT_BASE
    venv: Path = CHECKOUT / ".pocket/venv"
    checkout: Path = CHECKOUT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Cloud":
        """The cloud that POCKET_HOME, POCKET_PORT and POCKET_VENV describe.

        A cloud that is there keeps the ports it was made with.

        :raises PocketError: if one of them makes no sense.
        """
        home = Path(environment.get("POCKET_HOME") or CHECKOUT / ".pocket").resolve()
        if len(str(home)) > LONGEST_HOME:
            raise PocketError(f"{home} is too long for the sockets in it: at most {LONGEST_HOME}")
        venv = Path(environment.get("POCKET_VENV") or home / "venv").absolute()
        given = environment.get("POCKET_PORT", "")
        if given and not given.isdigit():
            raise PocketError(f"POCKET_PORT={given}: not a number")
        known = _read_json(home / "state.json").get("base")
        if given:
            # Now and not after minutes of installing.
            ports.allocate(int(given))
        base = int(given or known or ports.DEFAULT_BASE)
        if known and int(known) != base:
            raise PocketError(
                f"{home} was made with POCKET_PORT={known}; 'clean' it first, without POCKET_PORT"
            )
        return cls(home, base, venv)

    @cached_property
    def ports(self) -> dict[str, int]:
        """Port numbers by name."""
        return ports.allocate(self.base)

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Passwords and keys by name; made when first asked for."""
        return passwords.load(self.home / "passwords.json")

    @property
    def state(self) -> dict[str, str]:
        """What ``up`` decided: ``profile`` (light, full), ``virt_type`` (kvm, qemu), ``base``."""
        return _read_json(self.home / "state.json")

    def remember(self, **values: str) -> None:
        """Add *values* to the state."""
        text = json.dumps(self.state | {"base": str(self.base)} | values, indent=2) + "\n"
        template.write(self.home / "state.json", text, 0o644)

    @property
    def is_light(self) -> bool:
        """Whether the last ``up`` was without compute and storage."""
        return self.state.get("profile") == "light"

    @property
    def has_console(self) -> bool:
        """Whether the last ``up`` was with Horizon."""
        return not self.is_light and self.state.get("console", "yes") == "yes"

    def url(self, port: str, path: str = "") -> str:
        """Address of the service at the port named *port*."""
        return f"http://{HOST}:{self.ports[port]}{path}"

    @property
    def values(self) -> dict[str, str]:
        """The names that templates and commands may use."""
        return {
            "home": str(self.home),
            "venv": str(self.venv),
            "checkout": str(self.checkout),
            "code": str(self.checkout / "devstack"),
            "etc": str(self.home / "etc"),
            "data": str(self.home / "data"),
            "run": str(self.home / "run"),
            "host": HOST,
            "auth_url": self.url("keystone", "/v3"),
            "virt_type": self.state.get("virt_type", "qemu"),
            **{f"port_{name}": str(number) for name, number in self.ports.items()},
            **self.secrets,
        }

    def path(self, *parts: str) -> Path:
        """A path below the home."""
        return self.home.joinpath(*parts)

    def log(self, name: str) -> Path:
        """Log file of a service or step."""
        return self.path("logs", f"{name}.log")

    @contextmanager
    def locked(self, patience: float = 600.0, name: str = "lock") -> Iterator[None]:
        """Let one command at a time change the cloud; others wait up to *patience* seconds.

        :param name: of the lock, for less than all of the cloud
        :raises PocketError: if another one is at work for longer.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + patience
        with self.path(name).open("w") as lock:
            while not _try_lock(lock):
                if time.monotonic() > deadline:
                    raise PocketError(f"another command is at work on {self.home}")
                time.sleep(0.1)
            yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_json(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    content: dict[str, str] = json.loads(path.read_text())
    return content
