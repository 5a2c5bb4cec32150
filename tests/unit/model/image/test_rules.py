# SPDX-License-Identifier: Apache-2.0
"""The table of rules, row by row."""

import contextlib
import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.model.image import rules
from ims_glance.model.image.rules import Action, Facts, Trait

OWN = Facts.of({"id": "i", "owner": "me", "status": "active", "visibility": "private"})
OF_TRAIT: dict[Trait, dict[str, Any]] = {
    Trait.PUBLIC: {"visibility": "public"},
    Trait.MARKET: {"kind": "market"},
    Trait.BOUGHT: {"kind": "market", "owner": "you"},
    Trait.SOLD: {"product": True},
    Trait.RECEIVED: {"owner": "you"},
    Trait.OTHERS: {"owner": "you"},
    Trait.NOT_RECEIVED: {},
    Trait.DEFAULT_KEY: {"encrypted": True},
    Trait.ENCRYPTED: {"encrypted": True},
    Trait.WHOLE: {"whole": True},
    Trait.COMPONENT: {"component": True},
    Trait.ELSEWHERE: {"elsewhere": True},
    Trait.ISO: {"env_type": "IsoImage"},
    Trait.DATA: {"env_type": "DataImage"},
    Trait.PROTECTED: {"protected": True},
    Trait.NOT_ACTIVE: {"status": "deactivated"},
    Trait.IN_MAKING: {"status": "queued", "whole": True},
}


@pytest.mark.parametrize(("action", "trait", "code", "why"), rules.TABLE)
def test_every_row_refuses(action, trait, code, why):
    image = dataclasses.replace(OWN, **OF_TRAIT[trait])
    with pytest.raises((rules.RuleRefused, rules.NotTheirs)) as refused:
        how = "never" if trait is Trait.ENCRYPTED else "custom_key"
        rules.check(action, image, "me", how, lambda: trait is Trait.DEFAULT_KEY)
    assert refused.value.code == code
    assert "cannot" in str(refused.value)


@pytest.mark.parametrize(("action", "trait", "code", "why"), rules.TABLE)
def test_without_conventions_only_promises_are_kept(action, trait, code, why):
    image = dataclasses.replace(OWN, **OF_TRAIT[trait])
    how = "never" if trait is Trait.ENCRYPTED else "custom_key"
    code = None
    try:
        rules.check(action, image, "me", how, lambda: trait is Trait.DEFAULT_KEY, conventions=False)
    except (rules.RuleRefused, rules.NotTheirs) as refused:
        code = refused.code
    assert (code is not None) is (why is rules.Why.PROTECTS)


@pytest.mark.parametrize("status", ["queued", "saving", "importing", "active", "deactivated"])
@pytest.mark.parametrize("visibility", ["private", "shared", "public", "community"])
@pytest.mark.parametrize("viewer", ["me", "you"])
def test_images_that_use_none_of_our_features_are_glances_own(status, visibility, viewer):
    image = Facts.of({"id": "i", "owner": "me", "status": status, "visibility": visibility})
    for protected in (True, False):
        for action in Action:
            facts = dataclasses.replace(image, protected=protected)
            rules.check(action, facts, viewer, conventions=False)


def test_every_trait_is_that_of_some_image():
    assert set(OF_TRAIT) == set(Trait)


@pytest.mark.parametrize("action", [each for each in Action if each is not Action.ACCEPT])
def test_ones_own_plain_active_image_may_do_all(action):
    rules.check(action, OWN, "me")


def test_a_received_image_may_be_accepted_and_copied():
    for action in (Action.ACCEPT, Action.COPY):
        rules.check(action, OWN, "you")


def test_under_a_key_of_ones_own_it_may_be_shared():
    image = Facts.of({"id": "i", "owner": "me", "status": "active", "__system__cmkid": "k"})
    rules.check(Action.SHARE, image, "me")
    with pytest.raises(rules.RuleRefused, match="shares no encrypted"):
        rules.check(Action.SHARE, image, "me", "never")


@pytest.mark.parametrize(
    "image",
    [
        OWN,
        dataclasses.replace(OWN, encrypted=True, owner="you"),
        dataclasses.replace(OWN, encrypted=True, status="queued"),
    ],
    ids=["not encrypted", "received", "queued"],
)
def test_whose_key_it_is_is_only_asked_when_that_decides(image):
    with contextlib.suppress(rules.RuleRefused, rules.NotTheirs):
        rules.check(Action.SHARE, image, "me", has_default_key=lambda: pytest.fail("asked"))


def test_while_it_is_made_its_record_is_completed():
    image = dataclasses.replace(OWN, status="queued")
    rules.check(Action.COMPLETE, image, "me")
    with pytest.raises(rules.RuleRefused):
        rules.check(Action.UPDATE, image, "me")


def test_a_whole_machine_is_completed_by_its_job_alone():
    """Its disks would not follow what was changed before they are tied to it."""
    image = dataclasses.replace(OWN, status="queued", whole=True)
    with pytest.raises(rules.RuleRefused, match="while it is being made: it is a whole-machine"):
        rules.check(Action.COMPLETE, image, "me")


def test_what_the_caller_may_not_is_told_from_what_the_image_is():
    with pytest.raises(rules.NotTheirs):
        rules.check(Action.SHARE, OWN, "you")
    with pytest.raises(rules.NotTheirs):
        rules.check(Action.DELETE, dataclasses.replace(OWN, protected=True), "me")


def test_facts_from_a_view():
    facts = Facts.of(
        {
            "id": "i", "owner": "me", "status": "active", "visibility": "shared", "protected": True,
            "__visibility_before_sharing": "private",
            "__system__cmkid": "k", "__whole_image": "True", "__component_of": "w", "__productcode": "p",
            "virtual_env_type": "IsoImage",
        }
    )  # fmt: skip
    assert facts == Facts(
        id="i", owner="me", status="active", visibility="shared", kind="shared", protected=True,
        encrypted=True, whole=True, component=True, elsewhere=False, product=True, env_type="IsoImage",
    )  # fmt: skip
    assert Facts.of({"block_device_mapping": '[{"snapshot_id": "s"}]'}).elsewhere
    withdrawn = Facts.of({"__productcode": "p", "__is_offshelved": "true"})
    assert withdrawn.product


def test_what_was_made_of_a_product_is_its_projects_to_use_and_no_more():
    image = dataclasses.replace(OWN, product=True)
    refused = {Action.SHARE, Action.OPEN, Action.EXPORT, Action.COPY_CROSS_REGION, Action.PUBLISH}
    for action in set(Action) - {Action.ACCEPT}:
        if action in refused:
            with pytest.raises(rules.RuleRefused, match="product of the marketplace"):
                rules.check(action, image, "me", conventions=False)
        else:
            rules.check(action, image, "me")


@pytest.mark.parametrize(
    ("view", "may"),
    [
        ({"status": "active"}, True),
        ({"status": "active", "__whole_image": "true"}, True),
        ({"status": "active", "__productcode": "p"}, False),
        ({"status": "active", "virtual_env_type": "IsoImage"}, False),
        ({"status": "active", "owner": "another"}, False),
        ({"status": "queued"}, False),
    ],
)
def test_an_image_says_whether_it_may_be_sold(view, may):
    assert rules.may_be_sold({"owner": "me", **view}, "me") is may


def test_who_bought_a_product_copies_it_within_the_project():
    image = dataclasses.replace(OWN, kind="market", product=True)
    allowed = {Action.ACCEPT, Action.COPY, Action.ENCRYPT}
    for action in allowed:
        rules.check(action, image, "buyer")
    # Whose reports are shown, and who fills an image without data, are matters of convention.
    for action in set(Action) - allowed - {Action.FILL, Action.SHOW_REPORT}:
        with pytest.raises((rules.RuleRefused, rules.NotTheirs)):
            rules.check(action, image, "buyer", conventions=False)


def test_the_service_copies_its_own_to_other_regions():
    image = dataclasses.replace(OWN, kind="market", product=True)
    rules.check(Action.COPY_CROSS_REGION, image, "me")
    for action in (Action.UPDATE, Action.DELETE, Action.SHARE, Action.TAG, Action.SWITCH):
        with pytest.raises(rules.RuleRefused):
            rules.check(action, image, "me", conventions=False)


@given(st.sampled_from(Action), st.dictionaries(st.text(), st.text() | st.booleans() | st.none()))
def test_no_view_breaks_it(action, view):
    try:
        rules.check(action, Facts.of(view), "me")
    except (rules.RuleRefused, rules.NotTheirs) as refused:
        assert refused.code.startswith("IMG.")


@pytest.mark.parametrize("action", [Action.CHECK, Action.SHOW_REPORT])
def test_into_a_bought_image_its_owner_alone_looks(action):
    """Buyers start servers of it, and are answered as members are; a shared image its members may check."""
    image = dataclasses.replace(OWN, kind="market", visibility="shared")
    rules.check(action, image, "me")
    with pytest.raises(rules.NotTheirs) as refused:
        rules.check(action, image, "a buyer")
    assert refused.value.code == "IMG.0047"
    rules.check(Action.CHECK, dataclasses.replace(OWN, visibility="shared"), "a member")
