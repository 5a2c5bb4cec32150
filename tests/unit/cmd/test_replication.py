# SPDX-License-Identifier: Apache-2.0
"""``ims-manage replication``: what an operator asks."""

import dataclasses
import json

import pytest
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.cmd import replication
from ims_glance.db.standing.copies import StandingCopies
from ims_glance.model.standing_copy import CopyState
from tests.unit.db.standing.rows import IMAGE, numbered


@pytest.fixture
def run(tables, capsys):
    """Run a command; what it prints."""

    def run(*arguments):
        conf = cfg.ConfigOpts()
        conf.register_cli_opt(cfg.SubCommandOpt("command", handler=replication.add_commands))
        conf(list(arguments), project="glance", default_config_files=[], default_config_dirs=[])
        ims_conf.register_opts(conf)
        conf.set_override("connection", tables.conf.ims_database.connection, "ims_database")
        conf.command.function(conf)
        return capsys.readouterr().out

    return run


def test_list(tables, run):
    assert run("replication", "list").split() == [
        "ID", "STATUS", "REGION", "IMAGES", "PROJECT", "REASON",
    ]  # fmt: skip
    copies = StandingCopies(tables.database)
    images = [
        dataclasses.replace(IMAGE, image_id=str(number) * 36, state=state)
        for number, state in enumerate((CopyState.DONE, CopyState.DONE, CopyState.FAILED))
    ]
    copies.create(numbered(1), 10, 600.0, images=images)
    copies.create(numbered(2, project_id="other"), 10, 600.0)
    copies.activate(numbered(1).id, {})
    _head, first, second = run("replication", "list").splitlines()
    assert first.split() == [
        numbered(1).id, "active", "RegionTwo", "2", "done,", "1", "failed", "project", "-",
    ]  # fmt: skip
    # Also one that is yet being made.
    assert second.split() == [numbered(2).id, "making", "RegionTwo", "-", "other", "-"]
    (shown,) = json.loads(run("replication", "list", "--project", "project", "--json"))
    assert (shown["id"], shown["images"]) == (numbered(1).id, {"done": 2, "failed": 1})
