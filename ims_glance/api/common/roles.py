# SPDX-License-Identifier: Apache-2.0
"""The role in which the service writes what is its own on an image.

``etc/ims_glance/property-protections.conf`` lets it write the system attributes. It opens nothing
else: what may be done to which image stays a matter of the caller's own roles.
"""

import copy
from typing import Any

SERVICE_ROLE = "ims_service"
NEIGHBOUR_ROLE = "service"
"""What Nova and Cinder have in the token that they send beside that of their caller."""


def as_service(context: Any) -> Any:
    """A copy of *context* (a ``glance.context.RequestContext``) with the service's role added."""
    elevated = copy.copy(context)
    elevated.roles = [*context.roles, SERVICE_ROLE]
    return elevated


def is_service(context: Any) -> bool:
    """Whether the request is one of our worker: it came with a service token of that role.

    Keystone's middleware checked the token, and removed what a client claims to be one.
    """
    return SERVICE_ROLE in (context.service_roles or [])


def is_of_service(context: Any) -> bool:
    """Whether a service of the cloud (Nova, Cinder, our worker) makes the request for its caller."""
    return is_service(context) or NEIGHBOUR_ROLE in (context.service_roles or [])
