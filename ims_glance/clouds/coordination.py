# SPDX-License-Identifier: Apache-2.0
"""Locks that hold between all processes of the service, through tooz."""

import collections
import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from oslo_concurrency import lockutils
from oslo_config import cfg
from stevedore.exception import NoMatches
from tooz import ToozError, coordination

from ims_glance import exceptions

_PATIENCE = 30.0


class CoordinationUnavailable(exceptions.Unavailable):
    """The coordination backend gave no lock."""

    template = "The coordination backend of the Image service is unavailable ({reason})."


# Of this driver each new lock costs 30 ms of a processor: it has a connection object of its own, for which PyMySQL
# (1.2) reads the certificates of all authorities. It opens the connection when it is acquired and closes it when it
# is released, so those of the names that were locked last are kept. Each has about a megabyte.
_KEPT_OF = "tooz.drivers.mysql"
_KEPT = 16


class _Coordinators:
    """A started coordinator for each process and backend: no open connection survives a fork."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._started: dict[tuple[int, str], Any] = {}
        # Locks that nobody holds, by what they lock.
        self._idle: collections.OrderedDict[tuple[int, str, bytes], Any] = collections.OrderedDict()

    def lock(self, url: str, name: bytes) -> Any:
        """A lock that is not held; to be given to :meth:`released` after it was."""
        with self._mutex:
            idle = self._idle.pop((os.getpid(), url, name), None)
        return self.get(url).get_lock(name) if idle is None else idle

    def released(self, url: str, name: bytes, held: Any) -> None:
        """Keep a lock for the next one who wants it, if that saves anything."""
        if type(held).__module__ == _KEPT_OF:
            with self._mutex:
                self._idle[os.getpid(), url, name] = held
                if len(self._idle) > _KEPT:
                    self._idle.popitem(last=False)

    def get(self, url: str) -> Any:
        place = os.getpid(), url
        with self._mutex:
            if place not in self._started:
                member = f"ims-{os.getpid()}-{threading.get_ident()}".encode()
                coordinator = coordination.get_coordinator(url, member)
                # Locks of etcd, Redis and memcached end by themselves unless somebody beats for them.
                coordinator.start(start_heart=True)
                self._started[place] = coordinator
            return self._started[place]

    def forget(self, url: str) -> None:
        with self._mutex:
            coordinator = self._started.pop((os.getpid(), url), None)
        if coordinator is not None:
            # Not stopped whole: that would wait for the backend, which is away.
            coordinator.heart.stop()


_COORDINATORS = _Coordinators()
# What this thread holds: a handler of the IMS API changes an image by a request of its own to the
# Image API, whose guard asks for the same lock.
_HELD = threading.local()


@contextlib.contextmanager
def lock(conf: cfg.ConfigOpts, kind: str, name: str) -> Iterator[None]:
    """Hold the lock of *kind* (``project``, ``image``, ...) and *name*; a thread may do so twice.

    :raises CoordinationUnavailable: if the backend is away, or somebody else holds it for too long
    """
    url = conf.ims_kms.coordination_url or f"file://{_directory(conf)}"
    # MySQL's names of locks have 64 characters at most.
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    place = os.getpid(), url, f"ims-{kind}-{digest}"
    label = place[2].encode()
    mine: set[tuple[int, str, str]] = _HELD.__dict__.setdefault("places", set())
    if place in mine:
        yield
        return
    try:
        held = _COORDINATORS.lock(url, label)
        acquired = held.acquire(blocking=_PATIENCE)
    except (ToozError, NoMatches) as error:
        _COORDINATORS.forget(url)
        raise CoordinationUnavailable(reason=type(error).__name__) from None
    except OSError as error:
        # The folder of locks is another user's: of whoever ran a command as root, say.
        raise CoordinationUnavailable(
            reason=f"{type(error).__name__}: {error.filename or error}"
        ) from None
    except ImportError as error:
        # A driver of tooz whose library is not there; that is the operator's choice, as Glance's is.
        raise CoordinationUnavailable(reason=str(error)) from None
    if not acquired:
        raise CoordinationUnavailable(reason=f"the lock of this {kind} is held by another request")
    mine.add(place)
    try:
        yield
    finally:
        mine.discard(place)
        # A backend that went away has let the lock go.
        with contextlib.suppress(ToozError):
            held.release()
            _COORDINATORS.released(url, label, held)


def _directory(conf: cfg.ConfigOpts) -> str:
    directory = lockutils.get_lock_path(conf) or tempfile.gettempdir()
    return os.path.join(str(directory), "ims-glance-locks")
