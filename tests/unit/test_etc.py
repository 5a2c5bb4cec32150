# SPDX-License-Identifier: Apache-2.0
"""The files in etc/ims_glance say what the tables in the code say."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from glance.common import property_utils
from oslo_config import cfg

from ims_glance.clouds.messaging import wakeup
from ims_glance.cmd import worker
from ims_glance.conf import ims_jobs
from ims_glance.jobs import worker as jobs_worker
from ims_glance.model.image import attributes

ETC = Path(__file__).parents[2] / "etc" / "ims_glance"
METADEFS = ETC / "metadefs" / "ims-image.json"
UNIT = ETC / "ims-worker.service"


def test_the_metadata_definitions_are_the_table_of_attributes():
    definition = json.loads(METADEFS.read_text())
    assert set(definition["properties"]) == set(attributes.ATTRIBUTES)
    for name, shown in definition["properties"].items():
        attribute = attributes.ATTRIBUTES[name]
        assert tuple(shown.get("enum", ())) == attribute.values
        assert shown["title"]
    assert definition["resource_type_associations"] == [{"name": "OS::Glance::Image"}]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> property_utils.PropertyRules:
    """Glance's own reading of our property protections."""
    conf = cfg.ConfigOpts()
    conf.register_opts(property_utils.property_opts)
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override("property_protection_file", str(ETC / "property-protections.conf"))
    conf.set_override("property_protection_rule_format", "roles")
    monkeypatch.setattr(property_utils, "CONF", conf)
    return property_utils.PropertyRules(policy_enforcer=object())


class _Context:
    def __init__(self, *roles: str) -> None:
        self.roles = list(roles)
        self.service_roles: list[str] = []


@pytest.mark.parametrize("action", ["create", "update", "delete"])
@pytest.mark.parametrize("name", sorted(attributes.SYSTEM))
def test_system_attributes_are_the_service_s(rules, action, name):
    assert not rules.check_property_rules(name, action, _Context("member", "reader"))
    for role in ("admin", "ims_service"):
        assert rules.check_property_rules(name, action, _Context(role))


@pytest.mark.parametrize("name", [*sorted(set(attributes.ATTRIBUTES) - attributes.SYSTEM), "own"])
def test_other_attributes_are_everybody_s(rules, name):
    for action in ("create", "read", "update", "delete"):
        assert rules.check_property_rules(name, action, _Context("member"))


@pytest.mark.parametrize("name", sorted(attributes.ATTRIBUTES))
def test_everybody_may_read_everything(rules, name):
    assert rules.check_property_rules(name, "read", _Context("reader"))


def test_names_are_matched_as_a_whole(rules):
    assert rules.check_property_rules("my__os_type", "create", _Context("member"))
    assert rules.check_property_rules("__os_type2", "create", _Context("member"))
    assert re.search(
        r"^\[\^\(.*\)\$\]$", (ETC / "property-protections.conf").read_text(), re.MULTILINE
    )


@pytest.fixture
def unit() -> configparser.ConfigParser:
    """The unit of ims-worker."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser


def test_the_worker_has_time_to_hand_over_its_jobs(unit):
    service = unit["Service"]
    options = {option.dest: option.default for option in ims_jobs.OPTS}
    # Its jobs' steps, then what it gives all neighbours together, and its log.
    longest = options["stop_seconds"] + worker._LAST + worker._LAST_LOG
    # Which are: its ear, claims that are being made, the messages to others, and the list of workers.
    assert worker._LAST >= 2 * wakeup._LAST + 2 * jobs_worker._LAST
    assert longest + 10 < float(service["TimeoutStopSec"]) <= 3 * longest
    assert service["KillSignal"] == "SIGTERM"
    assert service["Restart"] == "on-failure"


def test_the_unit_starts_a_program_of_ours_as_nobody_special(unit):
    project = tomllib.loads((ETC.parents[1] / "pyproject.toml").read_text())["project"]
    assert Path(unit["Service"]["ExecStart"]).name in project["scripts"]
    assert unit["Service"]["User"] == "glance"
    assert unit["Service"]["CapabilityBoundingSet"] == ""


def test_systemd_understands_the_unit(tmp_path):
    """Where it is; every option that it does not know is told."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    copy = tmp_path / UNIT.name
    # One that is there.
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/ims-worker", sys.executable))
    done = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
