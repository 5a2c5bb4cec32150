# SPDX-License-Identifier: Apache-2.0
"""The table of what is looked for."""

import dataclasses

import pytest

from ims_glance.model.guest.found import Guest
from ims_glance.model.market.scan import rules
from ims_glance.model.market.scan.rules import Look, Severity

LINUX = Guest("linux", "debian", has_cloud_init=False)


def test_each_row_says_where_what_and_what_to_do() -> None:
    for rule in rules.TABLE:
        assert rule.system in ("linux", "windows")
        assert rule.paths, rule.name
        assert rule.look is not None, rule.name
        assert all(path.startswith(("/", "~/")) for path in rule.paths)
        assert rule.advice, rule.name
        assert ("{name}" in rule.what) == (rule.look is Look.ACCOUNTS), rule.name


def test_a_name_and_a_severity_are_one_row_of_a_system() -> None:
    rows = [(rule.system, rule.name, rule.severity) for rule in rules.TABLE]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize(
    ("has_cloud_init", "severity"),
    [(True, Severity.REVIEW), (False, Severity.BLOCKS), (None, Severity.BLOCKS)],
)
def test_host_keys_are_new_where_cloud_init_is(
    has_cloud_init: bool | None, severity: Severity
) -> None:
    guest = dataclasses.replace(LINUX, has_cloud_init=has_cloud_init)
    found = [rule for _, rule in rules.of_system(guest) if rule.name == "host key"]
    assert [rule.severity for rule in found] == [severity]


def test_a_system_has_the_rows_of_its_kind() -> None:
    for guest in (LINUX, Guest("windows")):
        numbers = [number for number, _ in rules.of_system(guest)]
        assert numbers
        assert {rules.TABLE[number].system for number in numbers} == {guest.kind}
    assert list(rules.of_system(Guest())) == []


def test_what_is_found_otherwise_than_at_a_path() -> None:
    assert rules.named(rules.VULNERABILITY).severity is Severity.BLOCKS
    assert rules.named(rules.VULNERABILITIES).severity is Severity.REVIEW
    assert rules.named(rules.SCANNER).severity is Severity.BLOCKS
