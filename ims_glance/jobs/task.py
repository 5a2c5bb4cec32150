# SPDX-License-Identifier: Apache-2.0
"""The base of all tasks.

A task's ``execute`` and ``revert`` are *idempotent*: a worker that died in the middle, or after the
end but before that was recorded, makes another begin them again. What they return is recorded, so
it is JSON and holds no secret. A ``revert`` undoes what its own ``execute`` may have done, also if
that failed half-way or nobody knows how far it came (``result`` is a ``Failure`` then, or
``None``).
"""

import functools
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import tenacity
from taskflow import task as taskflow_task

from ims_glance import exceptions
from ims_glance.jobs.context import Abandoned, JobContext
from ims_glance.jobs.lease import clock
from ims_glance.model import job as model

LOG = logging.getLogger(__name__)

# Between two attempts while a neighbour is away; seconds.
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0

# Of the time in which neighbours answered, so much is won back of the patience that was used up before.
# A wait of hours outlives many a hiccup; a task that meets the same trouble after each while does not.
_WON_BACK = 0.02

# Shorter waits are not recorded; seconds.
_WORTH_RECORDING = 5.0

Method = Callable[..., Any]


class TaskBroken(exceptions.ImsError):
    """A task met something that nobody thought of."""

    template = (
        "Task {task} failed with an internal error ({error}). The log of ims-worker has more under "
        "the job's id."
    )


class NotUndone(exceptions.ImsError):
    """No worker can go on with a job, nor undo it."""

    template = (
        "No worker can go on with the job ({task}: internal error ({error})), and nothing of it was undone: what Nova and "
        "Cinder made for it is called {name}. The log of ims-worker has more under the job's id."
    )


class Task(taskflow_task.Task):  # type: ignore[misc]
    """A task of a job.

    ``execute`` and ``revert`` of subclasses are tried again while they raise ``Unavailable``, as
    long as the job's patience lasts; before each attempt the job is looked at
    (:meth:`JobContext.check`). Every other exception fails the job, with the error's code and
    message as its reason.

    :param name: of the task, unique in its flow and short: clients see it (``current_task``)
    """

    def __init__(self, job: JobContext, name: str | None = None, **settings: Any) -> None:
        self.job = job
        super().__init__(name=name or _words(type(self).__name__), **settings)

    def __init_subclass__(cls, **settings: Any) -> None:
        """Put the patience around the methods that a subclass defines."""
        super().__init_subclass__(**settings)
        for name, around in (("execute", _executing), ("revert", _reverting)):
            method = cls.__dict__.get(name)
            if method is not None:
                setattr(cls, name, around(method))


def _executing(method: Method) -> Method:
    # TaskFlow reads the signature of the method that is wrapped.
    @functools.wraps(method)
    def execute(task: Task, *positional: Any, **named: Any) -> Any:
        try:
            task.job.begin_task(task.name)
            result = _patiently(task.job, method, task, *positional, **named)
            model.check_storable(result, task.name)
        except exceptions.ImsError as error:
            _look_at_lease(task.job)
            task.job.fail(error)
            raise
        except Exception as error:
            _look_at_lease(task.job)
            # Its message is recorded nowhere: nobody knows what is in it.
            LOG.exception("Job %s: task %s is broken", task.job.id, task.name)
            broken = TaskBroken(task=task.name, error=type(error).__name__)
            task.job.fail(broken)
            raise broken from None
        return result

    return execute


def _reverting(method: Method) -> Method:
    @functools.wraps(method)
    def revert(task: Task, *positional: Any, **named: Any) -> Any:
        with task.job.reverting():
            task.job.begin_task(f"undo {task.name}")
            try:
                return _patiently(task.job, method, task, *positional, **named)
            except exceptions.ImsError as error:
                reason = str(error)
            except Exception as error:  # boundary: what the other tasks did is undone all the same
                LOG.exception("Job %s: undoing %s is broken", task.job.id, task.name)
                reason = type(error).__name__
            _look_at_lease(task.job)
            LOG.error("Job %s: undoing %s failed: %s", task.job.id, task.name, reason)
            task.job.leave_behind(task.name, reason)

    return revert


def _look_at_lease(job: JobContext) -> None:
    """See whether an error is but the way in which some library stopped when the lease ended."""
    if not job.lease.holds:
        raise Abandoned("the lease ended") from None


def _patiently(job: JobContext, method: Method, *positional: Any, **named: Any) -> Any:
    """What *method* returns, tried again while a neighbour is away.

    The patience begins anew when an attempt comes further than those before it: a long copy has not
    used it up when a neighbour goes away in its second hour, and what breaks at the same byte each
    time does use it up. Bytes that move use up none, nor does waiting for what a neighbour does, as
    long as that one answers.
    """
    patience = _Patience(job)
    recorded: set[str] = set()

    def tell(state: tenacity.RetryCallState) -> None:
        reason = state.outcome.exception() if state.outcome else None
        LOG.warning("Job %s waits: %s", job.id, reason)
        what = f"{positional[0].name}: {_who_is_away(reason)}"
        if patience.used > _WORTH_RECORDING and what not in recorded:
            recorded.add(what)
            job.record_wait(what, time.time() - patience.used)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(exceptions.Unavailable),
        wait=tenacity.wait_random_exponential(_FIRST_WAIT, max=_LONGEST_WAIT),
        before=patience.begin,
        stop=patience.is_over,
        sleep=job.pause,
        before_sleep=tell,
        reraise=True,
    )
    return retrying(method, *positional, **named)


def _who_is_away(error: BaseException | None) -> str:
    """A few words that stay the same however often the neighbour is asked."""
    kind = _words(type(error).__name__)
    details = error.details if isinstance(error, exceptions.ImsError) else {}
    return f"{details['service']} {kind}" if "service" in details else kind


class _Patience:
    """How much of a job's patience is used up: the pauses, and of each attempt what led to nothing.

    The deadlines of waits are the job's (:class:`ims_glance.jobs.waiting.Wait`), so what is won back
    keeps no task on its way for ever.

    :ivar used: seconds, when an attempt failed last
    """

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self.used = 0.0
        self._furthest = 0
        self._begun = self._failed = clock()

    def begin(self, _state: tenacity.RetryCallState) -> None:
        """An attempt begins."""
        self._job.furthest = 0
        self._begun = clock()
        self.used += self._begun - self._failed

    def is_over(self, _state: tenacity.RetryCallState) -> bool:
        """An attempt failed; whether it was the last one."""
        self._failed = clock()
        if self._job.furthest > self._furthest:
            self._furthest = self._job.furthest
            self.used = 0.0
        looked = max(self._begun, self._job.last_look)
        # Bytes that moved once before win nothing back: else what breaks after an hour never ends.
        self.used = max(0.0, self.used - (looked - self._begun) * _WON_BACK)
        self.used += self._failed - max(looked, self._job.last_progress)
        return self.used > self._job.patience


def _words(name: str) -> str:
    """``CreateVolume`` as ``create volume``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
