# SPDX-License-Identifier: Apache-2.0
"""``openstack ims orphan list``."""

import json

from ims_glance.client.commands.orphan import ListOrphans
from tests.unit.client.resources.test_orphan import LEFT, NOT_LOOKED, ORPHANS

PATH = "/v1/orphans"


def test_list(cloud, run, capsys):
    cloud.ims("GET", PATH, ORPHANS)
    (row,) = json.loads(run(ListOrphans, "-f", "json"))
    assert row == {
        "Place": "kms",
        "Names": LEFT["names"],
        "Written": LEFT["written_at"],
        "Reason": LEFT["reason"],
    }
    assert capsys.readouterr().err == "As of 2026-11-29T01:02:03.000Z, older than 24 hours.\n"


def test_each_name_is_on_its_line(cloud, run):
    cloud.ims("GET", PATH, ORPHANS)
    lines = run(ListOrphans).splitlines()
    assert [line.split("|")[2].strip() for line in lines[3:5]] == LEFT["names"]


def test_more_than_are_listed(cloud, run, capsys):
    cloud.ims("GET", PATH, {**ORPHANS, "count": 1001, "min_age_hours": 0.5})
    run(ListOrphans)
    assert "older than 0.5 hours. 1000 more are not listed." in capsys.readouterr().err


def test_nobody_has_looked_yet(cloud, run, capsys):
    cloud.ims("GET", PATH, NOT_LOOKED)
    assert json.loads(run(ListOrphans, "-f", "json")) == []
    assert "Nobody has looked for orphans yet: 'ims-manage orphans'" in capsys.readouterr().err
