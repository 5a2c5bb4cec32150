# SPDX-License-Identifier: Apache-2.0
"""Where a demo plays: it shows commands, runs them, times them, and checks what comes of them."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pocket_cloud import rest, warm
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo.claim import Claim
from pocket_cloud.demo.openstack import Openstack
from pocket_cloud.demo.signals import Stopped, Stopper

# Others may have the machine busy.
_PATIENCE = 600.0
_POLL = 1.0
_COMMAND_PATIENCE = 900.0
_TIMED_OUT = 124
_NOT_FOUND = 127
# What openstack, ims-manage and curl end with when they were refused something. (2 is a mistake in
# the command itself.)
_REFUSED = 1
_SHOWN_LINES = 12
_SHOWN_WIDTH = 150
# Logging in again before a token can have expired; seconds.
_FRESH = 300.0


class Unexpected(Exception):
    """Something is not as it must be; the message says what."""


class Stage:
    """Runs commands as users of the cloud.

    What they make is called after :attr:`name`, by which it is found and removed at the end.

    :ivar files: a folder for files, gone at the end
    :ivar name: nobody else's, to begin the names of what is made with
    """

    def __init__(self, cloud: Cloud, claim: Claim, stopper: Stopper) -> None:
        self.cloud = cloud
        self.claim = claim
        self.name = claim.name
        self.files = claim.folder
        self._stopper = stopper
        self._began = time.monotonic()
        self._count = 0
        self._sessions: dict[str, tuple[float, rest.Session]] = {}
        self._openstack = Openstack(cloud, self.files, stopper.held)

    def close(self) -> None:
        """No command is run any more."""
        self._openstack.close()

    def say(self, text: str) -> None:
        """Tell something.

        :raises Stopped: if there is nobody any more to be told
        """
        if not tell(text):
            raise Stopped(signal.SIGPIPE)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step with its title and the time that it took."""
        self._count += 1
        self.say(f"\n== {self._count}. {title}")
        began = time.monotonic()
        yield
        now = time.monotonic()
        self.say(f"   -- {now - began:.1f} s (since the beginning {now - self._began:.0f} s)")

    def run(self, *command: str, user: str = "demo", shown: bool = True) -> str:
        """Show and run a command that must succeed.

        :returns: its standard output, stripped.
        """
        result = self._show_and_execute(command, user)
        output = result.stdout.strip()
        if result.returncode:
            raise Unexpected(f"{command[0]} failed: {_last_line(result)}")
        if shown and output:
            self._show(output)
        return output

    def refuse(
        self, *command: str, because: str, status: int | None = None, user: str = "demo"
    ) -> str:
        """Show and run a command that must be refused.

        :param because: what it must say, an IMS code (``IMG.0096``) where there is one: that it fails
            for some other reason proves nothing
        :param status: the HTTP status that it must say, if it says one
        :returns: what it said, stripped.
        """
        result = self._show_and_execute(command, user)
        if not result.returncode:
            raise Unexpected("that should have been refused")
        said = _last_line(result)
        if because not in said or result.returncode != _REFUSED:
            raise Unexpected(f"it failed, but not because of '{because}': {said}")
        if status is not None and f"(HTTP {status}" not in said:
            raise Unexpected(f"it was refused, but not with HTTP status {status}: {said}")
        self._show(f"refused: {said}")
        return said

    def refuse_request(
        self, url: str, *options: str, status: int, because: str, user: str = "demo"
    ) -> None:
        """Show and send a request that must be refused.

        :param options: of curl, besides the token
        :param status: the HTTP status of the refusal
        :param because: what it must say, an IMS code where there is one
        """
        target = self.files / "answer"
        known = ("-H", f"X-Auth-Token: {self.session(user).token}", *options, url)
        self._show_command(("curl", "-i", *known), user)
        command = ("curl", "-sS", "-o", str(target), "-w", "%{http_code}", *known)
        result = self._execute(command, user)
        if result.returncode:
            raise Unexpected(f"curl failed: {_last_line(result)}")
        answer = target.read_text(errors="replace") if target.exists() else ""
        target.unlink(missing_ok=True)
        said = f"{result.stdout.strip()} {_words(answer)}"
        if result.stdout.strip() != str(status) or because not in answer:
            raise Unexpected(f"it should be refused with {status} and '{because}', but: {said}")
        self._show(f"refused: {said}")

    def check(self, holds: bool, text: str) -> None:
        """Tell that something holds, which it must."""
        if not holds:
            raise Unexpected(f"it should hold that {text}")
        self.say(f"   ok: {text}")

    def wait_for(self, what: str, found: Callable[[], str]) -> str:
        """Ask *found* until it says something.

        :returns: what it said.
        """
        deadline = time.monotonic() + _PATIENCE
        while not (said := found()):
            if time.monotonic() > deadline:
                raise Unexpected(f"waited {_PATIENCE:.0f} s in vain for {what}")
            time.sleep(_POLL)
        return said

    def session(self, user: str = "demo") -> rest.Session:
        """A tenant's access to the APIs, for looking things up in less time than a command takes.

        :raises HttpError: if Keystone refuses
        """
        made, session = self._sessions.get(user) or (0.0, None)
        if session is None or time.monotonic() - made > _FRESH:
            url, password = (
                self.cloud.url("keystone", "/v3"),
                self.cloud.secrets[f"password_{user}"],
            )
            session = rest.Session(url, user, password, user)
            self._sessions[user] = (time.monotonic(), session)
        return session

    def get(self, port: str, path: str, user: str = "demo") -> Any:
        """What the service at the port named *port* answers to a ``GET``.

        :raises HttpError: for an answer of 400 and above
        """
        return self.session(user)("GET", self.cloud.url(port, path))

    def console(self, server: str, user: str = "demo") -> str:
        """What is on the console of the server of that name.

        :raises Unexpected: if there is none, or if it failed
        """
        found = self._server(server, user)
        if found["status"] == "ERROR":
            raise Unexpected(f"server {server} should run, but it failed")
        url = self.cloud.url("nova", f"/v2.1/servers/{found['id']}/action")
        answer = self.session(user)("POST", url, {"os-getConsoleOutput": {}})
        return str(answer["output"])

    def status(self, server: str, user: str = "demo") -> str:
        """The status of the server of that name.

        :raises Unexpected: if there is none
        """
        return str(self._server(server, user)["status"])

    def _server(self, name: str, user: str) -> Any:
        # Nova takes a regular expression.
        found = self.get("nova", f"/v2.1/servers/detail?name=%5E{name}%24", user)["servers"]
        if not found:
            raise Unexpected(f"server {name} should be there, but it is gone")
        return found[0]

    def _show_command(self, command: tuple[str, ...], user: str) -> None:
        # A token may be among the arguments.
        hidden = [
            "X-Auth-Token: $TOKEN" if word.startswith("X-Auth-Token:") else word for word in command
        ]
        self.say(f"   {user}$ {shlex.join(hidden)}")

    def _show_and_execute(
        self, command: tuple[str, ...], user: str
    ) -> "subprocess.CompletedProcess[str]":
        self._show_command(command, user)
        return self._execute(command, user)

    def _execute(self, command: tuple[str, ...], user: str) -> "subprocess.CompletedProcess[str]":
        child: subprocess.Popen[str] | None = None
        environment = self._environment(user)
        try:
            if command[0] == "openstack":
                return self._openstack.run(command[1:], environment, _COMMAND_PATIENCE)
            # Else it could go on unknown to us, and make something behind our back.
            with self._stopper.held():
                child = _start(command, environment)
            output, errors = child.communicate(timeout=_COMMAND_PATIENCE)
            return subprocess.CompletedProcess(command, child.returncode, output, errors)
        except FileNotFoundError:
            return subprocess.CompletedProcess(command, _NOT_FOUND, "", f"there is no {command[0]}")
        except subprocess.TimeoutExpired:
            why = f"it had not ended after {_COMMAND_PATIENCE:.0f} s"
            return subprocess.CompletedProcess(command, _TIMED_OUT, "", why)
        finally:
            if child and child.poll() is None:
                child.kill()
                child.wait()

    def _environment(self, user: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        path = f"{self.cloud.venv / 'bin'}:{os.environ['PATH']}"
        common = {**kept, "PATH": path, "PYTHONWARNINGS": "ignore"}
        if user == "operator":
            etc = str(self.cloud.path("etc", "glance-one"))
            return {**common, "HOME": etc, "OS_GLANCE_CONFIG_DIR": etc}
        clouds = str(self.cloud.path("clouds.yaml"))
        return {**common, "OS_CLIENT_CONFIG_FILE": clouds, "OS_CLOUD": user}

    def _show(self, output: str) -> None:
        lines = output.splitlines()
        for line in lines[:_SHOWN_LINES]:
            self.say(f"     {line[:_SHOWN_WIDTH]}")
        if len(lines) > _SHOWN_LINES:
            self.say(f"     ... ({len(lines)} lines)")


def tell(text: str) -> bool:
    """Print a line.

    :returns: whether somebody can have seen it: not if the terminal or the pipe is gone
    """
    try:
        print(text, flush=True)
    except OSError:
        # Else Python tries once more at its end, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def file_of(location: str) -> Path:
    """The file that a location of ``ims-manage show`` is about.

    :raises Unexpected: if it is none
    """
    if not location.startswith("file:///"):
        raise Unexpected(f"{location} should be a file")
    return Path(location.removeprefix("file://"))


def _start(command: tuple[str, ...], environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # A demo that is killed takes its command along. (It has one thread, so this is safe.)
        preexec_fn=warm.die_with_parent,  # noqa: PLW1509
    )


def _last_line(result: "subprocess.CompletedProcess[str]") -> str:
    lines = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()
    return lines[-1]


def _words(answer: str) -> str:
    """The words of a refusal, which Glance wraps in HTML."""
    text = re.sub(r"<(title|h1)>.*?</\1>|<[^>]*>", " ", answer, flags=re.DOTALL)
    return " ".join(text.split())[:_SHOWN_WIDTH]
