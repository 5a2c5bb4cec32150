# SPDX-License-Identifier: Apache-2.0
"""The ``openstack`` command as a tenant runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cloud import forks, login

OPENSTACK = Path(sys.executable).with_name("openstack")
MIB = 1024**2


def environment(user: str) -> dict[str, str]:
    """The environment of a shell in which *user* has logged in."""
    ours = {"OS_CLIENT_CONFIG_FILE": str(login.clouds), "OS_CLOUD": user}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {**inherited, **ours, "COLUMNS": "200"}


def openstack(user: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command; what it says when it fails is never a traceback."""
    done = forks.openstack(arguments, environment(user))
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


def ims(user: str, *arguments: str) -> str:
    """Run ``openstack ims ...``, which has to succeed; its standard output."""
    done = openstack(user, "ims", *arguments)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def read(user: str, *arguments: str) -> Any:
    """The result of ``openstack ims ...`` from its JSON."""
    return json.loads(ims(user, *arguments, "-f", "json"))


def refusal(user: str, *arguments: str) -> str:
    """Run ``openstack ims ...``, which has to fail; what it says."""
    done = openstack(user, "ims", *arguments)
    assert done.returncode == 1, f"{arguments}: {done.returncode} {done.stdout} {done.stderr}"
    return done.stderr


@contextmanager
def image(conn: Any, name: str, mebibytes: float = 1, **properties: Any) -> Iterator[str]:
    """An image with data, made by the Image API; its id. Copies made of it are not removed."""
    made = conn.image.create_image(
        name=name,
        data=os.urandom(int(mebibytes * MIB)),
        disk_format="raw",
        container_format="bare",
        visibility="private",
        wait=True,
        **properties,
    )
    try:
        yield str(made.id)
    finally:
        conn.image.delete_image(made.id)


def forget(conn: Any, name: str) -> None:
    """Delete the project's images of a name."""
    for each in conn.image.images(name=name, owner=conn.current_project_id):
        conn.image.delete_image(each.id)
