# SPDX-License-Identifier: Apache-2.0
"""Workers find out how long servers use products, and have it told.

Nova's notifications tell of it at once. They may be lost; so one worker at a time asks Nova, again and again,
for all servers that have changed since it last did, and for all that there are once in an hour. An hour is told
when that was done after its end.
"""

import dataclasses
import functools
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds import sessions
from ims_glance.clouds.messaging.hearing import NovaEar
from ims_glance.clouds.region import Region
from ims_glance.conf import ims_service, ims_usage
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.db.lease import Leases
from ims_glance.db.market.uses import ServerUses
from ims_glance.jobs.lease import clock
from ims_glance.jobs.market.servers import RegionServers
from ims_glance.model.market import nova_server, usage
from ims_glance.model.market.usage import SeenServer

LOG = logging.getLogger(__name__)

_LEASE = "usage"
_LEASE_SECONDS = 300.0
_TOGETHER = 200  # servers


class UsageWork:
    """What one worker does for it.

    :param worker: its name
    :param stopping: set when the worker stops
    """

    def __init__(
        self, conf: cfg.ConfigOpts, database: Database, worker: str, stopping: threading.Event
    ) -> None:
        self._conf = conf
        self._options = conf[ims_usage.GROUP]
        self._worker = worker
        self._stopping = stopping
        self._uses = ServerUses(database)
        self._leases = Leases(database)
        self._servers: dict[str, RegionServers] = {}
        # With which code a region was away that still is.
        self._told: dict[str, str] = {}
        # Of which it is recorded since when they are watched.
        self._begun: set[str] = set()
        self._mutex = threading.Lock()
        self._next = 0.0
        self._ear = NovaEar(conf, self.hear)

    @property
    def is_on(self) -> bool:
        """Whether the operator wants it."""
        return bool(self._conf.ims_market.enabled and self._options.enabled)

    def start(self) -> None:
        """Begin to listen to Nova."""
        if self.is_on:
            self._ear.open()

    def stop(self) -> None:
        """Listen no more."""
        self._ear.close()

    def sweep(self) -> None:
        """Delete what is kept no longer.

        :raises DatabaseUnavailable: if the database is away
        """
        if self.is_on:
            self._uses.forget(self._options.keep_days)

    # --- asking --------------------------------------------------------------------------------

    def look(self) -> None:
        """Ask Nova, if it is time to, and no other worker does or just has.

        :raises DatabaseUnavailable: if the database is away
        """
        if not self.is_on or clock() < self._next:
            return
        if not self._leases.take(_LEASE, self._worker, _LEASE_SECONDS):
            return
        try:
            for name in self._regions():
                self._look_in(name)
        except BaseException:
            self._leases.give_back(_LEASE, self._worker)
            raise
        if self._stopping.is_set():
            self._leases.give_back(_LEASE, self._worker)
            return
        # So no other worker asks before it is time to, however many there are.
        self._leases.take(_LEASE, self._worker, self._options.look_seconds)
        self._next = clock() + self._options.look_seconds

    def _regions(self) -> list[str]:
        here = ims_service.region_name(self._conf)
        return list(dict.fromkeys([here, *self._conf.ims_market.regions]))

    def _look_in(self, name: str) -> None:
        """Look in one region; that one of them is away delays no other."""
        self._begin(name)
        began = self._uses.now()
        before = self._uses.looked(name)
        is_new_hour = before is None or usage.hour_of(before) < usage.hour_of(began)
        try:
            servers = self._region(name)
            if before is not None:
                since = before - self._options.overlap_seconds
                self._take_all(servers, servers.listed(began, since))
            if is_new_hour:
                self._take_all(servers, servers.listed(began))
                self._take_missing(servers, name, began)
        except DatabaseUnavailable:
            raise
        except exceptions.ImsError as error:
            # Once: a region without servers is asked every few seconds.
            level = logging.DEBUG if self._told.get(name) == error.code else logging.WARNING
            self._told[name] = error.code
            LOG.log(
                level,
                "How long servers of region %s use products is looked up later: %s",
                name,
                error,
            )
            return
        self._told.pop(name, None)
        if self._stopping.is_set():
            return
        self._uses.set_looked(name, began)
        self._uses.tell(name, began - self._options.delay_seconds)

    def _begin(self, name: str) -> None:
        if name not in self._begun:
            self._uses.begin(name)
            self._begun.add(name)

    def _take_all(self, servers: RegionServers, seen: Iterable[SeenServer]) -> None:
        for some in _together(seen):
            known = self._uses.known(each.server_id for each in some)
            for server in some:
                if self._stopping.is_set():
                    return
                self._take(servers, server, is_known=server.server_id in known)
            self._leases.take(_LEASE, self._worker, _LEASE_SECONDS)

    def _take(self, servers: RegionServers, server: SeenServer, is_known: bool) -> None:
        if is_known:
            self._uses.observe(server)
        elif server.codes and server.began is not None:
            self._uses.observe(servers.first(server))

    def _take_missing(self, servers: RegionServers, name: str, began: float) -> None:
        """Look at each server that is to be there, and is in no list.

        :raises ServerNotTold: if the cell of one is down: then not all is known of the region, and no use ends
        """
        for use in list(self._uses.unseen(name, began)):
            if self._stopping.is_set():
                return
            server = servers.one(use.server_id, began)
            if server is None:
                # Nova's operator has purged it: it was there when it was last seen.
                server = SeenServer(
                    use.server_id, use.region, use.project_id, use.flavor,
                    seen=began, changed=use.seen, began=use.began, ended=use.seen,
                )  # fmt: skip
            self._uses.observe(server)

    def _region(self, name: str) -> RegionServers:
        with self._mutex:
            if name not in self._servers:
                here = Region.of(self._conf, self._session)
                region = dataclasses.replace(here, name=name)
                self._servers[name] = RegionServers(region, self._uses)
            return self._servers[name]

    @functools.cached_property
    def _session(self) -> Any:
        auth = sessions.load_login(self._conf, ims_usage.GROUP)
        return sessions.load(self._conf, ims_usage.GROUP, auth)

    # --- listening -----------------------------------------------------------------------------

    def hear(self, event_type: str, payload: Mapping[str, Any], sent: str) -> None:
        """Take a notification of Nova of this region.

        :param sent: when it was sent (ISO 8601)
        :raises Unavailable: if it has to be taken again
        """
        name = self._regions()[0]
        self._begin(name)
        moment = usage.moment_of(sent) or self._uses.now()
        told = nova_server.of_notification(event_type, payload, moment, name)
        if told is None:
            return
        server, servers = told.server, self._region(name)
        is_known = bool(self._uses.known([server.server_id]))
        if server.codes is None and server.image_id:
            # Nova tells no attributes of images in notifications that have versions.
            sold = self._uses.copies([server.image_id]).values()
            codes = frozenset(each.product_code for each in sold) or None
            server = dataclasses.replace(server, codes=codes)
        if server.codes is None and server.ended is None:
            self._ask_for(servers, server.server_id)
        elif is_known or told.event == nova_server.CREATED:
            self._uses.observe(server)
        else:
            self._take(servers, server, is_known=False)

    def _ask_for(self, servers: RegionServers, server_id: str) -> None:
        """Have Nova say how a server is now."""
        now = self._uses.now()
        server = servers.one(server_id, now)
        if server is not None:
            known = self._uses.known([server_id])
            self._take(servers, server, is_known=bool(known))


def _together(seen: Iterable[SeenServer]) -> Iterator[list[SeenServer]]:
    some: list[SeenServer] = []
    for each in seen:
        some.append(each)
        if len(some) == _TOGETHER:
            yield some
            some = []
    yield some
