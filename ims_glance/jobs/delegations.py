# SPDX-License-Identifier: Apache-2.0
"""What callers delegated to the service: taken for a job, and given back when nobody needs it."""

import logging

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.rest import DelegationEnded
from ims_glance.db.database import DatabaseUnavailable
from ims_glance.db.delegation import Delegations
from ims_glance.jobs.context import Abandoned
from ims_glance.model.job import StoredJob

LOG = logging.getLogger(__name__)


class GivenDelegations:
    """Those of all callers, for one worker."""

    def __init__(self, conf: cfg.ConfigOpts, table: Delegations, identity: Identity) -> None:
        self._options = conf.ims_jobs
        self._table = table
        self._identity = identity

    def grant(self, delegation_id: str | None) -> str | None:
        """What was given with a delegation; ``None`` if there is none (any more).

        :raises Abandoned: if the database is away
        """
        if delegation_id is None:
            return None
        try:
            delegation = self._table.get(delegation_id)
        except DatabaseUnavailable as error:
            raise Abandoned(str(error)) from error
        return delegation.grant if delegation else None

    def leave(self, job: StoredJob) -> None:
        """Take back those of a job that has ended, if nobody else needs them."""
        for delegation_id in job.delegation_ids:
            try:
                self._end(delegation_id)
            except exceptions.ImsError as error:
                LOG.warning("Delegation %s is left for later: %s", delegation_id, error)

    def give_back(self) -> None:
        """Take back those that nobody needs.

        :raises Unavailable: if the database or Keystone is away
        """
        for delegation_id in self._table.left_behind(
            self._options.orphan_seconds, self._options.delegation_idle_seconds
        ):
            try:
                self._end(delegation_id)
            except exceptions.Unavailable:
                raise
            except exceptions.ImsError as error:
                # Of this one; the others are none the worse.
                LOG.warning("Delegation %s is left for later: %s", delegation_id, error)

    def _end(self, delegation_id: str) -> None:
        """Take a delegation back, if nobody needs it any more."""
        ended = self._table.end(delegation_id, self._options.delegation_idle_seconds)
        if ended is None:
            return
        grant = ended.grant or self._identity.find_trust(ended.user_id, ended.expires_at)
        try:
            if grant is not None:
                self._identity.give_back(grant)
        except DelegationEnded as error:
            # Nobody but an administrator can delete it now, and it opens nothing: it runs out.
            LOG.warning(
                "A trust of user %s stays until %s: %s", ended.user_id, ended.expires_at, error
            )
        self._table.delete(delegation_id)
