# SPDX-License-Identifier: Apache-2.0
"""Images whose disks lie elsewhere: which are refused a key, and which only do not show it."""

from typing import Any

import pytest

from ims_glance.api.common.image import ShownImage
from ims_glance.api.native import elsewhere
from ims_glance.model.image import attributes, rules, stores, whole_image
from ims_glance.model.text import json_patch

MAPPING = '[{"source_type": "snapshot", "snapshot_id": "s"}]'
KEY = {attributes.CMK_ID: "k"}
# Nobody named a key, and a store that encrypts holds it.
STORED = {attributes.STORE_KEY: "k", "stores": "kms"}
TASK, TO = attributes.IMPORT_TASK, attributes.IMPORTING_STORES
PATCH_TYPE = "application/openstack-images-v2.1-json-patch"


def image(**view: Any) -> ShownImage:
    return ShownImage("", {"id": "i", "owner": "me", "status": "active", **view})


def changes(*patch: tuple[str, str | None]) -> list[json_patch.Change]:
    operations = [
        {"op": "remove" if value is None else "add", "path": f"/{name}", "value": value}
        for name, value in patch
    ]
    return json_patch.changes(PATCH_TYPE, operations)


def test_a_refusal_of_a_second_import_hides_no_key_of_the_first():
    call = call_of(image(**STORED | KEY | {"stores": "", TASK: "t", TO: "kms"}))
    elsewhere.settle(call, "/v2/images/i", is_coming=False)
    assert call.recorded == []


def test_a_key_and_disks_elsewhere_exclude_each_other():
    for view in (
        KEY,
        {whole_image.MAPPING: MAPPING},
        {**KEY, whole_image.MAPPING: "[]"},
        {**KEY, **STORED, whole_image.MAPPING: MAPPING},
    ):
        elsewhere.check_encryptable({"id": "i", **view})
    with pytest.raises(rules.RuleRefused, match="--whole") as refused:
        elsewhere.check_encryptable({"id": "i", **KEY, whole_image.MAPPING: MAPPING})
    assert refused.value.code == "IMG.0024"


def test_a_whole_machine_image_has_both():
    elsewhere.check_encryptable(
        {**KEY, attributes.WHOLE_IMAGE: "true", whole_image.MAPPING: MAPPING}
    )


class Asked:
    """A request at the door; the image may be another one once nobody else changes it."""

    context = None
    image_path = "/v2/images/i"
    stores = stores.Stores({"plain": "file", "kms": "ims-kms", "kms2": "ims-kms"}, "plain", "kms")

    def __init__(self, *views: ShownImage) -> None:
        self.views = list(views)
        self.recorded: list[bool] = []
        self.effects: list[Any] = []
        self.held = 0
        self.images: Any = self

    def image(self) -> ShownImage:
        return self.views.pop(0)

    def hold(self, _image: ShownImage) -> None:
        self.held += 1

    def get(self, _context: Any, path: str) -> ShownImage:
        assert path == self.image_path
        return self.views.pop(0)

    def record_key(self, _context: Any, _image: ShownImage, key_id: str, *, shown: bool) -> None:
        assert key_id == "k"
        self.recorded.append(shown)


def call_of(*views: ShownImage) -> Any:
    return Asked(*views)


@pytest.fixture(autouse=True)
def _policy_of_glance_allows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "may", lambda *_: True)


@pytest.mark.parametrize(
    "patch",
    [
        [("block_device_mapping", MAPPING)],
        [("block_device_mapping", "[]"), ("block_device_mapping", MAPPING)],
        [("block_device_mapping", None), ("name", "n"), ("block_device_mapping", "nonsense")],
    ],
)
def test_an_image_with_a_named_key_gets_none(patch):
    with pytest.raises(rules.RuleRefused):
        elsewhere.change(call_of(image(**KEY)), image(**KEY), changes(*patch))
    # One that has none may have them.
    call = call_of(image(), image(block_device_mapping=MAPPING))
    elsewhere.change(call, image(), changes(*patch))
    call.effects[0](None)
    assert (call.held, call.recorded) == (1, [])


@pytest.mark.parametrize(
    "patch",
    [
        [("name", "n")],
        [("block_device_mapping", None)],
        [("block_device_mapping", MAPPING), ("block_device_mapping", None)],
        [("block_device_mapping", "[]")],
        [("bdm_v2", "true")],
    ],
)
def test_other_changes_cost_no_look_at_the_image(patch):
    elsewhere.change(call_of(), image(**KEY), changes(*patch))


def test_who_sends_the_image_back_changes_nothing():
    """One from before this was a rule."""
    there = image(**KEY, block_device_mapping=MAPPING)
    elsewhere.change(call_of(), there, changes(("block_device_mapping", MAPPING), ("name", "n")))


def test_the_key_of_the_store_is_hidden_before_and_shown_again_if_glance_refuses():
    call = call_of(image(**STORED, **KEY), image(**STORED))
    # An upload gave it the key after this request had looked at it.
    elsewhere.change(call, image(), changes(("block_device_mapping", MAPPING)))
    assert call.recorded == [False]
    call.effects[0](None)
    assert call.recorded == [False, True]


def test_the_key_of_the_store_is_shown_when_no_disk_lies_elsewhere_any_more():
    there = image(**STORED, block_device_mapping=MAPPING)
    call = call_of(there, image(**STORED))
    elsewhere.change(call, there, changes(("block_device_mapping", None)))
    assert call.recorded == []
    call.effects[0](None)
    assert call.recorded == [True]


@pytest.mark.parametrize(
    ("view", "recorded"),
    [
        ({}, []),
        (KEY, []),
        ({**STORED, **KEY}, []),
        (STORED, [True]),
        ({**STORED, "stores": "plain,kms"}, []),
        ({**STORED, **KEY, "stores": "plain,kms"}, [False]),
        ({**STORED, **KEY, "block_device_mapping": MAPPING}, [False]),
        ({**STORED, "block_device_mapping": MAPPING}, []),
        # While Glance copies it, or has not said yet where to.
        ({**STORED, TASK: "t"}, []),
        ({**STORED, TASK: "t", TO: "plain"}, []),
        ({**STORED, **KEY, TASK: "t", TO: "plain"}, [False]),
        ({**STORED, **KEY, TASK: "t", TO: "kms2"}, []),
        ({**STORED, TASK: "", TO: ""}, [True]),
        # While it is filled.
        ({**STORED, **KEY, "stores": ""}, []),
        ({**STORED, **KEY, "stores": "", "block_device_mapping": MAPPING}, [False]),
    ],
)
def test_which_images_show_the_key_of_their_store(view, recorded):
    call = call_of(image(**view))
    elsewhere.settle(call, "/v2/images/i")
    assert call.recorded == recorded
