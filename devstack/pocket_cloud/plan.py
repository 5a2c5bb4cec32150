# SPDX-License-Identifier: Apache-2.0
"""The graph of services and steps, and running it as parallel as it allows."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from pocket_cloud.errors import PocketError, StepFailed

# Runs one node; says what it did in a few words, or "" if there was nothing to do.
Action = Callable[[], str]


@dataclass(frozen=True)
class Node:
    """One thing to do after others."""

    name: str
    needs: tuple[str, ...]
    action: Action


def _show(line: str) -> None:
    # At once, also when somebody looks through a pipe.
    print(line, flush=True)


class Progress:
    """Prints one line for each thing done: when, what, how."""

    def __init__(self, write: Callable[[str], object] = _show) -> None:
        self._write = write
        self._start = time.monotonic()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._start

    def __call__(self, name: str, what: str) -> None:
        with self._lock:
            self._write(f"{self.seconds:7.1f} s  {name:<24} {what}")


def ordered(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Names so that each comes after what it needs, otherwise in the order given.

    :raises PocketError: if a need is unknown or there is a circle.
    """
    result: dict[str, None] = {}
    visiting: list[str] = []

    def visit(name: str) -> None:
        if name in result:
            return
        if name in visiting:
            raise PocketError("a circle: " + " -> ".join([*visiting, name]))
        if name not in needs:
            raise PocketError(f"{visiting[-1] if visiting else '?'} needs the unknown {name}")
        visiting.append(name)
        for need in needs[name]:
            visit(need)
        visiting.pop()
        result[name] = None

    for name in needs:
        visit(name)
    return list(result)


def run(
    nodes: Iterable[Node], progress: Progress, abort: threading.Event, workers: int = 12
) -> None:
    """Run all nodes, each as soon as its needs are met.

    :param abort: set at the first failure, for actions that would wait long.
    :raises StepFailed: the first failure; what is under way is let finish, nothing new begins.
    """
    table = {node.name: node for node in nodes}
    waiting = ordered({node.name: node.needs for node in table.values()})
    done: set[str] = set()
    active: dict[Future[str], str] = {}
    with ThreadPoolExecutor(workers, "plan") as pool:
        while waiting or active:
            for name in [name for name in waiting if done.issuperset(table[name].needs)]:
                active[pool.submit(table[name].action)] = name
                waiting.remove(name)
            try:
                finished, _ = wait(active, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                abort.set()
                raise
            for future in finished:
                name = active.pop(future)
                _finish(name, future, progress, abort)
                done.add(name)


def _finish(name: str, future: Future[str], progress: Progress, abort: threading.Event) -> None:
    try:
        what = future.result()
    except Exception as error:
        abort.set()
        progress(name, "FAILED")
        if isinstance(error, StepFailed):
            raise
        raise StepFailed(name, str(error) or type(error).__name__) from error
    if what:
        progress(name, what)
