# SPDX-License-Identifier: Apache-2.0
"""Answers Prometheus: what the processes of this host counted, and how the tables are now.

What it reads from the tables is the same wherever it is asked.
"""

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from oslo_config import cfg

from ims_glance import metrics
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.db.supervision import Figures, Supervision

if TYPE_CHECKING:
    from prometheus_client import Metric

LOG = logging.getLogger(__name__)

# How often a worker looks whether the port is free; seconds.
_PAUSE = 10.0


class Tables:
    """A collector of prometheus_client: it is asked anew at each scrape."""

    def __init__(self, database: Database) -> None:
        self._supervision = Supervision(database)

    def collect(self) -> Iterator["Metric"]:
        """The metrics; only the first one while the database is away."""
        # The library is optional.
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        try:
            found: Figures | None = self._supervision.figures()
        except DatabaseUnavailable as error:
            LOG.warning("Metrics: %s", error)
            found = None
        yield GaugeMetricFamily(
            "ims_database_up", "Whether the database of jobs answers.", float(found is not None)
        )
        if found is None:
            return
        jobs = GaugeMetricFamily(
            "ims_jobs_unfinished", "Jobs that have not ended.", labels=("type", "status")
        )
        for (job_type, status), count in found.unfinished.items():
            jobs.add_metric((job_type, status), count)
        yield jobs
        for name, text, value in (
            ("ims_jobs_waiting", "Unfinished jobs that no worker has.", found.waiting),
            ("ims_jobs_oldest_wait_seconds", "Age of the oldest of them.", found.oldest_wait),
            ("ims_workers", "Workers that were heard of in the last minute.", found.workers),
            ("ims_audit_events_unsent", "Audit events that wait to be sent.", found.unsent),
            (
                "ims_audit_events_oldest_unsent_seconds",
                "Age of the oldest of them.",
                found.oldest_unsent,
            ),
        ):
            yield GaugeMetricFamily(name, text, value)


class Exporter:
    """The server of one worker. It begins as soon as no other has the port, and ends with the process."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database, stopping: threading.Event) -> None:
        self._options = conf.ims_metrics
        self._database = database
        self._stopping = stopping
        self._server: Any = None

    def start(self) -> None:
        """Begin, if a port is configured."""
        if self._options.bind_port is None:
            return
        if not metrics.is_installed():
            LOG.error(
                "[ims_metrics] bind_port is set, but there are no metrics: install "
                "'ims_glance[metrics]' here"
            )
            return
        threading.Thread(target=self._serve, name="ims-metrics", daemon=True).start()

    def stop(self) -> None:
        """Let another worker have the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _serve(self) -> None:
        from prometheus_client import start_http_server  # noqa: PLC0415

        registry = metrics.registry()
        registry.register(Tables(self._database))
        host, port = self._options.bind_host, self._options.bind_port
        is_told = False
        while not self._stopping.is_set():
            try:
                self._server, _thread = start_http_server(port, host, registry)
            except OSError as error:
                if not is_told:
                    LOG.info("Metrics are not told here yet: %s port %s: %s", host, port, error)
                    is_told = True
                self._stopping.wait(_PAUSE)
            else:
                LOG.info("Metrics are at http://%s:%s/metrics", host, port)
                return
