# SPDX-License-Identifier: Apache-2.0
"""How long a page of a long list takes, on the pocket cloud, in RegionOne.

In a project of its own, whose images are written into Glance's database, for 10,000 of them would
take long to create otherwise.
"""

import configparser
import datetime
import http.client
import secrets
import statistics
import urllib.parse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from glance.db.sqlalchemy import models
from oslo_serialization import jsonutils

from ims_glance.model.image import attributes
from tests.benchmarks.harness import Figure, in_turns, median_ratio, seconds
from tests.cloud import login, pocket

IMAGES = 10_000
PAGE = 500
# The second page of all that are of this operating system, by a property as IMS filters mostly are.
_FILTER = {"__os_type": "Linux", "sort_key": "name", "sort_dir": "asc", "limit": str(PAGE)}
_TABLES = (models.ImageTag, models.ImageProperty, models.ImageLocation)


def listing() -> Figure:
    """Seconds of ``list_images`` ÷ those of ``GET /v2/images``, for the same page."""
    with project() as conn, images(conn.current_project_id, IMAGES) as ids:
        query = urllib.parse.urlencode(_FILTER | {"marker": ids[PAGE - 1]})
        expected = ids[PAGE : 2 * PAGE]

        def measure(path: str) -> float:
            answers: list[Any] = []
            took = seconds(lambda: answers.append(_get(conn, f"{path}?{query}")))
            found = [image["id"] for image in jsonutils.loads(answers[0])["images"]]
            assert found == expected, f"{path}: {len(found)} images, or others"
            return took

        native, ours = in_turns(
            lambda _turn: measure("/v2/images"), lambda _turn: measure("/v2/cloudimages"), pairs=9
        )
    return Figure(
        f"list of a {PAGE}-image page among {IMAGES:,} images ÷ native list of the same page "
        "with the same filter, seconds",
        "≤ 1.1",
        f"{median_ratio(ours, native):.2f} ({statistics.median(ours):.2f} ÷ "
        f"{statistics.median(native):.2f} s)",
    )


def _get(conn: Any, path: str) -> bytes:
    place = urllib.parse.urlsplit(conn.image.get_endpoint())
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)
    connection.request("GET", path, headers={"X-Auth-Token": conn.auth_token})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == http.HTTPStatus.OK, body
    return body


@contextmanager
def project() -> Iterator[Any]:
    """A connection of user ``demo`` in a new project."""
    admin, demo = login.connect("admin"), login.connect("demo")
    name = f"benchmark-{secrets.token_hex(4)}"
    made = admin.identity.create_project(name=name, domain_id="default")
    try:
        role = admin.identity.find_role("member")
        admin.identity.assign_project_role_to_user(made, demo.current_user_id, role)
        with login.connect("demo", {"project_name": name}) as conn:
            yield conn
    finally:
        admin.identity.delete_project(made)


@contextmanager
def images(project_id: str, count: int) -> Iterator[list[str]]:
    """Images of a project as new ones look; their ids in the order of their names."""
    engine = sqlalchemy.create_engine(_database())
    ids = [str(uuid.uuid4()) for _ in range(count)]
    try:
        with engine.begin() as transaction:
            for begin in range(0, count, PAGE):
                _write(transaction, project_id, ids, range(begin, min(count, begin + PAGE)))
        yield ids
    finally:
        with engine.begin() as transaction:
            _erase(transaction, project_id)
        engine.dispose()


def _write(transaction: Any, project_id: str, ids: list[str], numbers: range) -> None:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    times = {"created_at": now, "updated_at": now, "deleted": False}
    properties = attributes.for_creation({})
    rows = [
        {
            "id": ids[number],
            "name": f"image {number:05}",
            "owner": project_id,
            "status": "active",
            "visibility": "private",
            "disk_format": "qcow2",
            "container_format": "bare",
            "size": number,
            **times,
        }
        for number in numbers
    ]
    transaction.execute(sqlalchemy.insert(models.Image), rows)
    rows = [
        {"image_id": ids[number], "name": name, "value": value, **times}
        for number in numbers
        for name, value in properties.items()
    ]
    transaction.execute(sqlalchemy.insert(models.ImageProperty), rows)
    tags = [{"image_id": ids[number], "value": "purpose=benchmark", **times} for number in numbers]
    transaction.execute(sqlalchemy.insert(models.ImageTag), tags)


def _erase(transaction: Any, project_id: str) -> None:
    own = sqlalchemy.select(models.Image.id).where(models.Image.owner == project_id)
    for table in _TABLES:
        transaction.execute(sqlalchemy.delete(table).where(table.image_id.in_(own)))
    transaction.execute(sqlalchemy.delete(models.Image).where(models.Image.owner == project_id))


def _database() -> str:
    """Where Glance's database is."""
    found = configparser.ConfigParser(interpolation=None, strict=False)
    found.read(pocket.glance_config_files())
    return found["database"]["connection"]
