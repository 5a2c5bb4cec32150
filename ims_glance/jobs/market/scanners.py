# SPDX-License-Identifier: Apache-2.0
"""Scanners of the operator's own, for viruses and whatever else: entry points ``ims_glance.market.scanners``.

Each is a function of a :class:`ScannedDisk`, which tells what it found. It runs in the worker: what it opens a stranger's
bytes with is for it to confine.
"""

import dataclasses
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stevedore import extension

from ims_glance import exceptions
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.report import Finding
from ims_glance.model.text.printable import printable

LOG = logging.getLogger(__name__)

NAMESPACE = "ims_glance.market.scanners"
MOST_HITS = 50
"""Of one scanner, about one disk."""
_NAME = 80

Check = Callable[[], None]


@dataclasses.dataclass(frozen=True)
class ScannedDisk:
    """A disk that is to be sold.

    :ivar size: in bytes
    :ivar chunks: its bytes from the first to the last, whatever the format of its file: data of 1 MiB at most, or so
        many zeros; raises if there is no use in going on
    :ivar check: to be called every few seconds by who reads nothing meanwhile; raises likewise
    """

    size: int
    chunks: Callable[[], Iterator[bytes | int]]
    check: Check


@dataclasses.dataclass(frozen=True)
class ScannerHit:
    """What a scanner found: its name of it (``Eicar-Test-Signature``), and where."""

    name: str
    where: str


ImageScanner = Callable[[ScannedDisk], Iterable[ScannerHit]]


def installed() -> dict[str, ImageScanner]:
    """Those that there are, by their names.

    :raises ScannerBroken: if one cannot be loaded
    """

    def failed(_manager: Any, point: Any, error: BaseException) -> None:
        raise ScannerBroken(name=str(point), reason=type(error).__name__) from error

    manager: Any = extension.ExtensionManager(NAMESPACE, on_load_failure_callback=failed)
    return {each.name: each.plugin for each in manager}


class ScannerBroken(exceptions.Unavailable):
    """A scanner that the operator installed cannot be loaded: what it would find would be sold."""

    code = "IMG.0105"
    template = "The scanner '{name}' cannot be loaded ({reason}). Ask the operator."


def scan(disk: ScannedDisk) -> tuple[list[Finding], list[str]]:
    """What all of them find on a disk, and which of them could not look.

    :raises ScannerBroken: if one cannot be loaded
    :raises Exception: why there is no use in going on
    """
    findings: list[Finding] = []
    notes: list[str] = []
    for name, scanner in sorted(installed().items()):
        try:
            found = list(itertools.islice(scanner(disk), MOST_HITS + 1))
        except exceptions.ImsError:
            raise
        except Exception as error:  # boundary: it is said, and the reviewer decides
            disk.check()
            LOG.exception("The scanner %s failed", name)
            notes.append(f"Scanner '{name}' failed ({type(error).__name__}).")
            continue
        findings += [_finding(name, hit) for hit in found[:MOST_HITS]]
        if len(found) > MOST_HITS:
            notes.append(f"Scanner '{name}' found more.")
    return findings, notes


def _finding(scanner: str, hit: ScannerHit) -> Finding:
    what = f"Scanner '{scanner}' found {printable(hit.name, _NAME)}."
    return Finding.of(rules.named(rules.SCANNER), hit.where, what)
