# SPDX-License-Identifier: Apache-2.0
"""The services of a region, as the owner of a session finds them.

Whoever asks Glance, Nova, Cinder or another neighbour for something has one, and gives it to the client
(:class:`ims_glance.clouds.image_api.ImageApi`, :func:`ims_glance.clouds.backups.load`, ...).
"""

import dataclasses
from typing import Any, Self

from keystoneauth1.adapter import Adapter
from oslo_config import cfg

from ims_glance.clouds.rest import Rest
from ims_glance.conf import ims_service


@dataclasses.dataclass(frozen=True)
class Region:
    """A region.

    :ivar session: a ``keystoneauth1.session.Session`` that authenticates every request
    :ivar name: ``None`` if the catalogue has one only
    :ivar interfaces: of the endpoints that may be asked, one or several, the best one first; ``None``
        for ``public``
    :ivar follows: whether a service there may say that it is elsewhere (HTTP redirects), and is believed
        what it answers; not so in another region
    """

    session: Any
    name: str | None = None
    interfaces: list[str] | str | None = None
    follows: bool = True

    @property
    def title(self) -> str:
        """Its name, also where nobody needs one."""
        return self.name or ims_service.FIRST_REGION

    @classmethod
    def of(cls, conf: cfg.ConfigOpts, session: Any) -> Self:
        """The region of ``[ims_service]``, whose images are served here."""
        options = conf[ims_service.GROUP]
        # The second is the first one's name of old, and keystoneauth still has it.
        return cls(session, options.region_name, options.valid_interfaces or options.interface)

    def elsewhere(self, name: str) -> Self:
        """Another region of the same cloud, for the same session.

        Where its services are, the catalogue alone says: a token goes nowhere else.
        """
        return dataclasses.replace(self, name=name, follows=False)

    def adapter(self, service_type: str, **settings: Any) -> Adapter:
        """A service, as keystoneauth asks it.

        :param service_type: in the catalogue (``image``, ``block-storage``)
        :param settings: of the adapter
        """
        return Adapter(
            self.session,
            service_type=service_type,
            interface=self.interfaces,
            region_name=self.name,
            **settings,
        )

    def service(self, service_type: str, title: str) -> Rest:
        """A service.

        :param title: for messages ("Image")
        """
        return Rest(self.adapter(service_type), title, follows=self.follows)
