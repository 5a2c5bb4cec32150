# SPDX-License-Identifier: Apache-2.0
"""Which stores the data of an image may go to.

An image with a key goes to encrypting stores and to no other; data that lies unencrypted in one
store gets no copy in an encrypting one, which would make it look encrypted. The rules are the same
for an upload, an import and a copy; only how many stores a request can name differs.
"""

import dataclasses
from collections.abc import Mapping

from ims_glance import exceptions

ENCRYPTING_DRIVER = "ims-kms"
"""Driver of encrypting stores, and the scheme of their locations."""

# Glance offers a store of this driver for reading only, and leaves it out of "all stores"
# (glance/common/utils.py, _get_available_stores).
_READ_ONLY_DRIVER = "http"


class MixedStores(exceptions.Conflict):
    """The first data of an image without a key was to go to both kinds of store."""

    template = (
        "Image {image_id} cannot be unencrypted in store '{plain_store}' and encrypted in "
        "'{store}'. Name stores of one kind; stores that encrypt: {stores}."
    )


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
class Image:
    """What the rules ask of an image.

    :ivar key_id: its key; ``None`` if it has none
    :ivar stores: where it has data already
    """

    image_id: str
    key_id: str | None = None
    stores: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Wish:
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
    :ivar needs_key: whether the image must get the project's default key first
    """

    store: str | None = None
    needs_key: bool = False


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


def check_key_fits(stores: Stores, image: Image) -> None:
    """Check that there is a store for an image with a key.

    :raises NoEncryptingStore: if there is none
    """
    if image.key_id and stores.chosen is None:
        raise exceptions.NoEncryptingStore(image_id=image.image_id, key_id=image.key_id)


def decide(stores: Stores, image: Image, wish: Wish) -> Decision:
    """Decide where the data of an image goes.

    :raises NoEncryptingStore: if the image has a key and no store encrypts
    :raises StoreNotEncrypting: if an image with a key was to go to a store that does not encrypt
    :raises PlainImageInEncryptingStore: if unencrypted data was to be copied to an encrypting store
    :raises MixedStores: if the first data was to go to both kinds of store
    """
    check_key_fits(stores, image)
    # Glance writes all properties back when it saves an image, so a change that was on its way
    # while the key was recorded can have lost it. The data is encrypted all the same.
    if image.key_id or any(stores.encrypts(store) for store in image.stores):
        return _decide_with_key(stores, image, wish)
    return _decide_without_key(stores, image, wish)


def _decide_with_key(stores: Stores, image: Image, wish: Wish) -> Decision:
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


def _decide_without_key(stores: Stores, image: Image, wish: Wish) -> Decision:
    targets = _targets(stores, wish)
    encrypting = [store for store in targets if stores.encrypts(store)]
    plain = [store for store in targets if not stores.encrypts(store)]
    if not encrypting:
        return Decision()
    if wish.copies:
        raise exceptions.PlainImageInEncryptingStore(
            image_id=image.image_id, plain_store=", ".join(image.stores), store=encrypting[0]
        )
    if plain:
        raise MixedStores(
            image_id=image.image_id,
            plain_store=plain[0],
            store=encrypting[0],
            stores=", ".join(stores.encrypting),
        )
    return Decision(needs_key=True)


def _targets(stores: Stores, wish: Wish) -> tuple[str, ...]:
    if wish.named is not None:
        return wish.named
    return () if stores.default is None else (stores.default,)
