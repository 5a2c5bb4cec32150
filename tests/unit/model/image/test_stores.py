# SPDX-License-Identifier: Apache-2.0
"""The rules which stores an image may go to."""

import pytest

from ims_glance import exceptions
from ims_glance.model.image import stores
from ims_glance.model.image.stores import Decision, Image, Stores, Wish

USUAL = Stores(
    {"plain": "file", "kms": "ims-kms", "kms2": "ims-kms", "web": "http"},
    default="plain",
    chosen="kms",
)
PLAIN_ONLY = Stores({"plain": "file"}, default="plain", chosen=None)
ENCRYPTING_ONLY = Stores({"kms": "ims-kms", "kms2": "ims-kms"}, default="kms2", chosen="kms2")
SINGLE = Stores({}, default=None, chosen=None)

WITH_KEY = Image("i", key_id="k")
KEY_BY_STORE = Image("i", key_id="k", store_key="k", stores=("kms",))
MIXED = Image("i", store_key="k", stores=("kms", "plain"))
WITHOUT_KEY = Image("i")
PLAIN_DATA = Image("i", stores=("plain",))
ENCRYPTED_DATA = Image("i", key_id="k", stores=("kms",))
# Glance writes all properties back when it saves an image, so a change that was on its way while the
# service recorded a key can have lost it.
LOST_KEY = Image("i", stores=("kms",))
PLAIN = Decision(mixes=True)
ENCRYPTED = Decision(encrypts=True)
BOTH = Decision(encrypts=True, mixes=True)


def test_kinds_of_store() -> None:
    assert USUAL.encrypting == ("kms", "kms2")
    assert USUAL.all == ("plain", "kms", "kms2")
    assert [USUAL.encrypts(store) for store in ("kms", "plain", "KMS", "", "nonsense")] == [
        True, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("enabled", "image", "wish", "decision"),
    [
        # With a key: to where the request says, if that encrypts; else to the chosen store.
        (USUAL, WITH_KEY, Wish(), Decision(store="kms")),
        (USUAL, WITH_KEY, Wish(("kms2",)), Decision()),
        (USUAL, WITH_KEY, Wish(("kms2", "kms")), Decision()),
        (USUAL, ENCRYPTED_DATA, Wish(("kms2",), copies=True), Decision()),
        (USUAL, ENCRYPTED_DATA, Wish(copies=True), Decision(store="kms")),
        (ENCRYPTING_ONLY, WITH_KEY, Wish(ENCRYPTING_ONLY.all), Decision()),
        # Nobody named a key: anywhere, and what is encrypted is encrypted.
        (USUAL, WITHOUT_KEY, Wish(), PLAIN),
        (USUAL, WITHOUT_KEY, Wish(("plain",)), PLAIN),
        (USUAL, WITHOUT_KEY, Wish(("nonsense",)), PLAIN),
        (USUAL, WITHOUT_KEY, Wish(()), Decision()),
        (USUAL, WITHOUT_KEY, Wish(("kms",)), ENCRYPTED),
        (USUAL, WITHOUT_KEY, Wish(("kms", "kms2")), ENCRYPTED),
        (ENCRYPTING_ONLY, WITHOUT_KEY, Wish(), ENCRYPTED),
        (ENCRYPTING_ONLY, WITHOUT_KEY, Wish(ENCRYPTING_ONLY.all), ENCRYPTED),
        (PLAIN_ONLY, WITHOUT_KEY, Wish(("kms",)), PLAIN),
        (SINGLE, WITHOUT_KEY, Wish(), Decision()),
        (SINGLE, WITHOUT_KEY, Wish(("kms",)), PLAIN),
        (USUAL, WITHOUT_KEY, Wish(("plain", "kms")), BOTH),
        (USUAL, WITHOUT_KEY, Wish(USUAL.all), BOTH),
        (USUAL, PLAIN_DATA, Wish(("other",), copies=True), PLAIN),
        (USUAL, PLAIN_DATA, Wish(("kms",), copies=True), BOTH),
        (USUAL, PLAIN_DATA, Wish(USUAL.all, True), BOTH),
        (USUAL, KEY_BY_STORE, Wish(("kms2",), copies=True), ENCRYPTED),
        (USUAL, KEY_BY_STORE, Wish(("plain",), copies=True), PLAIN),
        (USUAL, MIXED, Wish(("kms2",), copies=True), BOTH),
        (USUAL, LOST_KEY, Wish(("kms2",), copies=True), ENCRYPTED),
        (USUAL, LOST_KEY, Wish(("plain",), copies=True), PLAIN),
    ],
)
def test_allowed(enabled: Stores, image: Image, wish: Wish, decision: Decision) -> None:
    assert stores.decide(enabled, image, wish) == decision


@pytest.mark.parametrize(
    ("enabled", "image", "wish", "error"),
    [
        (USUAL, WITH_KEY, Wish(("plain",)), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, Wish(("kms", "plain")), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, Wish(("nonsense",)), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, Wish(("",)), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, Wish(USUAL.all), exceptions.StoreNotEncrypting),
        (USUAL, ENCRYPTED_DATA, Wish(("plain",), copies=True), exceptions.StoreNotEncrypting),
        (PLAIN_ONLY, WITH_KEY, Wish(), exceptions.NoEncryptingStore),
        (SINGLE, WITH_KEY, Wish(("plain",)), exceptions.NoEncryptingStore),
    ],
)
def test_refused(enabled: Stores, image: Image, wish: Wish, error: type[Exception]) -> None:
    with pytest.raises(error):
        stores.decide(enabled, image, wish)


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(exceptions.StoreNotEncrypting, match="Stores that do: kms, kms2"):
        stores.decide(USUAL, WITH_KEY, Wish(("kms", "plain")))


def test_encrypted_is_what_lies_in_encrypting_stores_alone() -> None:
    for image in (KEY_BY_STORE, LOST_KEY, Image("i", stores=("kms", "kms2"))):
        assert stores.is_encrypted(USUAL, image)
    for image in (MIXED, PLAIN_DATA, WITHOUT_KEY, Image("i", stores=("gone",))):
        assert not stores.is_encrypted(USUAL, image)


@pytest.mark.parametrize(
    ("weights", "configured", "default", "chosen"),
    [
        ({}, None, "plain", None),
        ({}, "kms", "plain", None),  # the shipped drop-in on a service without such a store
        ({"kms": 0, "kms2": 5}, "kms", "kms2", "kms"),
        ({"kms": 0, "kms2": 5}, None, "kms", "kms"),
        ({"kms": 0, "kms2": 5}, None, "plain", "kms2"),
        ({"kms": 0, "kms2": 0}, "", None, "kms"),
        ({"kms": -3, "kms2": -2}, None, None, "kms2"),
    ],
)
def test_choice(
    weights: dict[str, int], configured: str | None, default: str | None, chosen: str | None
) -> None:
    assert stores.choose(weights, configured, default) == chosen


def test_configured_store_must_encrypt() -> None:
    with pytest.raises(exceptions.InnerStoreMisconfigured, match="plain"):
        stores.choose({"kms": 0}, "plain", "plain")


def test_image_with_key_needs_some_encrypting_store() -> None:
    stores.check_key_fits(USUAL, WITH_KEY)
    stores.check_key_fits(PLAIN_ONLY, WITHOUT_KEY)
    with pytest.raises(exceptions.NoEncryptingStore):
        stores.check_key_fits(PLAIN_ONLY, WITH_KEY)
