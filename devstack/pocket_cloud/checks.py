# SPDX-License-Identifier: Apache-2.0
"""``test``: lint, types, documentation, then every test there is; those that need one, on the running cloud."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pocket_cloud import packages, results
from pocket_cloud.cloud import Cloud
from pocket_cloud.plan import Progress

LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
)
# Anew each time: what is generated from the code is not in the pages that Sphinx compares.
_DOCUMENTATION = ("sphinx-build", "-W", "--keep-going", "-q", "-E", "-b", "html", "doc/source")
_NONE_CHOSEN = 5
# When this command was called.
_BEGIN = time.monotonic()
_NICE = 5
# For so long tests that are interrupted may clean up; seconds.
_CLEANING = 120.0


@dataclass(frozen=True)
class Part:
    """Tests that run together.

    :ivar folders: where they are
    :ivar options: of pytest: which of them, and how
    """

    name: str
    folders: tuple[str, ...]
    options: tuple[str, ...]

    @property
    def slug(self) -> str:
        """Its name for files."""
        return self.name.replace(" ", "-")

    def is_there(self, cloud: Cloud) -> bool:
        """Whether the checkout has such tests."""
        return (cloud.checkout / self.folders[0]).is_dir()

    def report(self, cloud: Cloud) -> Path:
        """Where its results are written."""
        return cloud.path("logs", f"tests-{self.slug}.xml")

    def command(self, cloud: Cloud, arguments: list[str]) -> list[str]:
        """Arguments of pytest: its own, and what the user wants."""
        return [*self.options, f"--junit-xml={self.report(cloud)}", *self.folders, *arguments]


WITHOUT_CLOUD = Part(
    "without the cloud", ("tests/unit", "tests/functional"), ("-n", "2", "--dist", "loadfile")
)
# Three, for two processors: each also waits for services.
SIDE_BY_SIDE = Part(
    "side by side",
    ("tests/cloud",),
    ("-m", "not alone", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"),
)
# They kill, freeze or restart services.
ALONE = Part("alone", ("tests/cloud",), ("-m", "alone"))


class Terminated(KeyboardInterrupt):
    """This process alone was told to end, not those that it has begun."""


def terminate(*_: object) -> NoReturn:
    """What handles SIGTERM.

    :raises Terminated: always
    """
    raise Terminated


def run(cloud: Cloud, arguments: list[str], is_quick: bool = False) -> int:
    """Run everything, the tests even if a linter complains; the count of all tests comes last.

    :param arguments: passed on to pytest.
    :param is_quick: leave out what needs the cloud.
    :returns: 0 if all is well, else the exit code of the first that failed.
    """
    packages.ensure_test(cloud, Progress())
    linted = _lint(cloud)
    codes = list(linted.values())
    failed = [name for name, code in linted.items() if code]
    if failed:
        print(f"failed so far: {', '.join(failed)}", flush=True)
    parts = [part for part in (WITHOUT_CLOUD, SIDE_BY_SIDE, ALONE) if part.is_there(cloud)]
    for part in parts:
        part.report(cloud).unlink(missing_ok=True)
    if is_quick or parts == [WITHOUT_CLOUD]:
        parts = [WITHOUT_CLOUD]
        tested = [_test(cloud, WITHOUT_CLOUD, arguments)]
    else:
        tested = [_test(cloud, SIDE_BY_SIDE, arguments)]
        # What harms services waits for them most of the time.
        with _beside(cloud, WITHOUT_CLOUD, arguments, tested):
            tested.append(_test(cloud, ALONE, arguments))
        parts = [SIDE_BY_SIDE, ALONE, WITHOUT_CLOUD]
    # "-k WORD" may choose tests of one part only.
    chosen = [code for code in tested if code != _NONE_CHOSEN] or [_NONE_CHOSEN]
    reports = [part.report(cloud) for part in parts]
    there = [report for report in reports if report.exists()]
    failed += [
        f"tests {part.name}"
        for part, code in zip(parts, tested, strict=True)
        if code not in (0, _NONE_CHOSEN)
    ]
    if chosen == [_NONE_CHOSEN]:
        failed.append("no test was chosen")
    print(results.summary(there, failed, time.monotonic() - _BEGIN), flush=True)
    return next((code for code in [*codes, *chosen] if code), 0)


def _linters(cloud: Cloud) -> dict[str, tuple[str, ...]]:
    """What looks at the checkout without running it: name -> command."""
    pages = str(cloud.path("documentation"))
    return {
        **{" ".join(command): command for command in LINTERS},
        _DOCUMENTATION[0]: (*_DOCUMENTATION, pages),
    }


def _lint(cloud: Cloud) -> dict[str, int]:
    """Run the linters at the same time, each on one processor; the exit code of each.

    Shown in order: behind each is the time from the beginning until it and those before it had ended.
    """
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        running = {}
        for name, command in _linters(cloud).items():
            output = stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
            child = subprocess.Popen(
                [*_program(cloud, command[0]), *command[1:]],
                cwd=cloud.checkout,
                env=_environment(cloud),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            stack.callback(child.wait)
            stack.callback(child.kill)
            running[name] = (child, output)
        codes = {}
        for name, (child, output) in running.items():
            codes[name] = child.wait()
            output.seek(0)
            print(output.read(), end="")
            verdict = "ok" if codes[name] == 0 else f"exit code {codes[name]}"
            print(f"{name}: {verdict} ({time.monotonic() - begin:.1f} s)", flush=True)
    return codes


def _test(cloud: Cloud, part: Part, arguments: list[str]) -> int:
    print(f"\ntests {part.name}", flush=True)
    return _run(cloud, "pytest", *part.command(cloud, arguments))


@contextlib.contextmanager
def _beside(cloud: Cloud, part: Part, arguments: list[str], tested: list[int]) -> Iterator[None]:
    """Run tests beside the block, with less claim to the processors; what they show comes behind.

    :param tested: gets their exit code
    """
    log = cloud.path("logs", f"tests-{part.slug}.log")
    with log.open("w+", errors="replace") as output:
        command = ["nice", "-n", str(_NICE), *_program(cloud, "pytest")]
        process = subprocess.Popen(
            [*command, *part.command(cloud, arguments)],
            cwd=cloud.checkout,
            env=_environment(cloud),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
            tested.append(process.wait())
        finally:
            process.terminate()
            process.wait()
        print(
            f"\ntests {part.name}, at the same time\n{log.read_text(errors='replace')}", flush=True
        )


def _run(cloud: Cloud, program: str, *arguments: str) -> int:
    """A program of the virtual environment, in the checkout; its exit code."""
    command = [*_program(cloud, program), *arguments]
    child = subprocess.Popen(command, cwd=cloud.checkout, env=_environment(cloud))
    try:
        return child.wait()
    except KeyboardInterrupt as interrupt:
        # Ctrl-C reaches the program, too. Tests that are killed leave what they made in the cloud.
        if isinstance(interrupt, Terminated):
            child.send_signal(signal.SIGINT)
        print("\ninterrupted: waiting for the tests to clean up; again ends them now", flush=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_CLEANING)
        raise
    finally:
        child.kill()
        child.wait()


def _program(cloud: Cloud, name: str) -> list[str]:
    return [str(cloud.venv / "bin" / name)]


def _environment(cloud: Cloud) -> dict[str, str]:
    # Not those of another cloud: OS_CLIENT_CONFIG_FILE, say, is heard before anything else.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    environment = {
        **kept,
        "PATH": f"{cloud.venv / 'bin'}:{os.environ['PATH']}",
        "POCKET_HOME": str(cloud.home),
        "POCKET_PORT": str(cloud.base),
        "POCKET_VENV": str(cloud.venv),
    }
    # The tests' own import path is in pyproject.toml. Without byte code hundreds of processes would
    # compile the same modules.
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    return environment
