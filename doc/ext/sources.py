# SPDX-License-Identifier: Apache-2.0
"""What the documentation is generated from: operations, commands."""

import argparse
import importlib
import importlib.metadata
from collections.abc import Iterator
from typing import Any

from doc.ext import command_line
from ims_glance.api.ims import openapi
from ims_glance.cmd import manage

CLIENT = "openstack.ims.v1"
_OPERATIONS = "ims_glance.api.ims.operations"


def operations(noun: str) -> dict[str, Any]:
    """The OpenAPI document of the operations of one noun."""
    return openapi.document(importlib.import_module(f"{_OPERATIONS}.{noun}").OPERATIONS)


def manage_commands() -> Iterator[argparse.ArgumentParser]:
    """The commands of ``ims-manage``, without the options of oslo.config that they all have."""
    parser = argparse.ArgumentParser(prog="ims-manage")
    manage._add_commands(parser.add_subparsers())
    return command_line.commands(parser)


def client_commands(noun: str) -> Iterator[argparse.ArgumentParser]:
    """The commands ``openstack ims NOUN ...``."""
    for point in sorted(importlib.metadata.entry_points(group=CLIENT)):
        # ims_image_save-list: "image save-list" of ims
        name = point.name.replace("_", " ")
        if name.split()[1] == noun:
            command = point.load()(None, None)
            yield command.get_parser(f"openstack {name}")
