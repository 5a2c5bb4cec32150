# SPDX-License-Identifier: Apache-2.0
"""What a worker does for the other ends of standing copies, which are in the region of the copies.

They end when that of the images says so. It may never: their owner is gone, its database was lost, or it
gave up before they were recorded here.
"""

import logging
import random
import threading

from oslo_config import cfg
from oslo_utils import timeutils

from ims_glance import exceptions
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.ims_api import ImsApi
from ims_glance.clouds.region import Region
from ims_glance.db.database import Database
from ims_glance.db.delegation import Delegations
from ims_glance.db.standing.receptions import Receptions
from ims_glance.model.standing_copy import Reception

LOG = logging.getLogger(__name__)

# So many other regions are asked in one sweep whether they have a replication still.
_ASKED_AT_ONCE = 20


class ReceptionSweep:
    """Forgets those that are over.

    :param stopping: set when the worker stops
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        database: Database,
        identity: Identity,
        stopping: threading.Event,
    ) -> None:
        self._conf = conf
        self._receptions = Receptions(database)
        self._delegations = Delegations(database)
        self._identity = identity
        self._stopping = stopping

    def sweep(self) -> None:
        """Forget those whose rights ended, and whose replications are there no more.

        :raises Unavailable: if the database or Keystone is away
        """
        for reception in self._receptions.expired(f"{timeutils.utcnow():%Y-%m-%dT%H:%M:%S.%fZ}"):
            self._forget(reception)
        # Before the trusts: one that is made meanwhile is not among these then.
        known = self._receptions.made_before(self._conf.ims_jobs.orphan_seconds)
        trusts = self._identity.trusts() if known else set()
        left = []
        for reception in known:
            if {self._grant(each) for each in reception.delegation_ids} <= trusts:
                left.append(reception)
            else:
                self._forget(reception)
        for reception in random.sample(left, min(_ASKED_AT_ONCE, len(left))):
            if self._stopping.is_set():
                return
            if not self._is_made_there(reception):
                self._forget(reception)

    def _forget(self, reception: Reception) -> None:
        LOG.warning("Replication %s has no rights here any more, or is gone", reception.id)
        self._receptions.delete(reception)

    def _is_made_there(self, reception: Reception) -> bool:
        """Whether the region of the images has a replication, unless it does not say."""
        grant = self._grant(reception.source_delegation_id)
        if grant is None:
            return True
        here = Region.of(self._conf, self._identity.session_of(grant))
        try:
            there = ImsApi(here.elsewhere(reception.source_region))
            return there.has_replication(reception.source_project_id, reception.id)
        except exceptions.ImsError as error:
            LOG.info("Nobody says whether replication %s is there: %s", reception.id, error)
            return True

    def _grant(self, delegation_id: str | None) -> str | None:
        return unexpired_grant(self._delegations, delegation_id)


def unexpired_grant(table: Delegations, delegation_id: str | None) -> str | None:
    """What was given with a delegation, unless its time is over."""
    found = None if delegation_id is None else table.get(delegation_id)
    if found is None:
        return None
    end = timeutils.normalize_time(timeutils.parse_isotime(found.expires_at))
    return None if end < timeutils.utcnow() else found.grant
