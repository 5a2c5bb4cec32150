# SPDX-License-Identifier: Apache-2.0
"""What processes count, for Prometheus: jobs that ended, and calls of the key manager.

Each process counts by itself. With ``PROMETHEUS_MULTIPROC_DIR`` in their environment prometheus_client
keeps the numbers of all processes of a host in that folder, and one of them tells the sum: that is
the way for Glance, whose processes no Prometheus reaches one by one. Without the library nothing is
counted. (oslo.metrics, which oslo.messaging has for its own calls, takes no metrics of others.)
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import prometheus_client
else:
    try:
        import prometheus_client
    except ImportError:
        prometheus_client = None

LOG = logging.getLogger(__name__)

_is_told = False
_MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"
_MINUTE, _HOUR = 60, 3600
_OF_JOBS = (1, 5, 15, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 24 * _HOUR)
_OF_CALLS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)

if prometheus_client is not None:
    _REGISTRY = prometheus_client.CollectorRegistry()
    _JOB_SECONDS = prometheus_client.Histogram(
        "ims_job_seconds",
        "From the acceptance of jobs to their end.",
        ("type", "status"),
        buckets=_OF_JOBS,
        registry=_REGISTRY,
    )
    _WAIT_SECONDS = prometheus_client.Histogram(
        "ims_job_wait_seconds",
        "From the acceptance of jobs to their beginning.",
        ("type",),
        buckets=_OF_JOBS,
        registry=_REGISTRY,
    )
    _JOB_BYTES = prometheus_client.Counter(
        "ims_job_bytes",
        "Bytes that successful jobs moved.",
        ("type",),
        registry=_REGISTRY,
    )
    _KEY_MANAGER_SECONDS = prometheus_client.Histogram(
        "ims_key_manager_seconds",
        "Calls of the key manager.",
        ("operation", "outcome"),
        buckets=_OF_CALLS,
        registry=_REGISTRY,
    )


def is_installed() -> bool:
    """Whether anything is counted."""
    return prometheus_client is not None


def registry() -> "prometheus_client.CollectorRegistry":
    """What this process counted, or all that share its folder; a new one, to which more may be added."""
    if os.environ.get(_MULTIPROC):
        from prometheus_client import multiprocess  # noqa: PLC0415

        made = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(made)  # type: ignore[no-untyped-call]
        return made
    made = prometheus_client.CollectorRegistry()
    made.register(_REGISTRY)
    return made


def job_began(job_type: str, seconds: float) -> None:
    """Count a job that was begun for the first time, so long after it was accepted."""
    _count(lambda: _WAIT_SECONDS.labels(job_type).observe(seconds))


def job_ended(job_type: str, status: str, seconds: float, size: int) -> None:
    """Count a job that ended.

    :param seconds: since it was accepted
    :param size: bytes that it moved; 0 for one that failed
    """
    _count(lambda: _JOB_SECONDS.labels(job_type, status).observe(seconds))
    _count(lambda: _JOB_BYTES.labels(job_type).inc(size))


@contextlib.contextmanager
def key_manager_call(operation: str) -> Iterator[None]:
    """Count what is done inside as one call of the key manager.

    :param operation: ``read``, ``list``, ``make`` or ``allow``
    """
    begun, outcome = time.monotonic(), "success"
    try:
        yield
    except Exception as error:
        outcome = type(error).__name__
        raise
    finally:
        seconds = time.monotonic() - begun
        _count(lambda: _KEY_MANAGER_SECONDS.labels(operation, outcome).observe(seconds))


def _count(observe: Callable[[], None]) -> None:
    """Nobody's work fails because it is not counted: the folder may be missing, or full."""
    global _is_told  # noqa: PLW0603
    if prometheus_client is None:
        return
    try:
        observe()
    except Exception as error:  # boundary: whatever the library makes of its folder
        if not _is_told:
            _is_told = True
            LOG.warning("Nothing is counted for Prometheus here: %s", error)
