# SPDX-License-Identifier: Apache-2.0
"""How a job, or the saving of an image, gets on: a bar on a terminal, a line now and then elsewhere."""

import collections
import dataclasses
import shutil
import time
from collections.abc import Callable
from typing import TextIO

from ims_glance.client.resources.job import Job
from ims_glance.client.shell.columns import size

_BAR = 24
_STEP = 10.0  # percent between two lines
_WINDOW = 10.0  # seconds that the rate is measured over


@dataclasses.dataclass(frozen=True)
class Saving:
    """An image that is being saved, shown as a job is.

    :ivar id: the image's
    """

    id: str
    done_bytes: int
    total_bytes: int
    noun: str = "image"
    status: str = "saved"
    current_task: str = "saving"
    saved_bytes: int | None = None
    guest_step: str | None = None
    waiting_for: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether all is there."""
        return self.done_bytes >= self.total_bytes

    @property
    def percent(self) -> float:
        """How much is done, 0 to 100."""
        return 100.0 * self.done_bytes / self.total_bytes if self.total_bytes else 100.0


class Progress:
    """Shows a job each time that it was looked at.

    :param clock: seconds, for the rate
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._samples: collections.deque[tuple[float, int]] = collections.deque()
        self._shown: tuple[object, ...] = ()
        self._is_line_open = False

    def show(self, job: Job | Saving) -> None:
        """Show how a job stands."""
        self._measure(job)
        if self._is_terminal:
            self._draw(self._bar(job))
        else:
            self._report(job)

    def close(self) -> None:
        """End the line of the bar."""
        if self._is_line_open:
            self._stream.write("\n")
            self._stream.flush()
        self._is_line_open = False

    def _measure(self, job: Job | Saving) -> None:
        now = self._clock()
        self._samples.append((now, job.done_bytes))
        while self._samples[0][0] < now - _WINDOW:
            self._samples.popleft()

    def _rate(self) -> float:
        """Bytes a second, lately."""
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return (last - first) / (ended - began) if ended > began and last > first else 0.0

    def _draw(self, text: str) -> None:
        # A line that is wrapped cannot be drawn over.
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r{text[:width]:<{width}}")
        self._stream.flush()
        self._is_line_open = True

    def _bar(self, job: Job | Saving) -> str:
        percent = job.percent
        filled = round(_BAR * (percent or 0) / 100)
        bar = f"[{'=' * filled}{' ' * (_BAR - filled)}]"
        known = f"{percent:3.0f}%" if percent is not None else " ..."
        return "  ".join([bar, known, *self._amounts(job), _doing(job)])

    def _amounts(self, job: Job | Saving) -> list[str]:
        if not job.total_bytes:
            return []
        parts = [f"{size(job.done_bytes)} of {size(job.total_bytes)}"]
        rate = self._rate()
        if rate and not job.is_finished:
            left = max(0, job.total_bytes - job.done_bytes) / rate
            parts += [f"{size(rate)}/s", f"{_duration(left)} left"]
        if job.saved_bytes:
            parts.append(f"{size(job.saved_bytes)} saved")
        return parts

    def _report(self, job: Job | Saving) -> None:
        """A line when it does something else, or is a good deal further."""
        step = int((job.percent or 0) // _STEP)
        state = (job.status, job.current_task, step, job.waiting_for, job.guest_step)
        if state == self._shown:
            return
        self._shown = state
        known = [f"{job.percent:.0f}%"] if job.percent is not None else []
        who = f"{getattr(job, 'noun', 'job')} {job.id}: " if job.id else ""
        parts = [f"{who}{_doing(job)}", *known, *self._amounts(job)]
        self._stream.write(", ".join(parts) + "\n")
        self._stream.flush()


def _doing(job: Job | Saving) -> str:
    if job.waiting_for and not job.is_finished:
        return f"waits: {job.waiting_for}"
    if job.is_finished or not job.current_task:
        return job.status
    return f"{job.current_task}: {job.guest_step}" if job.guest_step else job.current_task


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
