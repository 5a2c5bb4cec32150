# SPDX-License-Identifier: Apache-2.0
"""Scanners of the operator's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from ims_glance import exceptions
from ims_glance.jobs.market import scanners
from ims_glance.jobs.market.scanners import ScannedDisk, ScannerHit

VIRUS = b"X5O!P%"


def eicar(disk: ScannedDisk) -> Iterator[ScannerHit]:
    """Find what is at the beginning of a chunk."""
    at = 0
    for chunk in disk.chunks():
        if isinstance(chunk, bytes) and chunk.startswith(VIRUS):
            yield ScannerHit("Eicar\n-Test", f"byte {at}")
        at += chunk if isinstance(chunk, int) else len(chunk)


def broken(disk: ScannedDisk) -> Iterator[ScannerHit]:
    """Fail."""
    raise OSError("no clamd at /run/clamd")


def busy(disk: ScannedDisk) -> Iterator[ScannerHit]:
    """Find too much."""
    for number in range(1000):
        yield ScannerHit("everything", f"byte {number}")


def disk(check: Any = lambda: None) -> ScannedDisk:
    return ScannedDisk(12, lambda: iter([6, VIRUS]), check)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda **known: monkeypatch.setattr(scanners, "installed", lambda: known)


def test_what_they_find_blocks(install: Any) -> None:
    install(eicar=eicar)
    (finding,), notes = scanners.scan(disk())
    assert (finding.where, str(finding.severity)) == ("byte 6", "blocks")
    assert finding.what == "Scanner 'eicar' found Eicar -Test."
    assert notes == []


def test_one_that_fails_is_said_and_the_others_look(install: Any) -> None:
    install(broken=broken, eicar=eicar)
    findings, notes = scanners.scan(disk())
    assert (len(findings), notes) == (1, ["Scanner 'broken' failed (OSError)."])


def test_a_job_that_is_to_end_ends(install: Any) -> None:
    class Cancelled(exceptions.ImsError):
        pass

    def cancelled() -> None:
        raise Cancelled

    install(broken=broken)
    with pytest.raises(Cancelled):
        scanners.scan(disk(cancelled))


def test_there_is_an_end_to_it(install: Any) -> None:
    install(busy=busy)
    findings, notes = scanners.scan(disk())
    assert (len(findings), notes) == (scanners.MOST_HITS, ["Scanner 'busy' found more."])


def test_none_is_installed_here() -> None:
    assert scanners.installed() == {}
