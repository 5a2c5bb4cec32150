# SPDX-License-Identifier: Apache-2.0
"""How openstacksdk finds the service: it lies beside the Image API, at the same endpoint."""

import re
from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import connection, service_description

from ims_glance.client.proxy import Proxy

SERVICE_TYPE = "ims"
_CATALOGUE_TYPE = "image"
# Some catalogues give the Image API's version along; the IMS API has paths of several versions.
_VERSION = re.compile(r"/v\d+(\.\d+)?\Z")


class ImsService(service_description.ServiceDescription):  # type: ignore[type-arg]  # new in 4.x
    """The IMS API.

    ``ims_endpoint_override`` in ``clouds.yaml`` names another endpoint than the Image API's.
    """

    def _make_proxy(self, instance: connection.Connection) -> Proxy:
        config = instance.config
        proxy = config.get_session_client(_CATALOGUE_TYPE, constructor=Proxy)
        endpoint = config.get_endpoint(SERVICE_TYPE) or proxy.endpoint_override
        # Discovery would append the version of the Image API.
        endpoint = endpoint or proxy.get_endpoint(skip_discovery=True)
        if not endpoint:
            raise keystone_exceptions.EndpointNotFound("there is no Image service")
        proxy.endpoint_override = _VERSION.sub("", endpoint.rstrip("/"))
        return proxy


def register(conn: connection.Connection) -> Any:
    """Give a connection the service, as ``conn.ims``.

    :returns: the connection
    """
    conn.add_service(ImsService(SERVICE_TYPE, {"1": Proxy}))
    return conn
