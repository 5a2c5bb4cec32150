# SPDX-License-Identifier: Apache-2.0
"""Where spools lie: in the inner store of one of Glance's encrypting stores, with what it is configured.

A worker has no stores of its own and loads none of Glance's; it reads their options.
"""

import contextlib
import functools
import threading
from collections.abc import Callable

from glance_store import exceptions as store_exceptions
from oslo_config import cfg

from ims_glance import exceptions, keys
from ims_glance.conf import ims_jobs, ims_kms
from ims_glance.model.image.stores import ENCRYPTING_DRIVER
from ims_glance.store import inner, sealed
from ims_glance.store.inner.base import InnerStore
from ims_glance.store.sealed import Keys, Owner, SealedObjects
from ims_glance.store.spool import Spool


class NoSpool(exceptions.Conflict):
    """This host knows no store for what comes from other regions."""

    template = (
        "Nothing can be received from other regions: {reason}. The operator sets [ims_jobs] "
        f"spool_store to an '{ENCRYPTING_DRIVER}' store of enabled_backends, whose inner store takes "
        "what is on its way."
    )


class Spools:
    """The spools of jobs.

    :param find: gives the store that they lie in
    :param find_keys: gives the key manager
    """

    def __init__(self, find: Callable[[], InnerStore], find_keys: Callable[[], Keys]) -> None:
        self._find = find
        self._find_keys = find_keys

    @functools.cached_property
    def inner(self) -> InnerStore:
        """The store.

        :raises NoSpool: if there is none
        """
        return self._find()

    def open(self, owner: Owner, key_id: str) -> Spool:
        """What a job has received, or a new spool.

        :param key_id: of the key of the key manager for a new one
        :raises NoSpool: if there is no store
        :raises KeyGone: if the key does not exist any more that it was begun with
        :raises KeyNotFound, ServiceKeyDenied, KeyUnusable, KeyManagerUnavailable: why the key cannot
            be used
        :raises SpoolFull, SpoolDenied, SpoolUnavailable: why the store cannot be used
        """
        try:
            objects = SealedObjects(self.inner, owner, key_id, self._find_keys())
        except exceptions.ObjectDamaged:
            # What is under it can be opened no more, and is fetched again.
            self.delete(owner)
            objects = SealedObjects(self.inner, owner, key_id, self._find_keys())
        return Spool(objects)

    def delete(self, owner: Owner) -> None:
        """Delete a spool, whether there is one or not.

        :raises SpoolUnavailable: if the store is away
        """
        sealed.delete(self.inner, owner)


_OF_PROCESS: dict[int, tuple[cfg.ConfigOpts, Spools]] = {}
_OF_PROCESS_LOCK = threading.Lock()


def of_process(conf: cfg.ConfigOpts) -> Spools:
    """Those of the process for *conf*: a driver is made once."""
    with _OF_PROCESS_LOCK:
        if id(conf) not in _OF_PROCESS:
            made = Spools(functools.partial(find, conf), functools.partial(keys.of_process, conf))
            _OF_PROCESS[id(conf)] = conf, made
        return _OF_PROCESS[id(conf)][1]


def find(conf: cfg.ConfigOpts) -> InnerStore:
    """The store that spools lie in.

    :raises NoSpool: if none is configured, or its driver refuses what is
    :raises SpoolUnavailable: if its storage cluster is away
    """
    store_id = _store_id(conf)
    conf.register_opts(ims_kms.STORE_OPTS, group=store_id)
    own = conf[store_id]
    group = own.ims_kms_inner_group or f"{store_id}_inner"
    if not own.ims_kms_inner_driver:
        raise NoSpool(reason=f"store {store_id} has no ims_kms_inner_driver")
    try:
        return inner.load(conf, own.ims_kms_inner_driver, group)
    except store_exceptions.BadStoreConfiguration as error:
        raise NoSpool(
            reason=f"the inner store of {store_id} refuses its options ({error})"
        ) from None
    except store_exceptions.BackendException as error:
        raise sealed.SpoolUnavailable(reason=type(error).__name__) from error


def _store_id(conf: cfg.ConfigOpts) -> str:
    # In ims-manage Glance has registered it; a worker reads Glance's files without Glance.
    with contextlib.suppress(cfg.DuplicateOptError):
        conf.register_opt(cfg.DictOpt("enabled_backends", default={}))
    drivers = conf.enabled_backends or {}
    chosen = conf[ims_jobs.GROUP].spool_store
    if chosen and drivers.get(chosen) != ENCRYPTING_DRIVER:
        raise NoSpool(reason=f"[ims_jobs] spool_store names {chosen}, which is no such store")
    encrypting = (store for store, driver in drivers.items() if driver == ENCRYPTING_DRIVER)
    found = chosen or next(encrypting, None)
    if found is None:
        raise NoSpool(reason="this Image service has no encrypting store")
    return str(found)
