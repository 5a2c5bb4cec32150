# SPDX-License-Identifier: Apache-2.0
"""Running apt and pip so that one sees what they do: they are silent for minutes otherwise."""

import os
import re
import selectors
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pocket_cloud.activity import Activity

_TICK = 1.0
_PIECE = 65536


class Installer:
    """A program that says nothing of how far it is.

    :ivar what: what it does, in a few words
    """

    def __init__(self, what: str) -> None:
        self.what = what

    @property
    def fraction(self) -> float | None:
        """How much of it is done, 0 to 1; ``None`` if nobody knows."""
        return None

    def hear(self, line: str) -> bool:
        """Take a line of its output.

        :returns: whether the line belongs into the log
        """
        return True


class Apt(Installer):
    """``apt-get`` with :data:`OPTIONS`: it tells its share of all downloads, then of all work."""

    # A descriptor of its own: dpkg closes it for the packages' scripts, which fail without a standard output.
    COMMAND = ("sh", "-c", 'exec apt-get "$@" 3>&1', "apt-get")
    OPTIONS = ("-o", "Dpkg::Use-Pty=0", "-o", "APT::Status-Fd=3")
    # Apt's own: "dlstatus:<number>:<percent>:<text>", "pmstatus:<package>:<percent>:<text>".
    _STATUS = re.compile(r"(dl|pm)status:[^:]*(?::[a-z0-9]+)?:([0-9.]+):(.*)")
    _GET = re.compile(r"(?:Get|Hit|Ign):\d+ \S+ (.*)")

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self._percent: float | None = None

    @property
    def fraction(self) -> float | None:
        """Of the downloads, and then of the installation."""
        return None if self._percent is None else min(1.0, self._percent / 100)

    def hear(self, line: str) -> bool:
        """Take a line of its output."""
        if found := self._STATUS.match(line):
            self._percent, self.what = float(found[2]), found[3]
            return False
        found = self._GET.match(line)
        if found and self._percent is None:
            self.what = f"reading {found[1]}"
        return True


class Pip(Installer):
    """``pip install``: it finds out what is needed as it goes, then installs that without a word.

    :param packages: the folder that it installs into
    """

    _COLLECTING = re.compile(r"Collecting (\S+?)(?:[<>=!~;\[(@ ].*)?\Z")
    _DOWNLOADING = re.compile(r"\s*(?:Downloading|Using cached) (\S+)(.*)")
    _BUILDING = re.compile(
        r"\s*(Building wheel for \S+|Preparing metadata|Installing build dep\w+)"
    )
    _INSTALLING = "Installing collected packages: "

    def __init__(self, what: str, packages: Path) -> None:
        super().__init__(what)
        self._packages = packages
        self._collected = 0
        self._wanted: list[str] = []
        self._before = 0

    @property
    def fraction(self) -> float | None:
        """Of the installation; how much there is to download is not known beforehand."""
        if not self._wanted:
            return None
        done = min(len(self._wanted), max(0, self._installed() - self._before))
        self.what = f"{done} of {len(self._wanted)} packages are installed"
        return done / len(self._wanted)

    def hear(self, line: str) -> bool:
        """Take a line of its output."""
        if line.startswith(self._INSTALLING):
            self._wanted = line.removeprefix(self._INSTALLING).split(", ")
            self._before = self._installed()
        elif found := self._COLLECTING.match(line):
            self._collected += 1
            self.what = f"package {self._collected}: {found[1]}"
        elif found := self._DOWNLOADING.match(line):
            self.what = f"package {self._collected}: downloading {Path(found[1]).name}{found[2]}"
        elif found := self._BUILDING.match(line):
            self.what = f"package {self._collected}: {found[1][:1].lower()}{found[1][1:]}"
        return True

    def _installed(self) -> int:
        return sum(1 for _ in self._packages.glob("*.dist-info"))


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(command: list[str], log: Path, installer: Installer, activity: Activity) -> int:
    """Run *command*, its output appended to *log*; tell meanwhile what it does.

    :returns: its exit code.
    """
    # Without byte code the services would compile themselves at every start.
    kept = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {
        **kept,
        # A Python of the user's own (pyenv) would be what uWSGI is linked to.
        "PATH": _PATH,
        "DEBIAN_FRONTEND": "noninteractive",
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("a") as output:
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert child.stdout is not None

        def hear(line: str) -> None:
            if installer.hear(line):
                output.write(f"{line}\n")
                output.flush()

        try:
            _listen(child.stdout, hear, lambda: activity.show(installer.what, installer.fraction))
            return child.wait()
        finally:
            activity.close()
            # Not if all went well: it has ended then.
            child.kill()
            child.wait()
            child.stdout.close()


def _listen(stream: IO[bytes], hear: Callable[[str], None], tick: Callable[[], None]) -> None:
    """Give each line to *hear*, and call *tick* every second at least, until the end."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            tick_only = not selector.select(_TICK)
            piece = b"" if tick_only else os.read(stream.fileno(), _PIECE)
            if not tick_only and not piece:
                break
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                hear(line.decode(errors="replace").rstrip("\r"))
            tick()
    if rest:
        hear(rest.decode(errors="replace"))
