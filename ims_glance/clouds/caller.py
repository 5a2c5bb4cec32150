# SPDX-License-Identifier: Apache-2.0
"""Neighbours with the token of a request's caller."""

import itertools
from typing import Any

from keystoneauth1 import plugin
from keystoneauth1.access import service_catalog
from keystoneauth1.session import Session
from oslo_config import cfg

from ims_glance.clouds import sessions
from ims_glance.clouds.region import Region
from ims_glance.conf import ims_service


class CallerAuth(plugin.BaseAuthPlugin):
    """A token as it came with a request, and the catalogue that came with it.

    The token is shown as it is, and not exchanged for another: Keystone exchanges none of an
    application credential.

    :param context: the caller's ``glance.context.RequestContext``
    """

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._token = context.auth_token
        # keystonemiddleware turns catalogues into those of version 2 (auth_token/_request.py).
        self._catalog = service_catalog.ServiceCatalogV2(context.service_catalog or [])

    def get_token(self, session: Session, **_settings: Any) -> str:
        """The token."""
        return str(self._token)

    def get_endpoint(
        self,
        session: Session,
        service_type: str | None = None,
        interface: str | list[str] | None = None,
        region_name: str | None = None,
        **_settings: Any,
    ) -> str | None:
        """Where a service is; ``None`` if the catalogue has none.

        :param interface: one, or several of which the first that is there is taken
        """
        found = self._catalog.get_urls(
            service_type=service_type, interface=interface or "public", region_name=region_name
        )
        return str(found[0]) if found else None


def region_of(conf: cfg.ConfigOpts, context: Any) -> Region:
    """The region as the caller of a request sees it."""
    request_id = sessions.request_id(context)
    session = sessions.load(conf, ims_service.GROUP, CallerAuth(context), request_id)
    return Region.of(conf, session)


def regions(context: Any, service_type: str) -> list[str]:
    """Names of the regions in which the caller of a request has a service."""
    catalog = service_catalog.ServiceCatalogV2(context.service_catalog or [])
    found = itertools.chain.from_iterable(catalog.get_endpoints(service_type=service_type).values())
    return sorted({str(each["region"]) for each in found if each and each.get("region")})
