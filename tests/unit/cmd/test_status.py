# SPDX-License-Identifier: Apache-2.0
"""``ims-status upgrade check``: what was copied, or made, by an earlier version is found."""

import json
import shutil
from pathlib import Path

import pytest

from ims_glance.cmd import status
from tests.base import in_child
from tests.unit import job_database
from tests.unit.conftest import make_conf

ETC = Path(__file__).parents[3] / "etc/ims_glance"


@pytest.fixture
def site(tmp_path):
    """Options of a Glance that needs nothing."""
    for name in ("ims-glance-paste.ini", "property-protections.conf"):
        shutil.copy(ETC / name, tmp_path)
    return {
        "DEFAULT": {
            "enabled_backends": "kms:ims-kms",
            "property_protection_file": tmp_path / "property-protections.conf",
        },
        "paste_deploy": {"flavor": "ims", "config_file": tmp_path / "ims-glance-paste.ini"},
    }


@pytest.fixture
def check(tmp_path, site, capfd):
    """Run the command: its exit status, and the level and text of each check."""

    def check():
        path = tmp_path / "glance-api.conf"
        make_conf(path, site)
        command = ["--config-file", str(path), "upgrade", "check", "--json"]
        code = in_child(lambda: status.main(command))
        found = json.loads(capfd.readouterr().out)
        assert found["name"] == "Upgrade Check Results"
        return code, {each["check"]: (each["result"], each["details"]) for each in found["checks"]}

    return check


def test_nothing_is_to_be_done(check):
    code, found = check()
    assert code == 0
    assert {level for level, _text in found.values()} == {0}
    assert set(found) == {
        "Configuration", "Database of jobs", "Paste configuration", "Property protections",
    }  # fmt: skip


def test_a_database_that_was_not_synchronized(check, site, tmp_path):
    url = job_database.sqlite(tmp_path)
    site["ims_database"] = {"connection": url}
    code, found = check()
    assert (code, found["Database of jobs"][0]) == (2, 2)
    assert "run 'ims-manage db sync'" in found["Database of jobs"][1]
    job_database.Tables(url)
    assert check()[0] == 0


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        # Where the guard was before.
        ("api.native.guard:", "api.guard:", 2, "names ims_glance.api.guard:filter_factory"),
        (":filter_factory", ":gone", 2, ":gone, which is not there"),
        (
            "ims_glance.api.native.guard:",
            "another.guard:",
            2,
            "does not name ims_glance.api.native",
        ),
        ("ims_glance.api.front.audit:", "another:", 1, "does not name ims_glance.api.front.audit"),
    ],
)
def test_a_paste_file_of_an_earlier_layout(check, tmp_path, old, new, code, words):
    path = tmp_path / "ims-glance-paste.ini"
    path.write_text(path.read_text().replace(old, new))
    found = check()
    assert found[0] == code
    assert words in found[1]["Paste configuration"][1]
    assert "copy ims-glance-paste.ini" in found[1]["Paste configuration"][1]


def test_a_paste_file_that_is_not_there_or_none(check, site, tmp_path):
    (tmp_path / "ims-glance-paste.ini").unlink()
    assert check()[0] == 2
    site["paste_deploy"]["config_file"] = ""
    assert "is not set" in check()[1]["Paste configuration"][1]
    site["paste_deploy"]["config_file"] = tmp_path / "odd.ini"
    (tmp_path / "odd.ini").write_text("no section")
    assert "Glance cannot read" in check()[1]["Paste configuration"][1]


def test_protections_of_an_earlier_version(check, tmp_path):
    path = tmp_path / "property-protections.conf"
    path.write_text(path.read_text().replace("|__store_key", ""))
    code, found = check()
    assert code == 2
    assert "__store_key" in found["Property protections"][1]


def test_without_a_configuration(tmp_path, capfd):
    empty = tmp_path / "empty.conf"
    empty.touch()
    command = ["--config-file", str(empty), "upgrade", "check"]
    assert in_child(lambda: status.main(command)) == 2
    assert "found no Glance configuration" in capfd.readouterr().out
    command[1] = str(tmp_path / "none.conf")
    assert in_child(lambda: status.main(command)) == 255
    assert "none.conf" in capfd.readouterr().err


def test_drop_ins_of_glance_are_read(site, tmp_path, capfd, monkeypatch):
    """As Glance reads them, and not those of a service that is called like the command."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OS_GLANCE_CONFIG_DIR", str(tmp_path / "none"))
    drop_ins = tmp_path / ".glance/glance-api.conf.d"
    drop_ins.mkdir(parents=True)
    make_conf(drop_ins / "ims.conf", site)
    assert in_child(lambda: status.main(["upgrade", "check"])) == 0
    assert "Result: Success" in capfd.readouterr().out


def test_the_factories_are_those_of_the_paste_file():
    text = (ETC / "ims-glance-paste.ini").read_text()
    named = {line.split(" = ")[1] for line in text.splitlines() if "_factory = ims_glance." in line}
    assert named == status.FACTORIES
