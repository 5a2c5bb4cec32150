# SPDX-License-Identifier: Apache-2.0
"""All that outlives a worker: the small cloud, our database, and TaskFlow's records.

Any moment of a job can be kept, and gone back to: that is how the death of a worker looks to all
others, of whatever it died.
"""

import contextlib
import dataclasses
import datetime
import hashlib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import pytest
import requests
import sqlalchemy
from glance_store import exceptions as store_exceptions
from oslo_db.sqlalchemy import engines
from taskflow.persistence.backends import impl_memory

from ims_glance import keys
from ims_glance.clouds import ec2, objects
from ims_glance.clouds.objects import s3
from ims_glance.clouds.objects.large_s3 import S3LargeFile
from ims_glance.db.job import Jobs
from ims_glance.db.schema import GUEST_REPORTS
from ims_glance.flows.files import guest, written
from ims_glance.jobs import engine as jobs_engine
from ims_glance.jobs import lease
from ims_glance.jobs.context import JobContext
from ims_glance.store import spools
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore, ObjectReader, StoredObject
from ims_glance.writers import parts
from tests.unit import job_database
from tests.unit.flows.direct_cloud import MARKET, URL, DirectCloud, Kept, copied
from tests.unit.flows.small_guests import SmallGuests

# So patient that a neighbour is asked a few times, and not hundreds of times; and one after the other: what
# threads do is not the same each time.
_OPTIONS: dict[str, float] = {
    "delegation_idle_seconds": 0.0,
    "patience_seconds": 10.0,
    "region_patience_seconds": 10.0,
    "volume_seconds_per_gib": 1.0,
    "replication_disks": 1,
}

S3_SECRET = "very-secret"
EXPORTED_PART = 1 << 10
"""Bytes of the parts of a file that an export writes, where the blocks of its format are not larger."""
_THEN = datetime.datetime(2026, 11, 25)

Watch = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Saved:
    """A moment.

    :ivar database: its file
    :ivar records: those of TaskFlow: what is known of each path
    :ivar version: how often those were written
    """

    cloud: Kept
    database: bytes
    records: Mapping[str, Mapping[str, Any]]
    version: int

    def is_as(self, other: "Saved", cloud: DirectCloud) -> bool:
        """Whether nothing lies between two moments of the same job that a worker could see."""
        seen, seen_then = (cloud.visible(each.cloud) for each in (self, other))
        return (self.version, self.database, seen) == (other.version, other.database, seen_then)


class World:
    """One at a time.

    :param kind: of its cloud
    :ivar version: how often TaskFlow's records were written
    :ivar known_of_tasks: what those say of each task
    :ivar watch: called with what a worker is about to write
    """

    def __init__(self, kind: type[DirectCloud] = DirectCloud) -> None:
        self._kind = kind
        self.tables = job_database.Tables(job_database.IN_MEMORY)
        for name, value in _OPTIONS.items():
            self.tables.conf.set_override(name, value, "ims_jobs")
        # Nobody waits for the processor here, which oslo.db would offer after each transaction.
        engine = self.tables.database.engine
        sqlalchemy.event.remove(engine, "checkin", engines._thread_yield)
        self.tables.conf.set_override("project", MARKET, "ims_market")
        self.cloud = self._kind()
        self.jobs = _WatchedJobs(self)
        self.records = impl_memory.MemoryBackend({})
        self.records.memory = _memory({})
        self.records.get_connection().upgrade()
        self.version = 0
        self.known_of_tasks: dict[str, Any] = {}
        self.watch: Watch = lambda _what: None
        self._empty = self.saved()

    def saved(self) -> Saved:
        """This moment."""
        with self._connection() as connection:
            database = connection.serialize()
        return Saved(self.cloud.kept(), database, _known(self.records.memory), self.version)

    def restore(self, saved: Saved) -> None:
        """Go back to a moment; what has run since then has another cloud, and writes nowhere."""
        self.cloud = self._kind()
        self.cloud.restore(saved.cloud)
        self.cloud.database = self.tables.database
        with self._connection() as connection:
            connection.deserialize(saved.database)
        self.records.memory = _memory(saved.records)
        self.version = saved.version
        self.known_of_tasks = {}
        self.watch = lambda _what: None

    def keep_reports(self) -> None:
        """Have our database keep what the cloud says that it does."""
        rows = [
            {"image_id": image_id, "project_id": "demo", "content": content, "made_at": _THEN}
            for image_id, content in self.cloud.reports.items()
        ]
        if rows:
            insert = sqlalchemy.insert(GUEST_REPORTS)
            self.tables.database.write(lambda each: each.execute(insert, rows))

    def reports(self) -> dict[str, Any]:
        """What is kept of the systems in images, by image."""
        query = sqlalchemy.select(GUEST_REPORTS)
        rows = self.tables.database.read(lambda each: each.execute(query).mappings().all())
        return {row["image_id"]: row["content"] for row in rows}

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Any]:
        """SQLite's own."""
        with contextlib.closing(self.tables.database.engine.raw_connection()) as pooled:
            yield pooled.driver_connection

    def clear(self) -> None:
        """Begin anew."""
        self.restore(self._empty)


def _memory(known: Mapping[str, Mapping[str, Any]]) -> impl_memory.FakeFilesystem:
    """What TaskFlow's memory backend keeps its records in: each value there is a copy, that nobody changes."""
    memory = impl_memory.FakeFilesystem()
    memory._copier = copied
    for path, what in known.items():
        if path != memory.root_path:
            folder, name = memory.split(path)
            node = memory._insert_child(memory._fetch_node(folder), name)
            node.metadata.update(what)
    return memory


def _known(memory: impl_memory.FakeFilesystem) -> Mapping[str, Mapping[str, Any]]:
    """What is known of each path, folders before what is in them."""
    return {path: dict(node.metadata) for path, node in memory._reverse_mapping.items()}


class _WatchedJobs(Jobs):
    """The table of jobs, as workers have it."""

    def __init__(self, world: World) -> None:
        super().__init__(world.tables.database)
        self._world = world

    def __getattribute__(self, name: str) -> Any:
        if name in ("record_image_id", "progress", "record_failure", "add_to_failure", "finish"):
            super().__getattribute__("_world").watch(f"the job's record ({name})")
        return super().__getattribute__(name)


class SmallInner(InnerStore):
    """The inner store of whatever cloud there is now: objects in its memory."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def _stored(self) -> dict[str, bytes]:
        return self._world.cloud.stored

    def uri(self, name: str) -> str:
        """Nobody asks for it."""
        raise NotImplementedError

    def objects(self, prefix: str = NAME_PREFIX) -> Iterator[StoredObject]:
        """All there are."""
        now = datetime.datetime.now(datetime.UTC)
        yield from [StoredObject(name, now) for name in self._stored if name.startswith(prefix)]

    def put(self, name: str, chunks: Iterable[Any], size: int) -> None:
        """Write one; the worker may die before that."""
        if name in self._stored:
            raise store_exceptions.Duplicate(image=name)
        data = b"".join(map(bytes, chunks))
        self._world.watch(f"object {name}")
        self._stored[name] = data

    def open(self, name: str) -> ObjectReader:
        """Open one."""
        if name not in self._stored:
            raise store_exceptions.NotFound(image=name)
        return _SmallReader(self._stored[name])

    def delete(self, name: str) -> None:
        """Delete one; the worker may die before that."""
        if name not in self._stored:
            raise store_exceptions.NotFound(image=name)
        self._world.watch(f"the end of object {name}")
        del self._stored[name]


class _SmallReader:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]

    def close(self) -> None:
        """Nothing is open."""


class SmallKeys:
    """A key manager whose keys are always there, and are no things of the cloud."""

    def wrapping_key(self, key_id: str) -> bytes:
        """A key."""
        return hashlib.sha256(key_id.encode()).digest()

    present_key = wrapping_key

    def caller_key(self, _context: Any, key_id: str) -> bytes:
        """Everybody may read all."""
        return self.wrapping_key(key_id)

    def default_key(self, context: Any) -> str:
        """That of the caller's project."""
        return f"default of {context.project_id}"

    def open_to_service(self, _context: Any, _key_id: str) -> None:
        """All are."""


class _Records:
    """As much of TaskFlow's backend as the engine uses."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_connection(self) -> Any:
        return _Connection(self._world)


class _Connection:
    def __init__(self, world: World) -> None:
        self._world = world
        self._connection = world.records.get_connection()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("save", "update")):
            self._world.watch(f"TaskFlow's records ({name})")
            self._world.version += 1
        return getattr(self._connection, name)

    def update_atom_details(self, atom: Any) -> Any:
        """Of one task; how far it is by its own account is nothing that others act on."""
        known = {name: value for name, value in atom.to_dict().items() if name != "meta"}
        if self._world.known_of_tasks.get(atom.uuid) != known:
            self._world.watch(f"TaskFlow's record of '{atom.name}' ({atom.state})")
            self._world.version += 1
        self._world.known_of_tasks[atom.uuid] = known
        return self._connection.update_atom_details(atom)


def equip(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Have workers find a store and keys for what is on its way between regions, and look into disks."""
    small_keys = SmallKeys()
    monkeypatch.setattr(keys, "of_process", lambda _conf: small_keys)
    monkeypatch.setattr(spools, "find", lambda _conf: SmallInner(world))
    monkeypatch.setattr(guest, "guests", SmallGuests())
    monkeypatch.setattr(guest, "LEAST", 0)

    def transport() -> requests.Session:
        return world.cloud.transport()

    world.tables.conf.set_override("s3_endpoint", URL, "ims_files")
    monkeypatch.setattr(objects, "_credential", lambda _conf, reader: _credential(reader))
    monkeypatch.setattr(s3, "new_session", transport)
    # An export has several parts all the same.
    monkeypatch.setattr(parts, "UNIT", EXPORTED_PART)
    monkeypatch.setattr(written, "PART", EXPORTED_PART)
    monkeypatch.setattr(written, "WORTH", 0)
    monkeypatch.setattr(S3LargeFile, "least_part", 0)


def _credential(reader: objects.FileReader) -> ec2.Credential:
    return ec2.Credential(str(reader.access_key), S3_SECRET, reader.user_id, reader.project_id)


def remember(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Have TaskFlow keep its records in memory: each write costs less by far.

    That it keeps them in the database as well, under the fence, is shown in ``test_engine``.
    """
    monkeypatch.setattr(jobs_engine, "_FencedBackend", lambda _engine, _context: _Records(world))


def still_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have time pass only while a job waits, and at once then."""
    now = [1e6]

    def pause(job: JobContext, seconds: float) -> None:
        job.check()
        now[0] += max(seconds, 0.01)
        job.check()

    clock = types.SimpleNamespace(clock_gettime=lambda _clock: now[0], CLOCK_BOOTTIME=0)
    monkeypatch.setattr(lease, "time", clock)
    monkeypatch.setattr(JobContext, "pause", pause)
