# SPDX-License-Identifier: Apache-2.0
"""Where server backups are kept: one module a driver, loaded by its entry point."""

from typing import Any

from oslo_config import cfg
from stevedore import driver as stevedore_driver
from stevedore import exception as stevedore_exceptions

from ims_glance import exceptions
from ims_glance.clouds.backups.base import ServerBackups

NAMESPACE = "ims_glance.backups"


class DriverMissing(exceptions.ImsError):
    """The configured driver is not installed."""

    template = (
        "There is no driver '{driver}' for server backups. Is [ims_backups] driver right, and is "
        "the package installed that it comes with?"
    )


def load(conf: cfg.ConfigOpts, session: Any, region_name: str | None = None) -> ServerBackups:
    """The server backups of a caller or of a job, by the configured driver.

    :param session: see :class:`ims_glance.clouds.rest.Rest`
    :raises DriverMissing: if it is not installed
    """
    name = conf.ims_backups.driver
    try:
        manager: Any = stevedore_driver.DriverManager[Any](NAMESPACE, name, invoke_on_load=False)
    except stevedore_exceptions.NoMatches:
        raise DriverMissing(driver=name) from None
    made: ServerBackups = manager.driver(session, region_name)
    return made
