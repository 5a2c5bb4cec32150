# SPDX-License-Identifier: Apache-2.0
"""Projects by their names, for callers who may not list those of others.

Keystone lets nobody but administrators look for a project. The service asks as the user of ``[ims_signature]``,
which reads of the whole system anyway, for one exact name in one domain, and tells nothing but the id.
"""

import functools
import threading
from typing import Any

from keystoneauth1 import adapter, plugin
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds import rest, sessions
from ims_glance.clouds.identity import IdentityUnavailable
from ims_glance.conf import ims_signature


class NoDirectory(exceptions.Conflict):
    """The operator gave the service no user that may look."""

    code = "IMG.0105"
    template = (
        "This cloud does not look up projects by their names. Ask for the id of project '{name}' and give that: its "
        "members see it with 'openstack project show {name}'."
    )


class ProjectDirectory:
    """Keystone's list of projects. It logs in when it is first needed."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    def find(self, name: str, domain_id: str) -> str | None:
        """The id of the project of an exact name in a domain, if there is one that is enabled.

        :raises NoDirectory: if nobody may look, or Keystone does not let the service
        :raises Unavailable: if Keystone is away, or does not know the service's user
        """
        if not self._conf.ims_signature.enabled:
            raise NoDirectory(name=name[:64])
        query = {"name": name, "domain_id": domain_id, "enabled": "true"}
        try:
            found = self._keystone.json("GET", "/projects", params=query)["projects"]
        except rest.DelegationEnded as error:
            raise IdentityUnavailable(reason="login refused") from error
        except rest.Refused as error:
            raise NoDirectory(name=name[:64]) from error
        # Some databases do not tell capitals from others.
        ids = [str(each["id"]) for each in found if each["name"] == name]
        return next(iter(ids), None)

    @functools.cached_property
    def _keystone(self) -> rest.Rest:
        group = ims_signature.GROUP
        service: Any = adapter.Adapter(
            sessions.load(self._conf, group, sessions.load_login(self._conf, group)),
            service_type="identity",
            # Where the service logs in itself: no catalogue is needed for that.
            interface=plugin.AUTH_INTERFACE,  # type: ignore[arg-type]
            version="3",
        )
        return rest.Rest(service, "Identity", timeout=None)


_OF_PROCESS: dict[int, tuple[cfg.ConfigOpts, ProjectDirectory]] = {}
_OF_PROCESS_LOCK = threading.Lock()


def of_process(conf: cfg.ConfigOpts) -> ProjectDirectory:
    """The process's directory for *conf*: who looks up many names logs in once."""
    with _OF_PROCESS_LOCK:
        # A ConfigOpts cannot be hashed; kept beside its directory, its id stays its own.
        if id(conf) not in _OF_PROCESS:
            _OF_PROCESS[id(conf)] = (conf, ProjectDirectory(conf))
        return _OF_PROCESS[id(conf)][1]
