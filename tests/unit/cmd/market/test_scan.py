# SPDX-License-Identifier: Apache-2.0
"""``ims-manage market scan``."""

from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.cmd.market import usage
from ims_glance.model.market.scan.report import ScanReport
from tests.unit.db.market.rows import MarketTables
from tests.unit.flows.small_guests import CLEAN
from tests.unit.jobs.market.records import record, write


@pytest.fixture
def run(tables: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Run a command; what it prints."""

    def run(*arguments: str) -> list[str]:
        conf = cfg.ConfigOpts()
        conf.register_cli_opt(cfg.SubCommandOpt("command", handler=usage.add_commands))
        conf(
            ["market", "scan", *arguments],
            project="glance", default_config_files=[], default_config_dirs=[],
        )  # fmt: skip
        ims_conf.register_opts(conf)
        conf.set_override("connection", tables.conf.ims_database.connection, "ims_database")
        conf.set_override("vulnerability_feed", str(tmp_path / "feed"), "ims_market")
        conf.command.function(conf)
        return capsys.readouterr().out.splitlines()

    return run


def test_what_would_be_refused_is_listed(tables: Any, run: Any, tmp_path: Path) -> None:
    market = MarketTables(tables.database)
    version = market.in_review()
    market.scans.keep(version, CLEAN, ScanReport.of(CLEAN), "")
    write(tmp_path / "feed", record("DSA-0", package="other"))
    _head, last = run()
    assert last == "1 versions were compared."
    assert run() == [_head, "0 versions were compared."]
    _head, row, _last = run("--again", "--all")
    assert row.split() == [version.id, "Database", "clean", "clean", "-"]
    write(tmp_path / "feed", record("DSA-1", modified="2026-11-20T00:00:00Z"))
    _head, row, last = run()
    assert row.split() == [
        version.id, "Database", "refused", "clean", "openssl", "3.0.11-1~deb12u1",
    ]  # fmt: skip
    assert last == "1 versions were compared."
