# SPDX-License-Identifier: Apache-2.0
"""What the warm process has imported, from which commands and workers are forked.

A new interpreter spends two to three seconds of a processor on the imports of Glance's and of the
client's libraries, a fork of this one none. (Imported by the fork server of :mod:`forks` alone.)
"""

import contextlib
import io
import logging

import pytest  # noqa: F401 - the main module of a run, which each child looks at
from openstackclient import shell

from tests.cloud import worker_process  # noqa: F401

# Of the client these build every part once, and ask no server.
_COMMANDS = (
    "ims image show --help",
    "image list --help",
    "server list --help",
    "volume list --help",
    "secret list --help",
)

# What it calls itself in its messages.
shell.OpenStackShell.NAME = "openstack"
for _command in _COMMANDS:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        shell.main(_command.split())
# Each run adds its own.
logging.getLogger().handlers.clear()
