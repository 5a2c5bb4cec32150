# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the client's tests."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ims_glance.client import plugin
from tests.unit.client.cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    """A cloud in this process."""
    return Cloud()


@pytest.fixture
def ims(cloud: Cloud) -> Any:
    """The service, as a program has it."""
    return cloud.connection().ims


@pytest.fixture
def run(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command with arguments, as openstackclient does; gives its standard output."""
    manager = SimpleNamespace(sdk_connection=cloud.connection())
    manager.ims = plugin.make_client(manager)

    def run(command: type[Any], *arguments: str) -> str:
        app = SimpleNamespace(client_manager=manager, stdout=sys.stdout, options=None)
        ready = command(app, None)
        assert ready.run(ready.get_parser("ims").parse_args(arguments)) == 0
        written = capsys.readouterr()
        sys.stderr.write(written.err)
        return str(written.out)

    return run
