# SPDX-License-Identifier: Apache-2.0
"""The help of every command, as a user of a narrow terminal gets it."""

import argparse
import importlib
import inspect
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from ims_glance.client.shell import help_format

ROOT = Path(__file__).parents[4]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMMANDS = PROJECT["entry-points"]["openstack.ims.v1"]

DESCRIPTION = """Do one thing with a long-winded description and another-thing besides it.

Examples:
openstack ims thing do --with "something" --and-with something-else
openstack ims thing do

This is more text."""


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")


def command(name):
    module, _, attribute = COMMANDS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def help_of(name):
    ready = command(name)(SimpleNamespace(client_manager=None, stdout=None), None)
    prog = f"openstack {name.replace('_', ' ')}"
    return ready.get_parser(prog).format_help()


def examples(name):
    """The lines of a command's docstring that are commands."""
    lines = (inspect.getdoc(command(name)) or "").splitlines()
    return [line for line in lines if line.lstrip().startswith("openstack ")]


def test_some_commands_have_examples():
    assert sum(len(examples(name)) for name in COMMANDS) > 5


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_is_a_line_of_its_own(name):
    lines = help_of(name).splitlines()
    for example in examples(name):
        assert f"  {example.strip()}" in lines
    headings = [line for line in lines if re.match(r"Examples?: *", line)]
    assert all(line.strip() in ("Example:", "Examples:") for line in headings)
    assert len(headings) == bool(examples(name))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_example_stands_in_the_midst_of_text(name):
    """Behind a colon would be one; in quotes it is a word of the sentence."""
    assert not re.search(r": +openstack ims", inspect.getdoc(command(name)) or "")


@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_is_broken(name):
    text = help_of(name)
    assert [line for line in text.splitlines() if re.search(r"\w-$", line)] == []


def test_the_layout():
    parser = argparse.ArgumentParser("thing", description=DESCRIPTION, add_help=False)
    parser.add_argument("--such", help="A line.\nAnother line, after-which it goes-on for-long.")
    help_format.apply(parser)
    assert (
        parser.format_help()
        == """usage: thing [--such SUCH]

Do one thing with a long-winded description and
another-thing besides it.

Examples:
  openstack ims thing do --with "something" --and-with something-else
  openstack ims thing do

This is more text.

options:
  --such SUCH  A line.
               Another line, after-which it goes-on
               for-long.
"""
    )


def test_what_the_formatter_does_besides_stays():
    parser = argparse.ArgumentParser(
        "thing", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--such", default=7, help="How many")
    help_format.apply(parser)
    assert "How many (default: 7)" in parser.format_help()
