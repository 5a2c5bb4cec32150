# SPDX-License-Identifier: Apache-2.0
"""A real Glance with ims_glance in it, in a process of its own.

Glance, glance_store and oslo.config keep their state in module globals, so a process can hold one
Glance with one configuration, and must not hold anything else. It is served by uWSGI, as in a
deployment; only Keystone and the key manager are small replacements. Configuration comes from the
files in ``etc/ims_glance`` and a second drop-in with what is particular to a test.
"""

import configparser
import contextlib
import dataclasses
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import urllib3

from tests.functional import identity, key_vault
from tests.functional.client import Client

ROOT = Path(__file__).parents[2]
ETC = ROOT / "etc" / "ims_glance"
GLANCE_PASTE = Path(sys.prefix) / "etc" / "glance" / "glance-api-paste.ini"
START_SECONDS = 300

Options = Mapping[str, Mapping[str, object]]

SECOND_IN_S3: Options = {
    "kms2": {"ims_kms_inner_driver": "s3"},
    "kms2_inner": {
        "s3_store_host": "http://127.0.0.1:1",
        "s3_store_access_key": "x",
        "s3_store_secret_key": "x",
        "s3_store_bucket": "images",
    },
}
"""The store ``kms2`` over an S3 that nobody serves."""


@dataclasses.dataclass(frozen=True)
class Directories:
    """Where a service keeps things."""

    root: Path

    @property
    def plain(self) -> Path:
        """Data of the store ``plain``."""
        return self.root / "plain"

    @property
    def kms(self) -> Path:
        """Ciphertext of the store ``kms``."""
        return self.root / "kms"

    @property
    def kms2(self) -> Path:
        """Ciphertext of the store ``kms2``."""
        return self.root / "kms2"

    @property
    def staging(self) -> Path:
        """Data that waits to be imported."""
        return self.root / "staging"

    @property
    def tasks(self) -> Path:
        return self.root / "tasks"

    @property
    def database(self) -> Path:
        """Glance's, in SQLite."""
        return self.root / "glance.sqlite"

    @property
    def log(self) -> Path:
        return self.root / "glance.log"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def drop_ins(self) -> Path:
        """Where oslo.config looks for Glance's drop-ins by itself."""
        return self.root / "home" / ".glance" / "glance-api.conf.d"

    @property
    def keys(self) -> Path:
        return self.root / "keys"


class GlanceService:
    """A Glance that can be started and killed; leaving a ``with`` block kills it.

    Nobody looks at how it stops, which takes a processor a second and a half.

    :param directory: empty, or of a service that was killed
    :param options: configuration options by group that differ from the usual; ``{root}`` in a
        value stands for the directory
    :param processes: uWSGI workers
    """

    def __init__(self, directory: Path, options: Options | None = None, processes: int = 1) -> None:
        self.directories = Directories(directory)
        self.vault = key_vault.Vault(self.directories.keys)
        self._options = options or {}
        self._processes = processes
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def client(self, caller: identity.Caller = identity.DEMO) -> Client:
        """A client of it."""
        return Client("127.0.0.1", self._port, caller)

    @property
    def workers(self) -> list[int]:
        """Ids of the processes that serve requests."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(child) for child in children.read_text().split()]

    @property
    def log(self) -> str:
        """All that it logged so far."""
        return self.directories.log.read_text(errors="replace")

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Glance's database; what the block changes is kept."""
        with contextlib.closing(sqlite3.connect(self.directories.database)) as database, database:
            yield database

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.configure()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
            self._launch(listener)
        self._wait()

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def configure(self) -> None:
        """Write its configuration, which its programs need as well."""
        places = self.directories
        for place in (
            places.plain, places.kms, places.kms2, places.staging, places.tasks, places.etc,
            places.drop_ins,
        ):  # fmt: skip
            place.mkdir(parents=True, exist_ok=True)
        shutil.copy(ETC / "ims-glance-paste.ini", places.etc)
        shutil.copy(ETC / "property-protections.conf", places.etc)
        (places.etc / GLANCE_PASTE.name).write_text(_without_keystone(GLANCE_PASTE.read_text()))
        shutil.copy(ETC / "ims-glance.conf", places.drop_ins)
        _write(places.etc / "glance-api.conf", self._base_options())
        _write(places.drop_ins / "ims-glance.site.conf", self._site_options())

    def _base_options(self) -> Options:
        """What belongs to Glance alone."""
        places = self.directories
        return {
            "DEFAULT": {"debug": False},
            "database": {
                "connection": f"sqlite:///{places.database}?timeout=60",
                "sqlite_synchronous": False,
            },
            "glance_store": {"stores": "file"},
            "os_glance_staging_store": {"filesystem_store_datadir": places.staging},
            "os_glance_tasks_store": {"filesystem_store_datadir": places.tasks},
            "oslo_concurrency": {"lock_path": places.root / "locks"},
        }

    def _site_options(self) -> Options:
        """What a site adds to the drop-in ``ims-glance.conf``."""
        places = self.directories
        site: dict[str, dict[str, object]] = {
            "DEFAULT": {
                "enabled_backends": "plain:file, kms:ims-kms, kms2:ims-kms",
                "property_protection_file": places.etc / "property-protections.conf",
            },
            "paste_deploy": {"config_file": places.etc / "ims-glance-paste.ini"},
            "plain": {"filesystem_store_datadir": places.plain},
            "kms_inner": {"filesystem_store_datadir": places.kms},
            "kms2": {"ims_kms_inner_driver": "file"},
            "kms2_inner": {"filesystem_store_datadir": places.kms2},
            # Tests share it, and do not clean up behind them.
            "ims_api": {"private_images": 100000},
            # What a test changes about a key must show at once.
            "ims_kms": {"cache_seconds": 0, "service_user_id": "glance"},
            "key_manager": {"backend": key_vault.BACKEND, "password": "none"},
            "key_vault": {"directory": places.keys},
        }
        for group, options in self._options.items():
            filled = {
                name: str(value).replace("{root}", str(places.root))
                for name, value in options.items()
            }
            site.setdefault(group, {}).update(filled)
        return site

    def _launch(self, listener: socket.socket) -> None:
        descriptor = listener.fileno()
        command = [
            str(Path(sys.executable).parent / "uwsgi"),
            "--http-socket", f"fd://{descriptor}",
            "--module", "glance.wsgi.api:application",
            "--virtualenv", sys.prefix,
            "--processes", str(self._processes),
            "--threads", "8",
            "--master", "--lazy-apps", "--need-app", "--die-on-term", "--enable-threads",
            # Loaded before the processes part, which takes most of the time that a start does; it has
            # looked at no configuration, connected to nothing and begun no thread.
            "--shared-pyimport", "tests.functional.loaded",
            "--buffer-size", "65535", "--add-header", "Connection: close",
            "--socket-timeout", "60", "--chunked-input-timeout", "60",
            "--chunked-input-limit", "268435456",
        ]  # fmt: skip
        with self.directories.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directories.root,
                env=self.environment,
                pass_fds=[descriptor],
                start_new_session=True,
            )

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are started with."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directories.root / "home"),
            "OS_GLANCE_CONFIG_DIR": str(self.directories.etc),
            # What stevedore remembers of the libraries that are here: each Glance had to find it anew.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
            # The replacements of Keystone and the key manager are among the tests.
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }

    def manage(self, *arguments: str) -> str:
        """Run ``glance-manage`` with the service's configuration."""
        self.configure()
        done = self.run("glance-manage", *arguments)
        if done.returncode:
            raise RuntimeError(f"glance-manage failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(
        self, program: str, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of Glance's or our programs with the service's configuration.

        :param environment: what the program's environment has besides the service's
        """
        return subprocess.run(
            [
                str(Path(sys.executable).parent / program),
                "--config-file",
                str(self.directories.etc / "glance-api.conf"),
                *arguments,
            ],
            env={**self.environment, **environment},
            cwd=self.directories.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                if self.client().send("GET", "/healthcheck").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                time.sleep(0.2)
        self.kill()
        raise RuntimeError(f"Glance did not start:\n{self.log[-8000:]}")


def _without_keystone(paste: str) -> str:
    """Glance's paste file with the filter ``authtoken`` replaced."""
    section = re.compile(r"(?<=\[filter:authtoken\]\n)(?:(?!\[).*\n)*")
    replaced, count = section.subn(
        f"paste.filter_factory = {identity.__name__}:filter_factory\n\n", paste
    )
    if count != 1:
        raise RuntimeError(f"{GLANCE_PASTE} has no filter authtoken")
    return replaced


def _write(path: Path, options: Options) -> None:
    parser = configparser.RawConfigParser()
    for group, values in options.items():
        # RawConfigParser has a default section of its own making.
        if group != "DEFAULT":
            parser.add_section(group)
        for name, value in values.items():
            parser.set(group, name, str(value))
    with path.open("w") as file:
        parser.write(file)
