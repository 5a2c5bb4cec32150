# SPDX-License-Identifier: Apache-2.0
"""Real flows against a small cloud, by workers that die between any two requests."""

import contextlib
from collections.abc import Callable
from typing import Any

from ims_glance import flows
from ims_glance.clouds.region import Region
from ims_glance.jobs.context import Abandoned, JobContext
from ims_glance.jobs.engine import Runner
from ims_glance.model.job import SERVER_BACKUP, StoredJob
from tests.unit.clouds.cloud_server import CloudServer
from tests.unit.jobs import job_bench

_LONGEST = 200
_IMAGE_ID = "{0}{0}{0}{0}{0}{0}{0}{0}-0000-4000-8000-555555555555"


class CloudBench:
    """Runs jobs of the real types.

    :param tables: of our database
    :ivar far: the other region
    :ivar watch: called with ``METHOD path`` before a request of a first worker is served
    """

    def __init__(self, tables: Any, server: CloudServer) -> None:
        self.tables = tables
        self.server = server
        self.far = server
        self.watch: Callable[[str], None] = lambda _request: None
        self._runner = Runner(tables.database, tables.jobs, flows.JOB_TYPES)
        tables.conf.set_override("patience_seconds", 5.0, "ims_jobs")
        tables.conf.set_override("volume_seconds_per_gib", 0.0, "ims_jobs")
        tables.conf.set_override("region_patience_seconds", 5.0, "ims_jobs")

    def run(
        self,
        job_type: str,
        dies_at: int = 0,
        cancels_at: int = 0,
        number: int = 1,
        **arguments: Any,
    ) -> StoredJob:
        """Bring a job to its end.

        :param dies_at: number of the request before which the first worker loses the job
        :param cancels_at: number of the request before which the job is cancelled
        :param number: of the job
        """
        creates = "name" in arguments and job_type != SERVER_BACKUP
        job = self._connected(
            job_bench.context(
                self.tables,
                number,
                type=job_type,
                project_id="demo",
                arguments=arguments,
                image_id=_IMAGE_ID.format(str(4 + number)) if creates else None,
                creates_image=creates,
            )
        )
        first = len(self.server.requests)

        def before(request: str) -> None:
            at = len(self.server.requests) - first
            self.watch(request)
            if at == dies_at:
                job.lease.end()
            if at == cancels_at:
                job.lease.cancel()

        self.server.before = before
        with contextlib.suppress(Abandoned):
            self._runner.run(job)
        self.server.before = lambda _request: None
        if not self.tables.jobs.get(job.id).is_finished:
            self._runner.run(self._connected(job_bench.again(self.tables, job)))
        ended: StoredJob = self.tables.jobs.get(job.id)
        assert len(self.server.requests) - first < _LONGEST
        return ended

    def _connected(self, job: JobContext) -> JobContext:
        job.session = self.server.session()
        if "source_region" in job.arguments:
            there = Region(self.far.session())
            job.source_region = there.elsewhere(job.arguments["source_region"])
        return job
