# SPDX-License-Identifier: Apache-2.0
"""The report of a scan: its bounds, what it comes to, and that nothing but ours is in it."""

import dataclasses
import json
from typing import Any

import pytest

from ims_glance.model.market.scan import report as module
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.report import (
    MOST_FINDINGS,
    MOST_PACKAGES,
    Finding,
    GuestPackage,
    Inventory,
    Scanned,
    ScanReport,
)
from ims_glance.model.market.scan.rules import Severity

KEY = next(n for n, rule in enumerate(rules.TABLE) if rule.name == "private key")
PASSWORD, HISTORY = (
    next(n for n, rule in enumerate(rules.TABLE) if rule.name == name)
    for name in ("preset password", "shell history")
)
SAID: dict[str, Any] = {
    "systems": ["Debian 12 (x86_64)"],
    "findings": [
        [HISTORY, "/root/.bash_history", ""],
        [KEY, "/root/.ssh/id_rsa", ""],
        [PASSWORD, "/etc/shadow", "root"],
    ],
    "inventories": [
        {"distro": "debian", "major": 12, "packages": [["openssl", "3.0.11-1"], ["a", "2", "b", "3"]]}
    ],
    "notes": [],
    "is_whole": True,
}  # fmt: skip


def test_what_a_process_says_names_rows_of_ours() -> None:
    scanned = Scanned.of_arguments(SAID)
    assert [each.where for each in scanned.findings] == [
        "/root/.bash_history",
        "/root/.ssh/id_rsa",
        "/etc/shadow",
    ]
    assert scanned.findings[2].what == "Account 'root' has a password."
    assert scanned.findings[1].severity is Severity.BLOCKS
    assert scanned.inventories[0].packages[1] == GuestPackage("a", "2", "b", "3")
    assert Scanned.of_kept(json.loads(json.dumps(scanned.to_arguments()))) == scanned


@pytest.mark.parametrize(
    "said",
    [
        {"findings": [[10_000, "/x", ""]]},
        {"findings": [["x", "/x", ""]]},
        {"findings": [7]},
        {"findings": [[]]},
        {"inventories": [7]},
        {"inventories": [{"packages": [7]}]},
    ],
    ids=str,
)
def test_what_names_none_is_no_answer(said: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, LookupError, AttributeError)):
        Scanned.of_arguments({**SAID, **said})


def test_a_strangers_words_are_short_and_printable() -> None:
    findings = [[KEY, f"/root/{number}\n\x1b[2J{'x' * 1000}", "y" * 500] for number in range(500)]
    packages = [["n\0" * 400, "v" * 400, "s" * 400, "w" * 400]] * (MOST_PACKAGES + 5)
    said = {
        "findings": findings,
        "systems": ["z" * 5000] * 99,
        "notes": ["n" * 5000] * 99,
        "inventories": [{"packages": packages}],
    }
    scanned = Scanned.of_arguments(said)
    assert len(scanned.findings) == 2 * (MOST_FINDINGS + 1)
    assert all(each.where.isprintable() and len(each.where) <= 200 for each in scanned.findings)
    assert len(scanned.inventories[0].packages) == MOST_PACKAGES
    assert len(scanned.inventories[0].packages[0].version) <= 96
    report = ScanReport.of(scanned)
    assert (len(report.findings), report.more) == (MOST_FINDINGS, MOST_FINDINGS + 2)
    assert len(json.dumps(report.to_arguments())) < 128 << 10


def test_what_blocks_comes_first_and_is_named() -> None:
    report = ScanReport.of(Scanned.of_arguments(SAID))
    assert [str(each.severity) for each in report.findings] == ["blocks", "blocks", "review"]
    assert report.state == "refused"
    assert "/root/.ssh/id_rsa: A private key. Delete it" in report.refusal
    assert "/etc/shadow: Account 'root' has a password. Lock it" in report.refusal
    assert "bash_history" not in report.refusal
    assert (report.packages, report.more) == (2, 0)
    assert ScanReport.of_arguments(json.loads(json.dumps(report.to_arguments()))) == report


def test_of_many_a_few_are_named() -> None:
    rule = rules.TABLE[KEY]
    found = tuple(Finding.of(rule, f"/root/{number}") for number in range(9))
    refusal = ScanReport.of(Scanned(findings=found, is_whole=True)).refusal
    assert refusal.count("/root/") == 5
    assert refusal.endswith("And 4 more.")


@pytest.mark.parametrize(
    ("findings", "is_whole", "state"),
    [
        ([], True, "clean"),
        ([HISTORY], True, "findings"),
        ([HISTORY, KEY], False, "refused"),
        ([HISTORY], False, "not inspected"),
        ([], False, "not inspected"),
    ],
)
def test_what_it_comes_to(findings: list[int], is_whole: bool, state: str) -> None:
    """What nobody could look into is left to the reviewer, unless something was found that blocks."""
    found = tuple(Finding.of(rules.TABLE[number], "/x") for number in findings)
    report = ScanReport.of(Scanned(findings=found, is_whole=is_whole))
    assert (report.state, report.to_arguments()["state"]) == (state, state)


def test_a_machine_of_several_disks() -> None:
    system = Scanned.of_arguments(SAID)
    data = Scanned.of_arguments({"notes": ["There is no system."], "is_data": True})
    together = Scanned.together([system.on_disk(0), data.on_disk(1)])
    assert together.is_whole
    assert together.findings[1].where == "disk 0: /root/.ssh/id_rsa"
    assert together.notes == ("disk 1: There is no system.",)
    assert together.inventories == system.inventories
    # A disk that was not looked into, or not as a whole, is as much of the machine as the first one.
    unseen = Scanned(notes=("There is no system.",))
    assert not Scanned.together([system, data, unseen]).is_whole
    assert not Scanned.together([data, data]).is_whole


def test_the_packages_of_a_machine_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Scanned.of_arguments(SAID)
    assert len(disk.inventories[0].packages) == 2
    for most, expected, is_whole in ((4, [2, 2], True), (3, [2, 1], False), (1, [1], False)):
        monkeypatch.setattr(module, "MOST_OF_MACHINE", most)
        together = Scanned.together([disk, disk])
        assert [len(each.packages) for each in together.inventories] == expected
        assert together.is_whole == is_whole
        assert any("packages of the machine" in each for each in together.notes) != is_whole


def test_findings_about_packages_and_notes_are_added() -> None:
    vulnerable = Finding.of(rules.named(rules.VULNERABILITY), "openssl 3.0.11-1", "CVE-1")
    quiet = dataclasses.replace(Scanned.of_arguments(SAID), findings=())
    report = ScanReport.of(quiet, [vulnerable, vulnerable], ["a note"], {"digest": "d"})
    assert report.findings == (vulnerable,)
    assert vulnerable.what == "CVE-1"
    assert (report.notes, report.feed) == (("a note",), {"digest": "d"})


def test_what_is_cut_is_not_whole() -> None:
    whole = Scanned(("Debian",), is_whole=True)
    assert ScanReport.of(whole).state == "clean"
    report = ScanReport.of(whole, notes=["a note"], lacks=["1 further vulnerabilities."])
    assert (report.state, report.notes) == (
        "not inspected",
        ("1 further vulnerabilities.", "a note"),
    )


def test_an_inventory_says_of_which_system() -> None:
    inventory = Inventory("rocky", 9, 3, "Rocky Linux 9.3", (GuestPackage("a", "1"),))
    assert Inventory.of_arguments(json.loads(json.dumps(inventory.to_arguments()))) == inventory
