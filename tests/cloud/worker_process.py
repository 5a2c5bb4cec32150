# SPDX-License-Identifier: Apache-2.0
"""``ims-worker`` with what a test wants: small flows of its own, a topic, deaths at given points.

A process forked for it runs :func:`main`; the product has no hooks for this.
"""

import os
import signal
import time
from typing import Any

from oslo_config import cfg
from taskflow import engines
from taskflow.engines.action_engine import engine as action_engine
from taskflow.patterns import linear_flow

from ims_glance import exceptions, flows
from ims_glance.cmd import worker
from ims_glance.jobs.task import Task


class Away(exceptions.Unavailable):
    """A neighbour that is away, as a test wants it."""

    template = "It is away."


class NoLuck(exceptions.ImsError):
    """A failure, as a test wants it."""

    code = "IMG.0057"
    template = "No luck."


class MakeImage(Task):
    """Makes the job's image, without data."""

    def execute(self):
        images = self.job.image
        if images.find(str(self.job.image_id)) is None:
            body = {"id": self.job.image_id, "name": self.job.arguments["name"]}
            images.create({**body, "disk_format": "raw", "container_format": "bare"})

    def revert(self, **_):
        self.job.image.delete(str(self.job.image_id))


class Linger(Task):
    """Counts for a while."""

    def execute(self):
        seconds = self.job.arguments.get("seconds", 0)
        for second in range(seconds):
            self.job.progress(second, seconds)
            self.job.pause(1)
        self.job.progress(seconds, seconds)


class Finish(Task):
    """Ends well, or not."""

    def execute(self):
        how = self.job.arguments.get("end", "well")
        if how == "fail":
            raise NoLuck
        if how == "broken":
            raise KeyError("gAAAAABm-a-secret-" + "x" * 60)
        if how == "away":
            raise Away


def small(context):
    """The flow of job type ``testSmall``."""
    flow = linear_flow.Flow("small")
    return flow.add(MakeImage(context), Linger(context), Finish(context))


class Dying:
    """Kills this process once, in the middle of a step or when its end is recorded.

    :param task: name of the task, or ``None`` for none
    :param point: its state in TaskFlow: ``RUNNING``, ``SUCCESS``, ``REVERTING``, ``REVERTED``
    :param mark: a file that is made at death, so that the next process lives
    """

    def __init__(self, task: str | None, point: str, mark: str) -> None:
        self.task, self.point, self.mark = task, point, mark

    def __call__(self, state: str, details: dict[str, Any]) -> None:
        if details["task_name"] != self.task or state != self.point or os.path.exists(self.mark):
            return
        with open(self.mark, "x"):
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)


class Slow:
    """Makes each task last longer, so that more can happen meanwhile."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, state: str, _details: dict[str, Any]) -> None:
        if state in ("RUNNING", "REVERTING"):
            time.sleep(self.seconds)


def watched(listener: Any) -> None:
    """Have TaskFlow tell of each task's states."""
    original = engines.load

    def load(*positional: Any, **named: Any) -> action_engine.ActionEngine:
        loaded = original(*positional, **named)
        loaded.atom_notifier.register("*", listener)
        return loaded

    engines.load = load


def main(wish: dict[str, Any]) -> int:
    """Run a worker.

    :param wish: ``connection`` of [ims_database], ``options`` of [ims_jobs], and optionally
        ``die`` (arguments of :class:`Dying`) and ``slow`` (of :class:`Slow`)
    """
    conf = cfg.CONF
    worker.read_configuration(conf, [])
    conf.set_override("connection", wish["connection"], "ims_database")
    for name, value in wish["options"].items():
        conf.set_override(name, value, "ims_jobs")
    if "die" in wish:
        watched(Dying(**wish["die"]))
    if "slow" in wish:
        watched(Slow(wish["slow"]))
    return worker.run(conf, {**flows.JOB_TYPES, "testSmall": small})
