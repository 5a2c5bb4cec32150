# SPDX-License-Identifier: Apache-2.0
"""The same cloud somewhere else: its regions, and connections to them and to other projects.

Addresses come from the catalogue of the caller's token alone, as do those of the service.
"""

import re
from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import connection, exceptions
from openstack.config import cloud_region

from ims_glance.client import service

_IMAGE = "image"
_ID = re.compile(r"[0-9a-f]{32}")


def current(conn: connection.Connection) -> str:
    """The region of a connection; that of the first endpoint if its settings name none."""
    named = conn.config.get_region_name(_IMAGE)
    return str(named) if named else next(iter(_endpoints(conn)), "")


def with_images(conn: connection.Connection) -> list[str]:
    """The regions of the catalogue that have an Image service, the one of the connection first.

    Regions that have one Image service together are one: the first of them.
    """
    here = current(conn)
    endpoints = _endpoints(conn)
    ordered = sorted(endpoints, key=lambda region: region != here)
    by_address: dict[str, str] = {}
    for region in ordered:
        by_address.setdefault(endpoints[region], region)
    return list(by_address.values())


def connect(conn: connection.Connection, region: str) -> Any:
    """A connection of the same login to a region, with the service.

    :raises openstack.exceptions.ConfigException: if the catalogue has no Image service there
    """
    if region == current(conn):
        return conn
    known = _endpoints(conn)
    if region not in known:
        raise exceptions.ConfigException(
            f"There is no Image service in a region '{region}' for you. Regions that have one: "
            f"{', '.join(known) or 'none'}."
        )
    # Without the settings of the other one: an address among them (image_endpoint_override) is
    # not this region's.
    config = cloud_region.from_session(
        conn.session, region_name=region, interface=conn.config.get_interface(_IMAGE)
    )
    return service.register(connection.Connection(config=config))


def as_project(conn: connection.Connection, project: str) -> Any:
    """A connection of the same user in another project, with the service.

    :param project: id, or a name in the domain of the login's project
    :raises openstack.exceptions.ConfigException: if it cannot be made; says why
    """
    if project in (conn.current_project_id, conn.config.get_auth_args().get("project_name")):
        return conn
    if not conn.config.get_auth_args():
        raise exceptions.ConfigException(
            f"This login cannot be used for project '{project}': it was made without credentials."
        )
    wanted = {"project_id" if _ID.fullmatch(project) else "project_name": project}
    try:
        made = conn.connect_as(**wanted)
        made.authorize()
    except (exceptions.SDKException, keystone_exceptions.ClientException) as error:
        raise exceptions.ConfigException(
            f"You cannot log in to project '{project}': {error}. It takes a role there, and a login "
            "that may name a project (an application credential is bound to its own)."
        ) from error
    return service.register(made)


def _endpoints(conn: connection.Connection) -> dict[str, str]:
    """The address of the Image service by region."""
    auth: Any = conn.session.auth
    # Other plugins than those of the Identity service (none, admin_token) have no catalogue.
    if not hasattr(auth, "get_access"):
        return {}
    catalogue = auth.get_access(conn.session).service_catalog
    found = catalogue.get_endpoints_data(
        service_type=_IMAGE, interface=conn.config.get_interface(_IMAGE)
    )
    addresses: dict[str, str] = {}
    for each in (endpoint for endpoints in found.values() for endpoint in endpoints):
        if each.region_name:
            addresses.setdefault(each.region_name, each.url.rstrip("/"))
    return addresses
