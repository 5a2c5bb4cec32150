# SPDX-License-Identifier: Apache-2.0
"""Projects by name."""

import logging
import re
from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions

LOG = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{32}")


def find(cloud: Any, name_or_id: str, look_up: Callable[[str], str] | None = None) -> str:
    """The id of a project.

    Who may not list the cloud's projects can still name those that they work in; what is no
    name of them is taken for an id, and the service says if it is none.

    :param cloud: an openstacksdk connection
    :param look_up: that finds the id by an exact name, for those who may not list projects
    :raises openstack.exceptions.DuplicateResource: if several have the name
    """
    if _ID.fullmatch(name_or_id):
        return name_or_id
    try:
        return str(cloud.identity.find_project(name_or_id, ignore_missing=False).id)
    except (exceptions.HttpException, keystone_exceptions.ClientException):
        own = _own(cloud, name_or_id)
    if own is None and look_up is not None:
        try:
            return look_up(name_or_id)
        except exceptions.HttpException as error:
            # An older service does not look, and others are not let to.
            LOG.warning("%s", error.message)
    if own is None:
        LOG.warning(
            "You may not look up projects of the name '%s', so it is taken for an id. Ids look like "
            "%s.",
            name_or_id,
            "0123456789abcdef0123456789abcdef",
        )
    return own or name_or_id


def _own(cloud: Any, name: str) -> str | None:
    try:
        mine = list(cloud.identity.user_projects(cloud.current_user_id))
    except (exceptions.HttpException, keystone_exceptions.ClientException):
        return None
    found = {str(project.id) for project in mine if project.name == name}
    if len(found) > 1:
        raise exceptions.DuplicateResource(
            f"Several of your projects are named '{name}': {', '.join(sorted(found))}."
        )
    return next(iter(found), None)
