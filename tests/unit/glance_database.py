# SPDX-License-Identifier: Apache-2.0
"""Glance's own database in a file, used through Glance's own code.

Glance keeps one connection and one configuration per process, so everything here is to be called in
a child process (:func:`tests.base.in_child`), after :func:`connect` or a command that configures.
"""

import uuid
from pathlib import Path
from typing import Any

from glance import context
from glance.common import wsgi_app  # noqa: F401  registers Glance's options
from glance.db.sqlalchemy import api, models
from oslo_config import cfg


def connect(path: Path, **options: Any) -> None:
    """Use the database in *path*.

    :param options: of Glance, group ``DEFAULT``
    """
    configuration = path.with_suffix(".conf")
    configuration.write_text(f"[database]\nconnection = sqlite:///{path}\n")
    cfg.CONF(["--config-file", str(configuration)], project="glance")
    for name, value in options.items():
        cfg.CONF.set_override(name, value)


def create(path: Path) -> None:
    """Make the tables."""
    connect(path)
    models.BASE.metadata.create_all(api.get_engine())


def add_image(**values: Any) -> str:
    """Add an image and return its id; *values* differ from those of a private, active one."""
    values = {
        "id": str(uuid.uuid4()),
        "status": "active",
        "visibility": "private",
        "owner": "demo",
        "disk_format": "raw",
        "container_format": "bare",
        "properties": {},
        **values,
    }
    locations = _locations(values.pop("locations", []))
    image = api.image_create(context.get_admin_context(), {**values, "locations": locations})
    return str(image["id"])


def copied(image_id: str, locations: list[tuple[str, str]], properties: dict[str, str]) -> None:
    """Have an image lie in these places, with some more properties."""
    values = {"locations": _locations(locations), "properties": properties}
    api.image_update(context.get_admin_context(), image_id, values, purge_props=False)


def _locations(places: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"url": url, "metadata": {"store": store}, "status": "active"} for store, url in places]


def remove_property(image_id: str, name: str) -> None:
    """Remove a property of an image, as its owner can."""
    api.image_property_delete(context.get_admin_context(), name, image_id)


def properties(image_id: str) -> dict[str, str]:
    """The properties of an image."""
    image = api.image_get(context.get_admin_context(), image_id)
    return {each["name"]: each["value"] for each in image["properties"] if not each["deleted"]}


def add_member(image_id: str, project_id: str) -> None:
    """Share an image."""
    values = {"image_id": image_id, "member": project_id, "status": "accepted"}
    api.image_member_create(context.get_admin_context(), values)


def members(image_id: str) -> set[str]:
    """The projects that have an image."""
    found = api.image_member_find(context.get_admin_context(), image_id=image_id)
    return {member["member"] for member in found}
