# SPDX-License-Identifier: Apache-2.0
"""All that tests could leave behind, read from the services' own tables, folders and Ceph.

It is that of one project, among others that are worked on beside it, or that of the whole cloud.
"""

import functools
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pocket_cloud.cloud import Cloud
from pocket_cloud.setup import storage

Found = dict[str, list[str]]
"""What kind of thing -> one line for each; without kinds of which there is none."""

_IMAGE = "SELECT owner, CONCAT_WS(' ', id, name, status) FROM glance_{}.images WHERE NOT deleted"
_OF_CINDER = "SELECT project_id, CONCAT_WS(' ', id, {}, status) FROM cinder.{} WHERE NOT deleted"
_SERVER = """SELECT project_id, CONCAT_WS(' ', uuid, display_name, vm_state, task_state)
    FROM {}.instances WHERE deleted = 0"""
# Kind -> a query for the project of each, and what identifies it.
_ROWS = {
    "images": _IMAGE.format("one"),
    "images in region two": _IMAGE.format("two"),
    "volumes": _OF_CINDER.format("display_name", "volumes"),
    "snapshots": _OF_CINDER.format("display_name", "snapshots"),
    "backups": _OF_CINDER.format("display_name", "backups"),
    "servers": _SERVER.format("nova"),
    "servers that were built nowhere": _SERVER.format("nova_cell0"),
    # But for the default key, which stays with its project.
    "secrets": """SELECT external_id, CONCAT_WS(' ', secrets.id, name) FROM barbican.secrets
        JOIN barbican.projects ON projects.id = secrets.project_id WHERE NOT secrets.deleted
        AND (name IS NULL OR name != 'ims/default')""",
    "trusts": """SELECT project_id, CONCAT_WS(' ', id, expires_at) FROM keystone.trust
        WHERE deleted_at IS NULL""",
}
_SLOW_TO_GO = ("secrets", "trusts")
# A query for all that a project ever had and after which something stored is named.
_NAMES = """
    SELECT id FROM glance_one.images WHERE owner = :project
    UNION SELECT value FROM glance_one.image_locations WHERE image_id IN
        (SELECT id FROM glance_one.images WHERE owner = :project)
    UNION SELECT id FROM cinder.volumes WHERE project_id = :project
    UNION SELECT id FROM cinder.snapshots WHERE project_id = :project
    UNION SELECT id FROM cinder.backups WHERE project_id = :project
    UNION SELECT uuid FROM nova.instances WHERE project_id = :project
"""
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
# Kind -> service, the name of its list in openstacksdk, and what is asked for.
_SHOWN: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("images", "image", "images", {}),
    ("hidden images", "image", "images", {"os_hidden": True}),
    ("volumes", "block-storage", "volumes", {}),
    ("snapshots", "block-storage", "snapshots", {}),
    ("backups", "block-storage", "backups", {}),
    ("servers", "compute", "servers", {}),
    ("secrets", "key-manager", "secrets", {}),
)
# Data of images, whole or staged; backups; what compute hosts keep of servers.
_FOLDERS = ("glance-one", "glance-two", "cinder/backups", "nova/instances")


def of_project(project_id: str, with_slow: bool = True) -> Found:
    """What there is of a project, and what is stored of it, in Ceph or in files.

    :param with_slow: also what workers take away in their own time: trusts, and secrets
    """
    found: Found = {}
    with _engine().connect() as connection:
        for kind, query in _ROWS.items():
            if with_slow or kind not in _SLOW_TO_GO:
                rows = connection.execute(sa.text(query))
                _put(found, kind, (line for owner, line in rows if owner == project_id))
        names = connection.execute(sa.text(_NAMES), {"project": project_id}).scalars()
        ids = set().union(*map(_ids, names))
    _put(found, "stored", (name for name in _stored() if not ids.isdisjoint(_ids(name))))
    return found


def shown_to(connection: Any) -> Found:
    """What the services show to the user of a project."""
    found: Found = {}
    ours = connection.current_project_id
    for kind, service, name, query in _SHOWN:
        if connection.has_service(service):
            listed = getattr(getattr(connection, service.replace("-", "_")), name)(**query)
            # Of images, others' are shown too.
            theirs = (each for each in listed if getattr(each, "owner_id", ours) == ours)
            _put(found, kind, (f"{each.id} {each.name}" for each in theirs))
    return found


def of_cloud() -> Found:
    """What there is of all projects."""
    found: Found = {}
    with _engine().connect() as connection:
        for kind, query in _ROWS.items():
            rows = connection.execute(sa.text(query))
            _put(found, kind, (f"{line} of project {owner}" for owner, line in rows))
        projects = connection.execute(sa.text("SELECT name FROM keystone.project")).scalars()
        _put(found, "projects", projects)
        users = connection.execute(sa.text("SELECT name FROM keystone.local_user")).scalars()
        _put(found, "users", users)
    _put(found, "stored", _stored())
    return found


def more(before: Found, after: Found) -> Found:
    """What there is of *after* that was not there before."""
    found: Found = {}
    for kind, lines in after.items():
        _put(found, kind, set(lines) - set(before.get(kind, [])))
    return found


def _put(found: Found, kind: str, lines: Iterable[str]) -> None:
    if there := sorted(lines):
        found[kind] = there


@functools.cache
def _engine() -> sa.Engine:
    socket = Cloud.from_environment().path("run", "mariadb.sock")
    url = sa.URL.create("mysql+pymysql", "root", query={"unix_socket": str(socket)})
    # What others wrote meanwhile is seen; a server that was killed is asked anew.
    return sa.create_engine(url, poolclass=sa.NullPool)


def _ids(text: str) -> set[str]:
    return {each.replace("-", "") for each in _ID.findall(text)}


def _stored() -> Iterator[str]:
    data = Cloud.from_environment().path("data")
    for folder in _FOLDERS:
        for path in files(data / folder):
            # Nova keeps images that it has opened, and notes, for the next server.
            if path.parent.name not in ("_base", "locks", "instances"):
                yield str(path.relative_to(data))
    yield from _disks()


def files(folder: Path) -> Iterator[Path]:
    """The files anywhere below a folder.

    Others may remove folders meanwhile, over which ``Path.rglob`` would fail.
    """
    for parent, _folders, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if path.is_file():
                yield path


def _disks() -> Iterator[str]:
    """The disks in Ceph's pools, with those that wait for their removal."""
    # Debian's package, which nobody else has.
    import rados  # noqa: PLC0415
    import rbd  # noqa: PLC0415

    conf = Cloud.from_environment().path("etc", "ceph")
    options = {"keyring": str(conf / "ceph.client.admin.keyring")}
    with rados.Rados(conffile=str(conf / "ceph.conf"), name="client.admin", conf=options) as ceph:
        for pool in storage.POOLS:
            with ceph.open_ioctx(pool) as opened:
                yield from (f"{pool}/{name}" for name in rbd.RBD().list(opened))
                yield from (f"{pool}/{each['name']}" for each in rbd.RBD().trash_list(opened))
