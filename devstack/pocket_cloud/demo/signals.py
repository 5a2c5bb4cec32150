# SPDX-License-Identifier: Apache-2.0
"""Being told to stop: the demo breaks off where it is, and then cleans up without being disturbed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """A signal came; no ``except Exception`` takes it for a failure.

    :param number: of the signal
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class Stopper:
    """Raises :class:`Stopped` in the main thread when a signal comes: once, and only while armed.

    Whoever cleans up in a ``finally`` around another one that disarms is therefore never broken off.

    :ivar number: of the first signal that came, 0 if none did
    """

    def __init__(self) -> None:
        self.number = 0
        self._armed = True
        self._holds = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in NUMBERS:
            # One that the caller had ignored, as nohup does, stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.disarm()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def disarm(self) -> None:
        """From now on signals are noted and do nothing."""
        self._armed = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, nothing is broken off; a signal that came meanwhile has its effect at the end."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self.number and self._armed:
            self._break_off()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.number:
            return
        self.number = number
        if self._armed and not self._holds:
            self._break_off()

    def _break_off(self) -> None:
        self.disarm()
        raise Stopped(self.number)
