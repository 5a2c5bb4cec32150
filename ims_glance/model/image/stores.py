# SPDX-License-Identifier: Apache-2.0
"""Which stores the data of an image may go to.

An image whose owner named a key goes to encrypting stores and to no other. One without may lie
anywhere, as in plain Glance: what an encrypting store holds of it is encrypted with the default key
of its project, and it is shown as encrypted only as long as no other store holds it. The rules are
the same for an upload, an import and a copy; only how many stores a request can name differs.
"""

import dataclasses
from collections.abc import Mapping

from ims_glance import exceptions

ENCRYPTING_DRIVER = "ims-kms"
"""Driver of encrypting stores, and the scheme of their locations."""

# Glance offers a store of this driver for reading only, and leaves it out of "all stores"
# (glance/common/utils.py, _get_available_stores).
_READ_ONLY_DRIVER = "http"


@dataclasses.dataclass(frozen=True)
class Stores:
    """The stores of a Glance.

    :ivar drivers: driver by store id, in the order of the configuration; empty if Glance runs with
        a single store
    :ivar default: store of requests that name none
    :ivar chosen: encrypting store of requests that name none, for images with a key; ``None`` if
        no store encrypts
    """

    drivers: Mapping[str, str]
    default: str | None
    chosen: str | None

    def encrypts(self, store: str) -> bool:
        """Whether *store* is an encrypting one; unknown stores are not."""
        return self.drivers.get(store) == ENCRYPTING_DRIVER

    @property
    def encrypting(self) -> tuple[str, ...]:
        """The stores that encrypt."""
        return tuple(store for store in self.drivers if self.encrypts(store))

    @property
    def all(self) -> tuple[str, ...]:
        """What Glance takes "all stores" for."""
        return tuple(store for store, driver in self.drivers.items() if driver != _READ_ONLY_DRIVER)


@dataclasses.dataclass(frozen=True)
class ImageFacts:
    """What the rules ask of an image.

    :ivar key_id: the key that it shows; ``None`` if it shows none
    :ivar store_key: the key of its copies in encrypting stores, if its owner named none
    :ivar stores: where it has data already, and where Glance brings some just now
    """

    image_id: str
    key_id: str | None = None
    stores: tuple[str, ...] = ()
    store_key: str | None = None

    @property
    def is_promised(self) -> bool:
        """Whether its owner named a key, so that nothing of it lies anywhere unencrypted."""
        return self.key_id is not None and self.store_key is None


@dataclasses.dataclass(frozen=True)
class StoreChoice:
    """What a request says about stores.

    :ivar named: the stores that it names; ``None`` if it leaves that to the service
    :ivar copies: whether data that the image has already is to be copied
    """

    named: tuple[str, ...] | None = None
    copies: bool = False


@dataclasses.dataclass(frozen=True)
class Decision:
    """What is to be done for a request that may go on.

    :ivar store: the store to put into the request; ``None``: the request stays as it is
    :ivar encrypts: whether an encrypting store gets data of an image whose owner named no key
    :ivar mixes: whether a store that does not encrypt holds such an image then
    """

    store: str | None = None
    encrypts: bool = False
    mixes: bool = False


def choose(weights: Mapping[str, int], configured: str | None, default: str | None) -> str | None:
    """The encrypting store for requests that name none.

    :param weights: of the encrypting stores, in the order of the configuration
    :param configured: ``[ims_kms] default_store``
    :param default: Glance's own default store
    :returns: ``None`` if there is no encrypting store
    :raises InnerStoreMisconfigured: if the configured one does not encrypt
    """
    if not weights:
        return None
    if configured and configured not in weights:
        raise exceptions.InnerStoreMisconfigured(
            store=configured,
            reason="[ims_kms] default_store names it, but in enabled_backends it is no "
            f"'{ENCRYPTING_DRIVER}' store",
        )
    if configured:
        return configured
    if default in weights:
        return default
    return max(weights, key=lambda store: weights[store])


def check_key_fits(stores: Stores, image: ImageFacts) -> None:
    """Check that there is a store for an image with a key.

    :raises NoEncryptingStore: if there is none
    """
    if image.key_id and stores.chosen is None:
        raise exceptions.NoEncryptingStore(image_id=image.image_id, key_id=image.key_id)


def decide(stores: Stores, image: ImageFacts, wish: StoreChoice) -> Decision:
    """Decide where the data of an image goes.

    :raises NoEncryptingStore: if the image has a key and no store encrypts
    :raises StoreNotEncrypting: if an image with a key was to go to a store that does not encrypt
    """
    if image.is_promised:
        check_key_fits(stores, image)
        return _decide_with_key(stores, image, wish)
    targets = _targets(stores, wish)
    plain = [store for store in (*image.stores, *targets) if not stores.encrypts(store)]
    encrypts = any(stores.encrypts(store) for store in targets)
    return Decision(encrypts=encrypts, mixes=bool(plain))


def is_encrypted(stores: Stores, image: ImageFacts) -> bool:
    """Whether there is data of an image, and all stores that hold it encrypt."""
    return bool(image.stores) and all(map(stores.encrypts, image.stores))


def _decide_with_key(stores: Stores, image: ImageFacts, wish: StoreChoice) -> Decision:
    if wish.named is None:
        return Decision(store=stores.chosen)
    for store in wish.named:
        if not stores.encrypts(store):
            raise exceptions.StoreNotEncrypting(
                image_id=image.image_id,
                key_id=image.key_id or "not recorded",
                store=store,
                stores=", ".join(stores.encrypting),
            )
    return Decision()


def _targets(stores: Stores, wish: StoreChoice) -> tuple[str, ...]:
    if wish.named is not None:
        return wish.named
    return () if stores.default is None else (stores.default,)
