# SPDX-License-Identifier: Apache-2.0
"""Glance's own configuration files, which all programs of the service read."""

import os

from oslo_config import cfg


def read(conf: cfg.ConfigOpts, argv: list[str], program: str) -> None:
    """Parse the command line and read the files that it names, or those that Glance itself reads.

    They are those of ``OS_GLANCE_CONFIG_DIR`` or ``/etc/glance``, and Glance's drop-ins.

    :param program: its name, for its help
    """
    conf(
        argv,
        project="glance",
        prog=program,
        default_config_files=files(),
        default_config_dirs=drop_ins(),
    )


def files() -> list[str]:
    """Glance's own configuration file, if it is there."""
    directory = os.environ.get("OS_GLANCE_CONFIG_DIR", "/etc/glance").strip()
    default = os.path.join(directory, "glance-api.conf")
    return [default] if os.path.exists(default) else []


def drop_ins() -> list[str]:
    """The folders with Glance's drop-ins that are there."""
    return list(cfg.find_config_dirs("glance", "glance-api"))
