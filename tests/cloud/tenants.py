# SPDX-License-Identifier: Apache-2.0
"""Projects of the tests' own, so that each process can work beside others and count what is left.

A process has its own ``demo`` and ``other``; a module or a test may have more.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from openstack import exceptions

from tests.cloud import leftovers, login

_ROOM = 40
# Workers give back what a caller delegated some time after the last job.
_PATIENCE = 240.0


@contextmanager
def tenant(role: str = "test") -> Iterator[Any]:
    """A connection as the only user of a project, of which nothing may be left at the end.

    :param role: what the project's name begins with
    """
    admin = login.connect("admin")
    identity = admin.identity
    name = f"{role}-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        project = identity.create_project(name=name, domain_id="default")
        stack.callback(identity.delete_project, project)
        user = identity.create_user(
            name=name, password=name, default_project_id=project.id, domain_id="default"
        )
        stack.callback(identity.delete_user, user)
        for each in ("member", "reader"):
            found = identity.find_role(each, ignore_missing=False)
            identity.assign_project_role_to_user(project, user, found)
        if admin.has_service("block-storage"):
            room = dict.fromkeys(("volumes", "snapshots", "backups"), _ROOM)
            admin.block_storage.update_quota_set(project.id, **room)
        auth = {"username": name, "password": name, "project_name": name}
        connection = login.connect("admin", auth)
        yield connection
        _forget_default_key(connection)
        found = _left_elsewhere(connection) if login.IS_ELSEWHERE else left(project.id)
        assert found == {}, f"left by the tests of project {name}"


def grant(connection: Any, role: str) -> None:
    """Give the user of *connection* a role in their project, which another process may be making meanwhile."""
    identity = login.connect("admin").identity
    try:
        found = identity.create_role(name=role)
    except exceptions.ConflictException:
        found = identity.find_role(role, ignore_missing=False)
    project, user = connection.current_project_id, connection.current_user_id
    identity.assign_project_role_to_user(project, user, found)


def left(project_id: str) -> leftovers.Found:
    """What there still is of a project after what is being cleaned up is gone."""
    return _left(lambda: leftovers.of_project(project_id))


def _left_elsewhere(connection: Any) -> leftovers.Found:
    """The same where nobody but the APIs can be asked."""
    return _left(lambda: leftovers.shown_to(connection))


def _left(look: Callable[[], leftovers.Found]) -> leftovers.Found:
    end = time.monotonic() + _PATIENCE
    while (found := look()) and time.monotonic() < end:
        time.sleep(0.5)
    return found


@contextmanager
def of_this_process(folder: Path) -> Iterator[None]:
    """Have ``demo`` and ``other`` be projects of this process alone."""
    path = folder / "clouds.yaml"
    users = login.users()
    shared, login.clouds = login.clouds, path
    try:
        with ExitStack() as stack:
            _write(path, users)
            for name in ("demo", "other"):
                made = stack.enter_context(tenant(name))
                ours = made.config.config["auth"]["username"]
                for region in {name, f"{name}-two"} & set(users):
                    auth = users[region]["auth"]
                    auth.update(dict.fromkeys(("username", "password", "project_name"), ours))
            _write(path, users)
            yield
    finally:
        login.clouds = shared


def _write(path: Path, users: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump({"clouds": users}))


def _forget_default_key(connection: Any) -> None:
    """Delete the project's default key, which the service makes and nobody else deletes."""
    for secret in connection.key_manager.secrets(name="ims/default"):
        connection.key_manager.delete_secret(login.secret_id(secret))
