# SPDX-License-Identifier: Apache-2.0
"""The IMS API with the token of the user who is logged in."""

from typing import Any

import openstack.connection
from django.conf import settings
from horizon.utils import memoized
from keystoneauth1 import adapter, token_endpoint
from keystoneauth1 import session as keystone_session
from openstack_auth import utils
from openstack_dashboard.api import base

from ims_glance.client import register
from ims_glance.client.proxy import Proxy

# Seconds. A page waits no longer; what takes longer is a job.
_PATIENCE = 60
# What a file goes to may count and store a while before it answers.
_PATIENCE_OF_FILES = 300


class UserToken(token_endpoint.Token):
    """A token that is not asked about again: Horizon has done that, and knows its project."""

    def __init__(self, endpoint: str, token: str, project_id: str) -> None:
        super().__init__(endpoint, token)
        self._project_id = project_id

    def get_project_id(self, session: Any, **kwargs: Any) -> str:
        """The project that the user works in."""
        return self._project_id


@memoized.memoized
def ims(request: Any) -> Proxy:
    """The service, in the region and the project that the user works in.

    :param request: of Django
    """
    return ims_in(request, request.user.services_region)


def ims_in(request: Any, region: str) -> Proxy:
    """The service in a region of the user's catalogue.

    :raises ServiceCatalogException: if it has none there
    """
    address = base.url_for(request, "image", region=region)
    session = _session(request, address, _PATIENCE)
    connection = openstack.connection.Connection(
        session=session,
        region_name=region,
        compute_api_version="2",
        # A service that is away is said to be at once: openstacksdk would try again for 15 seconds.
        image_status_code_retries=0,
    )
    service: Proxy = register(connection).ims
    return service


def objects(request: Any) -> adapter.Adapter:
    """The object storage, in the region and the project that the user works in; it gives answers of any status back.

    :raises ServiceCatalogException: if there is none
    """
    address = base.url_for(request, "object-store", region=request.user.services_region)
    session = _session(request, address, _PATIENCE_OF_FILES)
    return adapter.Adapter(session, endpoint_override=address, raise_exc=False)


def _session(request: Any, address: str, patience: float) -> keystone_session.Session:
    user = request.user
    return keystone_session.Session(
        auth=UserToken(address, user.token.id, user.project_id),
        verify=not settings.OPENSTACK_SSL_NO_VERIFY and (settings.OPENSTACK_SSL_CACERT or True),
        timeout=patience,
        original_ip=utils.get_client_ip(request),
        app_name="ims-console",
    )
