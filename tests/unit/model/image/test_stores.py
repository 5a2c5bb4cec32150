# SPDX-License-Identifier: Apache-2.0
"""The rules which stores an image may go to."""

import pytest

from ims_glance import exceptions
from ims_glance.model.image import stores
from ims_glance.model.image.stores import Decision, ImageFacts, StoreChoice, Stores

USUAL = Stores(
    {"plain": "file", "kms": "ims-kms", "kms2": "ims-kms", "web": "http"},
    default="plain",
    chosen="kms",
)
PLAIN_ONLY = Stores({"plain": "file"}, default="plain", chosen=None)
ENCRYPTING_ONLY = Stores({"kms": "ims-kms", "kms2": "ims-kms"}, default="kms2", chosen="kms2")
SINGLE = Stores({}, default=None, chosen=None)

WITH_KEY = ImageFacts("i", key_id="k")
KEY_BY_STORE = ImageFacts("i", key_id="k", store_key="k", stores=("kms",))
MIXED = ImageFacts("i", store_key="k", stores=("kms", "plain"))
WITHOUT_KEY = ImageFacts("i")
PLAIN_DATA = ImageFacts("i", stores=("plain",))
ENCRYPTED_DATA = ImageFacts("i", key_id="k", stores=("kms",))
# Glance writes all properties back when it saves an image, so a change that was on its way while the
# service recorded a key can have lost it.
LOST_KEY = ImageFacts("i", stores=("kms",))
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
        (USUAL, WITH_KEY, StoreChoice(), Decision(store="kms")),
        (USUAL, WITH_KEY, StoreChoice(("kms2",)), Decision()),
        (USUAL, WITH_KEY, StoreChoice(("kms2", "kms")), Decision()),
        (USUAL, ENCRYPTED_DATA, StoreChoice(("kms2",), copies=True), Decision()),
        (USUAL, ENCRYPTED_DATA, StoreChoice(copies=True), Decision(store="kms")),
        (ENCRYPTING_ONLY, WITH_KEY, StoreChoice(ENCRYPTING_ONLY.all), Decision()),
        # Nobody named a key: anywhere, and what is encrypted is encrypted.
        (USUAL, WITHOUT_KEY, StoreChoice(), PLAIN),
        (USUAL, WITHOUT_KEY, StoreChoice(("plain",)), PLAIN),
        (USUAL, WITHOUT_KEY, StoreChoice(("nonsense",)), PLAIN),
        (USUAL, WITHOUT_KEY, StoreChoice(()), Decision()),
        (USUAL, WITHOUT_KEY, StoreChoice(("kms",)), ENCRYPTED),
        (USUAL, WITHOUT_KEY, StoreChoice(("kms", "kms2")), ENCRYPTED),
        (ENCRYPTING_ONLY, WITHOUT_KEY, StoreChoice(), ENCRYPTED),
        (ENCRYPTING_ONLY, WITHOUT_KEY, StoreChoice(ENCRYPTING_ONLY.all), ENCRYPTED),
        (PLAIN_ONLY, WITHOUT_KEY, StoreChoice(("kms",)), PLAIN),
        (SINGLE, WITHOUT_KEY, StoreChoice(), Decision()),
        (SINGLE, WITHOUT_KEY, StoreChoice(("kms",)), PLAIN),
        (USUAL, WITHOUT_KEY, StoreChoice(("plain", "kms")), BOTH),
        (USUAL, WITHOUT_KEY, StoreChoice(USUAL.all), BOTH),
        (USUAL, PLAIN_DATA, StoreChoice(("other",), copies=True), PLAIN),
        (USUAL, PLAIN_DATA, StoreChoice(("kms",), copies=True), BOTH),
        (USUAL, PLAIN_DATA, StoreChoice(USUAL.all, True), BOTH),
        (USUAL, KEY_BY_STORE, StoreChoice(("kms2",), copies=True), ENCRYPTED),
        (USUAL, KEY_BY_STORE, StoreChoice(("plain",), copies=True), PLAIN),
        (USUAL, MIXED, StoreChoice(("kms2",), copies=True), BOTH),
        (USUAL, LOST_KEY, StoreChoice(("kms2",), copies=True), ENCRYPTED),
        (USUAL, LOST_KEY, StoreChoice(("plain",), copies=True), PLAIN),
    ],
)
def test_allowed(enabled: Stores, image: ImageFacts, wish: StoreChoice, decision: Decision) -> None:
    assert stores.decide(enabled, image, wish) == decision


@pytest.mark.parametrize(
    ("enabled", "image", "wish", "error"),
    [
        (USUAL, WITH_KEY, StoreChoice(("plain",)), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, StoreChoice(("kms", "plain")), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, StoreChoice(("nonsense",)), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, StoreChoice(("",)), exceptions.StoreNotEncrypting),
        (USUAL, WITH_KEY, StoreChoice(USUAL.all), exceptions.StoreNotEncrypting),
        (
            USUAL,
            ENCRYPTED_DATA,
            StoreChoice(("plain",), copies=True),
            exceptions.StoreNotEncrypting,
        ),
        (PLAIN_ONLY, WITH_KEY, StoreChoice(), exceptions.NoEncryptingStore),
        (SINGLE, WITH_KEY, StoreChoice(("plain",)), exceptions.NoEncryptingStore),
    ],
)
def test_refused(
    enabled: Stores, image: ImageFacts, wish: StoreChoice, error: type[Exception]
) -> None:
    with pytest.raises(error):
        stores.decide(enabled, image, wish)


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(exceptions.StoreNotEncrypting, match="Stores that do: kms, kms2"):
        stores.decide(USUAL, WITH_KEY, StoreChoice(("kms", "plain")))


def test_encrypted_is_what_lies_in_encrypting_stores_alone() -> None:
    for image in (KEY_BY_STORE, LOST_KEY, ImageFacts("i", stores=("kms", "kms2"))):
        assert stores.is_encrypted(USUAL, image)
    for image in (MIXED, PLAIN_DATA, WITHOUT_KEY, ImageFacts("i", stores=("gone",))):
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
