# SPDX-License-Identifier: Apache-2.0
"""Standing copies as the API sees them: their records, and what their owner delegated for them.

On either side they have trusts of their own, which end with them. What is copied later is begun by a
worker with those, for Keystone lets no trust be made with the token of another.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg
from oslo_utils import timeutils, uuidutils

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.common.acceptance import (
    DelegationGone,
    KeyDelegatesNothing,
    Rights,
    access_key,
    end_of_life,
    make_trust,
)
from ims_glance.clouds.identity import Identity, rights_digest
from ims_glance.clouds.ims_api import ImsApi
from ims_glance.db import delegation as delegations
from ims_glance.db.database import Database
from ims_glance.db.delegation import Caller, Delegations, Made
from ims_glance.db.standing.copies import StandingCopies
from ims_glance.db.standing.receptions import ReceptionNotFound, Receptions
from ims_glance.model.standing_copy import Reception, StandingCopy, StandingImage

LOG = logging.getLogger(__name__)

# Its trusts go when it is deleted. That they end at all is for those that nobody knows of any more, and
# their end is what a lost one is found again by; days.
_DAYS = 3650.0


class NotRecorded(exceptions.Unavailable):
    """It was taken for left behind while it was made."""

    code = "IMG.0018"
    template = "The replication could not be recorded in time. Try again."


class Standing:
    """Standing copies. Nothing is connected before the first use."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        ims_conf.register_opts(conf)
        self._conf = conf
        database = Database(conf)
        self.copies = StandingCopies(database)
        self._receptions = Receptions(database)
        self._delegations = Delegations(database)
        self._identity = Identity(conf)

    # --- where the images are ------------------------------------------------------------------

    def check_limit(self, project_id: str) -> None:
        """See whether a project may have one more.

        :raises TooManyStandingCopies: if not
        """
        self.copies.check_limit(project_id, self._conf.ims_api.replications)

    def begin(
        self,
        context: Any,
        standing: StandingCopy,
        here: Rights,
        there: Rights,
        images: Sequence[StandingImage],
    ) -> StandingCopy:
        """Record one that is being made; with its id and what was delegated for it.

        :param here: what it may do where the images are
        :param there: and where the copies shall be
        :param images: that are there already, and are not copied
        :raises KeyDelegatesNothing: if the request was signed with an access key
        :raises TooManyStandingCopies: if the project has as many as it may have
        :raises DelegationRefused: if the caller's token delegates nothing
        :raises Unavailable: if the database or Keystone is away
        """
        self.check_limit(standing.project_id)
        standing_id = uuidutils.generate_uuid(dashed=False)
        acting, reading = self._trusted(context, standing_id, there, here)
        made = dataclasses.replace(
            standing,
            id=standing_id,
            delegation_id=acting.delegation_id,
            source_delegation_id=reading.delegation_id,
        )
        patience, limit = self._conf.ims_jobs.orphan_seconds, self._conf.ims_api.replications
        try:
            self.copies.create(made, limit, patience, {acting, reading}, images)
        except delegations.Ended:
            raise NotRecorded from None
        return made

    def activate(self, standing: StandingCopy, wishes: Mapping[str, Any]) -> StandingCopy:
        """Let workers begin with it.

        :param wishes: of the copies, as the other region took them
        :raises NotRecorded: if it took too long
        """
        if not self.copies.activate(standing.id, wishes):
            raise NotRecorded
        LOG.info("Replication %s of project %s begins", standing.id, standing.project_id)
        return self.copies.get(standing.id, standing.project_id)

    def abandon(self, standing: StandingCopy) -> None:
        """Have a worker delete one that is not made after all; that the database is away is fine."""
        with contextlib.suppress(exceptions.ImsError):
            self.copies.delete(standing.id)

    def there(self, standing: StandingCopy) -> ImsApi:
        """The other region's IMS API, with what the owner delegated for it.

        :raises DelegationGone: if that ended
        """
        grant = self._grant(standing.delegation_id)
        session = self._identity.session_of(grant)
        return ImsApi(self._identity.region(session).elsewhere(standing.region))

    # --- where the copies are ------------------------------------------------------------------

    def receive(
        self, context: Any, reception: Reception, acting: Rights, reading: Rights
    ) -> Reception:
        """Record the other end of one.

        :param acting: what jobs may do here
        :param reading: and where the images are
        :raises TooManyReceptions: if the project receives those of as many as it may
        :raises: as :meth:`begin`; ReceptionTaken if there is one of its id
        """
        limit = self._conf.ims_api.replications
        self._receptions.check_limit(reception.project_id, limit)
        own, source = self._trusted(context, reception.id, acting, reading)
        made = dataclasses.replace(
            reception, delegation_id=own.delegation_id, source_delegation_id=source.delegation_id
        )
        try:
            self._receptions.create(made, limit, {own, source})
        except delegations.Ended:
            raise NotRecorded from None
        return made

    def reception(self, context: Any, standing_id: str) -> Reception:
        """The caller's other end of one.

        :raises ReceptionNotFound: if there is none
        """
        return self._receptions.get(standing_id, context.project_id, context.user_id)

    def check_reception(self, reception: Reception) -> None:
        """See whether what was delegated for one is still there.

        :raises ReceptionNotFound: if not
        """
        try:
            for delegation_id in (reception.delegation_id, reception.source_delegation_id):
                self._grant(delegation_id)
        except DelegationGone:
            raise ReceptionNotFound(standing_id=reception.id) from None

    def stop_receiving(self, reception: Reception) -> None:
        """Forget one, for its trusts to be given back."""
        self._receptions.delete(reception)

    # --- inside --------------------------------------------------------------------------------

    def _trusted(
        self, context: Any, standing_id: str, acting: Rights, reading: Rights
    ) -> tuple[Made, Made]:
        """What the caller gives; one trust if both are the same."""
        if access_key(context) is not None:
            raise KeyDelegatesNothing
        first = self._trust(context, standing_id, acting)
        return first, first if acting == reading else self._trust(context, standing_id, reading)

    def _trust(self, context: Any, standing_id: str, rights: Rights) -> Made:
        # No job has these, and no other standing copy: they are deleted with it.
        digest = rights_digest(rights.roles, (*context.login, f"replication {standing_id}"))
        caller = Caller(context.user_id, rights.project_id, digest)
        return make_trust(
            self._identity,
            self._delegations,
            context,
            caller,
            rights,
            lambda: end_of_life(_DAYS, until=rights.until),
        )

    def _grant(self, delegation_id: str | None) -> str:
        found = None if delegation_id is None else self._delegations.get(delegation_id)
        if found is None or found.grant is None:
            raise DelegationGone
        if timeutils.normalize_time(timeutils.parse_isotime(found.expires_at)) < timeutils.utcnow():
            raise DelegationGone
        return found.grant
