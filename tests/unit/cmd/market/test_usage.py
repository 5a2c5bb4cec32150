# SPDX-License-Identifier: Apache-2.0
"""``ims-manage market usage``: a bill can be written from what it prints."""

import csv
import dataclasses
import io

import pytest
import sqlalchemy as sa
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.cmd.market import usage as command
from ims_glance.db.market.usage_schema import MARKET_LOOKS
from ims_glance.db.market.uses import ServerUses
from ims_glance.model.market import usage
from ims_glance.model.market.usage import SeenServer
from tests.unit.db.market.rows import PUBLICATION, REVIEWER, MarketTables

THEN = usage.moment_of("2026-01-05T08:00:00") or 0.0


@pytest.fixture
def run(tables, capsys):
    """Run the command; its lines."""

    def run(*arguments, regions=()):
        conf = cfg.ConfigOpts()
        conf.register_cli_opt(cfg.SubCommandOpt("command", handler=command.add_commands))
        conf(
            ["market", "usage", *arguments], project="glance", default_config_files=[],
            default_config_dirs=[],
        )  # fmt: skip
        ims_conf.register_opts(conf)
        conf.set_override("connection", tables.conf.ims_database.connection, "ims_database")
        conf.set_override("enabled", bool(regions), "ims_usage")
        conf.set_override("regions", list(regions), "ims_market")
        conf.command.function(conf)
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    return run


@pytest.fixture
def product(tables):
    """One that two servers used: one for an hour and a half, one goes on."""
    market = MarketTables(tables.database)
    named = {"name": "=HYPERLINK(1)"}
    publication = dataclasses.replace(PUBLICATION, published=named, summary=named)
    version = market.in_review()
    market.versions.approve(version, REVIEWER, publication, None)
    product = market.of(version)
    market.subscribe(product)
    uses = ServerUses(tables.database)
    server = SeenServer(
        "s1", "RegionOne", "buyers", "@m1", THEN + 6000, THEN + 6000,
        frozenset({product.product_code}), None, THEN + 600, THEN + 6000,
    )  # fmt: skip
    uses.observe(server)
    uses.observe(dataclasses.replace(server, server_id="s2", project_id="others", ended=None))
    uses.set_looked("RegionOne", uses.now() + 600)
    return product


def seconds(lines):
    return [(line["server_id"], line["begin"][:16], line["seconds"]) for line in lines]


def test_by_the_hour(run, product):
    lines = run("--from", "2026-01-05", "--to", "2026-01-05T10:00")
    assert seconds(lines) == [
        ("s1", "2026-01-05T08:00", "3000"),
        ("s1", "2026-01-05T09:00", "2400"),
        ("s2", "2026-01-05T08:00", "3000"),
        ("s2", "2026-01-05T09:00", "3600"),
    ]
    first = lines[0]
    assert (first["project_id"], first["product_id"], first["end"][:16]) == (
        "buyers", product.id, "2026-01-05T09:00",
    )  # fmt: skip
    # No formulas.
    assert (first["product"], first["flavor"]) == ("'=HYPERLINK(1)", "'@m1")
    assert first["entitlement_id"]
    assert not lines[2]["entitlement_id"]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("all", [("2026-01-01T00:00", "5400")]),
        ("month", [("2026-01-01T00:00", "5400")]),
        ("day", [("2026-01-05T00:00", "5400")]),
    ],
)
def test_by_longer_periods(run, product, period, expected):
    lines = run(
        "--from", "2026-01-01", "--to", "2026-02-01", "--project", "buyers", "--period", period
    )
    assert [(line["begin"][:16], line["seconds"]) for line in lines] == expected


def test_what_was_not_yet_is_on_no_bill(run, product):
    (line,) = run("--from", "1s", "--to", "2099-01-01", "--period", "all")
    assert int(line["seconds"]) <= 5
    assert run("--from", "2098-01-01", "--to", "2099-01-01") == []


def test_nothing_is_billed_of_what_nobody_looked_at(tables, run, product, capsys):
    """The server may have been deleted since."""
    looked = sa.update(MARKET_LOOKS).values(looked=THEN + 7200)
    tables.database.write(lambda connection: connection.execute(looked))
    with pytest.raises(command.NotAllKnown, match="RegionOne"):
        run("--from", "2026-01-05", "--to", "2026-02-01", "--period", "all")
    printed = capsys.readouterr()
    assert [each["seconds"] for each in csv.DictReader(io.StringIO(printed.out))] == [
        "5400",
        "6600",
    ]
    assert "in region RegionOne is known until 2026-01-05T10:00:00" in printed.err
    # As far as that all is known; and so far, of a time that goes on.
    assert len(run("--from", "2026-01-05", "--to", "2026-01-05T10:00", "--period", "all")) == 2
    assert seconds(run("--from", "2026-01-05", "--period", "all")) == [
        ("s1", "2026-01-05T00:00", "5400"),
        ("s2", "2026-01-05T00:00", "6600"),
    ]


def test_a_region_in_which_nobody_has_looked_is_named(run, product):
    with pytest.raises(command.NotAllKnown, match="RegionTwo"):
        run("--from", "2026-01-05", "--to", "2026-01-06", regions=["RegionTwo"])


def test_of_one_product(run, product):
    assert run("--from", "2026-01-01", "--product", "other", "--period", "all") == []
    assert len(run("--from", "2026-01-01", "--product", product.id, "--period", "all")) == 2


def test_a_time_without_a_length(run):
    with pytest.raises(command.NoTime):
        run("--from", "2026-01-02", "--to", "2026-01-02")


def test_names_do_not_fill_the_memory(tables, run, product, monkeypatch):
    monkeypatch.setattr(command, "_TOGETHER", 0)
    assert len(run("--from", "2026-01-01", "--to", "2026-02-01", "--period", "all")) == 2
