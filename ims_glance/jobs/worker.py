# SPDX-License-Identifier: Apache-2.0
"""A worker: claims jobs, runs them in threads, keeps their leases, and tidies up.

Any number of workers share a database. A claim is a *lease* in the job's row by the clock of the
database, with a generation number as fencing token. (What the libraries have does not fit: the
jobboards of TaskFlow need ZooKeeper, etcd or Redis, which an OpenStack need not have; a lock of
tooz over MySQL ends unnoticed when the server restarts, and fences nothing.)
"""

import collections
import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping

from oslo_config import cfg
from oslo_utils import timeutils

from ims_glance import exceptions, metrics
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.messaging.wakeup import Wakeups
from ims_glance.db.database import Database, DatabaseBroken, DatabaseUnavailable
from ims_glance.db.delegation import Delegations
from ims_glance.db.job import Fenced, Jobs
from ims_glance.db.worker import Workers
from ims_glance.jobs import audit
from ims_glance.jobs.context import Abandoned, JobContext
from ims_glance.jobs.delegations import GivenDelegations
from ims_glance.jobs.engine import FlowFactory, Runner
from ims_glance.jobs.exporter import Exporter
from ims_glance.jobs.lease import Lease, clock
from ims_glance.jobs.market import scans
from ims_glance.jobs.market.usage import UsageWork
from ims_glance.jobs.market.work import MarketWork
from ims_glance.jobs.outage import Outage
from ims_glance.jobs.standing_copy import StandingWork
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus, StoredJob

LOG = logging.getLogger(__name__)

# A lease is renewed so often while it runs, but at least so often that a wish to cancel is heard.
_BEATS = 3
_LONGEST_BEAT = 5.0
# So many jobs that follow others are in a worker at once; each is a thread that sleeps.
_MOST_FOLLOWING = 64
# A worker that died is shown for so long; seconds.
_FORGOTTEN = 86400.0
# What a worker that stops gives the database for each of claims that are being made, which nobody has to
# wait for, and to be taken from the list of workers; seconds.
_LAST = 3.0
# How often it is looked whether all jobs are gone, where no lock may be waited for; seconds.
_PAUSE = 0.05


class Worker:
    """One process of the worker. Nothing is connected before :meth:`start`.

    :param job_types: job type -> what makes the flow of such a job; jobs of others are left alone
    """

    def __init__(self, conf: cfg.ConfigOpts, job_types: Mapping[str, FlowFactory]) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._conf = conf
        self._options = conf.ims_jobs
        self._job_types = job_types
        database = Database(conf)
        self._jobs = Jobs(database)
        self._workers = Workers(database)
        self._identity = Identity(conf)
        self._delegations = GivenDelegations(conf, Delegations(database), self._identity)
        self._wakeups = Wakeups(conf)
        self._runner = Runner(database, self._jobs, job_types)
        self._outage = Outage(self._options.scan_seconds)
        self._presence: threading.Thread | None = None
        self._claiming = threading.Lock()
        self._look = threading.Event()
        self._stopping = threading.Event()
        self._exporter = Exporter(conf, database, self._stopping)
        self._audit = audit.AuditRelay(conf, database, self.name, self._stopping)
        self._standing = StandingWork(conf, database, self._identity, self.name, self._stopping)
        self._market = MarketWork(conf, database, self._identity, self._stopping)
        self._usage = UsageWork(conf, database, self.name, self._stopping)
        self._scans = scans.ScanWork(conf, database, self.name, self._stopping)
        self._changed = threading.Condition()
        # Under the lock of that: threads to run jobs in that nothing holds, and what is run. By its
        # run, not by its id: a job can be here twice, if it was claimed again before its first run
        # noticed that the lease had run out.
        self._free = self._options.threads
        # Whether somebody was to begin a job and found no thread: then it is looked for again.
        self._has_turned_away = False
        self._running: set[JobContext] = set()
        # Of these, those that follow jobs of other regions. They hold none of the threads: two regions
        # whose workers had none left but for followers of each other would wait for ever.
        self._following: set[JobContext] = set()

    # --- from outside --------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look for jobs."""
        beat = min(self._options.lease_seconds / _BEATS, _LONGEST_BEAT)
        for name, work, seconds in (
            ("scan", self.scan, self._options.scan_seconds),
            ("beat", self.beat, beat),
            ("sweep", self.sweep, self._options.sweep_seconds),
            ("delegations", self._delegations.give_back, self._options.scan_seconds),
            ("audit", self._audit.send, audit.SECONDS),
            ("replications", self._standing.look, self._options.scan_seconds),
            ("market", self._market.look, self._options.scan_seconds),
            ("usage", self._usage.look, self._options.scan_seconds),
            ("scans", self._scans.look, scans.SECONDS),
        ):
            arguments = (name, work, seconds)
            threading.Thread(
                target=self._repeat, args=arguments, name=f"ims-{name}", daemon=True
            ).start()
        # Not with the leases: what an operator sees delays none.
        self._presence = threading.Thread(
            target=self._stay, args=(_LONGEST_BEAT,), name="ims-presence", daemon=True
        )
        self._presence.start()
        self._exporter.start()
        self._usage.start()

    def offer(self, job_id: str) -> None:
        """Begin a job, if it is there to be begun and there is a free thread for it."""
        if self._outage.left or not self._take_thread():
            return
        thread = threading.Thread(
            target=self._work, args=(job_id,), name=f"ims-job-{job_id}", daemon=True
        )
        try:
            # The thread claims it: were it claimed before, and the system had no thread more for this
            # process, nobody would work on it until the claim ran out.
            thread.start()
        except RuntimeError as error:
            LOG.warning("Job %s is left to other workers: %s", job_id, error)
            self._give_thread_back()

    def stop(self) -> None:
        """Let the jobs go at their next step, for other workers to go on with at once.

        When this returns, the message queue has what wakes the others up, unless it is away. Who
        listens to it for this worker stops that before: it would hear those messages itself.
        """
        with self._changed:
            self._stopping.set()
            self._look.set()
            for context in self._running:
                context.lease.end()
            self._wait_for_threads()
            left = [context.id for context in self._running]
        # Not under the lock: a log may take none.
        for job_id in left:
            LOG.warning("Job %s did not stop in time: its lease runs out", job_id)
        self._wakeups.flush()
        if self._presence is not None:
            self._presence.join(_LAST)
        self._usage.stop()
        self._exporter.stop()

    def await_jobs(self) -> None:
        """Wait until no job runs, or for ``stop_seconds``, whatever locks other threads hold."""
        end = clock() + self._options.stop_seconds
        while self._running and clock() < end:
            time.sleep(_PAUSE)

    # --- now and then --------------------------------------------------------------------------

    def scan(self) -> None:
        """Begin jobs that nobody works on, as far as there are free threads.

        :raises DatabaseBroken: rather than to begin some that could not go on
        """
        if self._outage.left:
            return
        if self._outage.is_on:
            self._runner.check()
            self._outage.look_well()
        threads = self._options.threads
        for job_id in self._jobs.claimable(self._types(), threads, self._satisfied()):
            self.offer(job_id)

    def beat(self) -> None:
        """Renew the leases of the running jobs."""
        with self._changed:
            running = list(self._running)
        for context in running:
            self._renew(context)

    def tell_presence(self) -> None:
        """Tell that this worker runs, whether it has a job or not."""
        self._workers.hear(self.name, self._options.threads)

    def sweep(self) -> None:
        """Delete old records."""
        self._workers.forget(_FORGOTTEN)
        for job_id in self._jobs.old(self._options.keep_days):
            self._runner.forget(job_id)
            self._jobs.delete(job_id)
        self._audit.prune()
        self._standing.sweep()
        self._usage.sweep()

    # --- inside --------------------------------------------------------------------------------

    def _wait_for_threads(self) -> None:
        """Wait, under the lock, for the threads of jobs.

        Not only for what runs: a claim that is being made would run out with nobody there. But a
        database that does not answer makes none, and an idle worker does not wait for that.
        """
        begun = clock()
        while self._free < self._options.threads or self._following:
            longest = self._options.stop_seconds
            if not self._running:
                longest = min(longest, _LAST)
            left = begun + longest - clock()
            if left <= 0:
                return
            self._changed.wait(left)

    def _repeat(self, name: str, work: Callable[[], None], seconds: float) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except DatabaseBroken as error:
                self._outage.meet(error)
            except exceptions.Unavailable as error:
                LOG.warning("The worker's %s waits: %s", name, error)
            except Exception:  # boundary: the worker goes on, and tries again at the next round
                LOG.exception("The worker's %s failed", name)
            if self._outage.left and name != "beat":
                # Nobody wakes it up from that. What runs keeps its lease meanwhile, if it can.
                self._stopping.wait(max(seconds, self._outage.left))
            elif name == "scan":
                self._look.wait(seconds)
                self._look.clear()
            else:
                self._stopping.wait(seconds)

    def _stay(self, seconds: float) -> None:
        """Be there for operators, until the worker stops."""
        self._repeat("presence", self.tell_presence, seconds)
        with contextlib.suppress(exceptions.Unavailable):
            self._workers.leave(self.name)

    def _types(self) -> list[str]:
        """The types of which jobs can be begun here now."""
        with self._changed:
            is_full = len(self._following) >= _MOST_FOLLOWING
        left_out = model.FOLLOWING if is_full else ()
        return [each for each in self._job_types if each not in left_out]

    def _satisfied(self) -> list[str]:
        """Projects that get no more of this worker's threads now.

        All but one is as much as a project gets: whoever comes next finds one free.
        """
        most = max(1, self._options.threads - 1)
        with self._changed:
            at_work = self._running - self._following
        held = collections.Counter(context.project_id for context in at_work)
        return [project_id for project_id, count in held.items() if count >= most]

    def _take_thread(self) -> bool:
        with self._changed:
            if self._stopping.is_set() or not self._free:
                self._has_turned_away = True
                return False
            self._free -= 1
            return True

    def _give_thread_back(self, context: JobContext | None = None) -> None:
        with self._changed:
            if context is not None:
                self._running.discard(context)
            if context in self._following:
                self._following.discard(context)
                self._changed.notify_all()
            else:
                self._free_one()

    def _free_one(self) -> None:
        """There is one thread more (under the lock)."""
        self._free += 1
        if self._has_turned_away:
            self._has_turned_away = False
            self._look.set()
        self._changed.notify_all()

    def _let_follow(self, context: JobContext) -> bool:
        """Let a job that follows another one hold no thread of those that work.

        :returns: whether it may go on; not if as many are here as there may be
        """
        if context.job.type not in model.FOLLOWING:
            return True
        with self._changed:
            if len(self._following) >= _MOST_FOLLOWING:
                return False
            self._following.add(context)
            self._free_one()
            return True

    def _work(self, job_id: str) -> None:
        context, is_done = None, False
        try:
            context = self._claimed(job_id)
            if context is not None:
                context.log_here()
                if self._let_follow(context):
                    is_done = self._go_on(context)
                else:
                    self._let_go(context.job)
        except DatabaseBroken as error:
            self._outage.meet(error)
        except exceptions.Unavailable as error:
            LOG.warning("Job %s is not begun: %s", job_id, error)
        finally:
            self._give_thread_back(context)
            if is_done:
                # Of its project, perhaps another one.
                self._look.set()

    def _claimed(self, job_id: str) -> JobContext | None:
        """A job that is this worker's now; ``None`` if it is another's, or not to be begun here."""
        # One after the other: two at once would both count what a project has before them.
        with self._claiming:
            begun = clock()
            # Also of one that a message tells of: it may be of a newer version.
            job = self._jobs.claim(
                job_id,
                self.name,
                self._options.lease_seconds,
                self._satisfied(),
                self._types(),
            )
            if job is None:
                return None
            lease = Lease(self._end_of_lease(begun))
            if job.cancel_requested:
                lease.cancel()
            context = JobContext(self._conf, job, self._jobs, self._identity, lease)
            self._enter(context)
        return context

    def _enter(self, context: JobContext) -> None:
        """Count a job among the running ones; an earlier run of it, which lost its claim, ends."""
        with self._changed:
            for older in self._running:
                if older.id == context.id:
                    older.lease.end()
            if self._stopping.is_set():
                context.lease.end()
            self._running.add(context)

    def _go_on(self, context: JobContext) -> bool:
        """Work on a job; whether something can be begun at once, this one perhaps.

        Not while the database is away: the job would be begun again and again, and be given up.
        """
        job = context.job
        LOG.info("Job %s (%s) begins, generation %s", job.id, job.type, job.generation)
        try:
            self._run(context)
            if self._outage.is_on:
                self._outage.end()
        except Abandoned as reason:
            if isinstance(reason.__cause__, DatabaseBroken):
                self._outage.meet(reason.__cause__, by_job=True)
            else:
                LOG.warning("Job %s is let go: %s", job.id, reason)
            self._let_go(job)
            return not isinstance(reason.__cause__, DatabaseUnavailable)
        except Exception:  # boundary: the lease runs out, and the job is begun again
            LOG.exception("Job %s broke off", job.id)
        return True

    def _run(self, context: JobContext) -> None:
        job = context.job
        context.grant = self._delegations.grant(job.delegation_id)
        context.source_grant = self._delegations.grant(job.source_delegation_id)
        if job.generation == 1:
            metrics.job_began(job.type, _age(job))
        status = self._runner.run(context)
        size = context.done_bytes if status is JobStatus.SUCCESS else 0
        metrics.job_ended(job.type, status, _age(job), size)
        self._delegations.leave(job)

    def _let_go(self, job: StoredJob) -> None:
        try:
            self._jobs.release(job)
        except (Fenced, exceptions.Unavailable):
            return
        if self._stopping.is_set():
            self._wakeups.send(job.id)

    def _renew(self, context: JobContext) -> None:
        seconds = self._options.lease_seconds
        begun = clock()
        try:
            is_cancelled = self._jobs.renew(context.job, seconds)
        except Fenced:
            context.lease.end()
            return
        context.lease.until = self._end_of_lease(begun)
        if is_cancelled and not context.lease.is_cancelled:
            context.lease.cancel()

    def _end_of_lease(self, begun: float) -> float:
        """When to stop by oneself: some time before the lease ends in the database."""
        return begun + float(self._options.lease_seconds) * (1 - 0.5 / _BEATS)


def _age(job: StoredJob) -> float:
    """Seconds since a job was accepted."""
    return (timeutils.utcnow() - job.begin_time).total_seconds() if job.begin_time else 0.0
