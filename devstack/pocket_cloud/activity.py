# SPDX-License-Identifier: Apache-2.0
"""What is being done just now: one line that changes on a terminal, a line now and then in a log."""

import shutil
import sys
import time
from typing import TextIO

from pocket_cloud.plan import Progress

_EVERY = 10.0
"""Seconds between two lines in a log."""
_REDRAW = 0.2
_BAR = 20
_CLEAR = "\r\x1b[K"


class Activity:
    """Something that takes minutes.

    :param progress: takes the lines for a log
    :param name: of what is done, as in its other lines there
    :param screen: standard output; if that is a terminal, it gets the changing line instead
    """

    def __init__(self, progress: Progress, name: str, screen: TextIO | None = None) -> None:
        self._progress = progress
        self._name = name
        self._screen = screen or sys.stdout
        self._is_terminal = self._screen.isatty()
        self._shown = 0.0 if self._is_terminal else time.monotonic()

    def show(self, what: str, fraction: float | None = None) -> None:
        """Tell how far it is; to be called as often as one likes, every second at least.

        :param what: in a few words
        :param fraction: how much of it is done, 0 to 1; ``None`` if nobody knows
        """
        now = time.monotonic()
        if now - self._shown < (_REDRAW if self._is_terminal else _EVERY):
            return
        self._shown = now
        if self._is_terminal:
            self._draw(what, fraction)
        else:
            percent = "" if fraction is None else f"{fraction:4.0%}  "
            self._progress(self._name, percent + what)

    def close(self) -> None:
        """Remove the changing line: whatever is told next begins where it stood."""
        if self._is_terminal and self._shown:
            print(_CLEAR, end="", file=self._screen, flush=True)

    def _draw(self, what: str, fraction: float | None) -> None:
        bar = ""
        if fraction is not None:
            full = round(fraction * _BAR)
            bar = f"[{'#' * full}{'.' * (_BAR - full)}] {fraction:4.0%}  "
        line = f"{self._progress.seconds:7.1f} s  {self._name:<24} {bar}{what}"
        # One that is broken by the terminal could not be drawn over.
        width = shutil.get_terminal_size().columns - 1
        print(f"{_CLEAR}{line[:width]}", end="", file=self._screen, flush=True)
