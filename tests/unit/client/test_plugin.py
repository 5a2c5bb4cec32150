# SPDX-License-Identifier: Apache-2.0
"""The plugin of openstackclient."""

import argparse
import importlib
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from cliff.command import Command
from openstackclient import shell

from ims_glance.client import plugin
from ims_glance.client.proxy import Proxy

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
COMMANDS = PROJECT["entry-points"]["openstack.ims.v1"]


def test_the_client(cloud):
    manager = SimpleNamespace(sdk_connection=cloud.connection())
    assert isinstance(plugin.make_client(manager), Proxy)


def test_the_version(monkeypatch):
    monkeypatch.delenv("OS_IMS_API_VERSION", raising=False)
    parser = plugin.build_option_parser(argparse.ArgumentParser())
    assert parser.parse_args([]).os_ims_api_version == "1"
    assert parser.parse_args(["--os-ims-api-version", "2"]).os_ims_api_version == "2"


def test_it_is_installed_as_a_plugin():
    assert PROJECT["entry-points"]["openstack.cli.extension"]["ims"] == plugin.__name__


def ready(name):
    module, _, attribute = COMMANDS[name].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert issubclass(command, Command)
    return command(SimpleNamespace(client_manager=None, stdout=None), None)


@pytest.fixture(scope="module")
def global_options():
    """The options that openstackclient, with all its plugins, takes before the command."""
    return set(shell.OpenStackShell().parser._option_string_actions)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_help(name):
    command = ready(name)
    assert command.get_description().strip()
    assert "None" not in command.get_parser("openstack").format_help()


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_taken_for_a_global_one(name, global_options):
    """openstackclient completes what looks like the beginning of an option of its own."""
    ours = set(ready(name).get_parser("openstack")._option_string_actions) - {"-h", "--help"}
    lost = {
        (option, other)
        for option in ours
        for other in global_options
        if option.startswith("--") and other.startswith(option)
    }
    assert lost == set()


def test_every_command_is_registered():
    folder = Path(plugin.__file__).parent / "commands"
    found = {
        f"{module.__name__}:{name}"
        for path in folder.glob("*.py")
        if (module := importlib.import_module(f"ims_glance.client.commands.{path.stem}"))
        for name, each in vars(module).items()
        if isinstance(each, type)
        and issubclass(each, Command)
        and each.__module__ == module.__name__
        and not name.startswith("_")
    }
    assert found == set(COMMANDS.values())
