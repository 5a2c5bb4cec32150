# SPDX-License-Identifier: Apache-2.0
"""Where server backups are kept: one module a driver, loaded by its entry point."""

from typing import Any

from oslo_config import cfg
from stevedore import driver as stevedore_driver
from stevedore import exception as stevedore_exceptions

from ims_glance import exceptions
from ims_glance.clouds.backups.base import ServerBackups
from ims_glance.clouds.region import Region
from ims_glance.crypto import proof

NAMESPACE = "ims_glance.backups"


class DriverMissing(exceptions.ImsError):
    """The configured driver is not installed."""

    template = (
        "There is no driver '{driver}' for server backups. Is [ims_backups] driver right, and is "
        "the package installed that it comes with?"
    )


class SecretTooShort(exceptions.ImsError):
    """A secret that could be guessed."""

    template = (
        "A secret of [ims_backups] signing_secrets has {length} characters; {least} are the least. "
        "Make one with 'openssl rand -hex 32'."
    )


def load(conf: cfg.ConfigOpts, region: Region) -> ServerBackups:
    """The server backups of a caller or of a job, by the configured driver.

    :param region: as they see it
    :raises DriverMissing: if it is not installed
    :raises SecretTooShort: if a secret of the configuration is
    """
    name = conf.ims_backups.driver
    try:
        manager: Any = stevedore_driver.DriverManager[Any](NAMESPACE, name, invoke_on_load=False)
    except stevedore_exceptions.NoMatches:
        raise DriverMissing(driver=name) from None
    made: ServerBackups = manager.driver(region, prover=_prover(conf))
    return made


def _prover(conf: cfg.ConfigOpts) -> proof.Prover:
    secrets = conf.ims_backups.signing_secrets
    shortest = min(map(len, secrets), default=proof.SHORTEST_SECRET)
    if shortest < proof.SHORTEST_SECRET:
        raise SecretTooShort(length=shortest, least=proof.SHORTEST_SECRET)
    return proof.Prover(secrets)
