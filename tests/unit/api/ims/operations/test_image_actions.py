# SPDX-License-Identifier: Apache-2.0
"""What may be done to an image: the same that the operations say when they are tried."""

import dataclasses

import pytest

from ims_glance import exceptions
from ims_glance.api.ims import lookup
from ims_glance.api.ims.operations.image_actions import ACTIONS, show_image_actions
from tests.unit.api.ims import calls


class Keys:
    """The default key is one; or nobody knows."""

    def __init__(self, away=False):
        self._is_away = away

    def is_default(self, _context, key, _owner):
        """Whether it is that."""
        if self._is_away:
            raise exceptions.KeyManagerUnavailable(reason="away")
        return key == "default"


@pytest.fixture
def shown(tmp_path):
    def show(keys=None, **changes):
        made = calls.call(
            calls.configuration(tmp_path), calls.view(**changes), image_id=calls.IMAGE
        )
        service = dataclasses.replace(made.service, keys=keys or Keys())
        call = dataclasses.replace(made, service=service)
        return call, {each["name"]: each for each in show_image_actions(call).body["actions"]}

    return show


IMAGES = [
    {},
    {"status": "queued"},
    {"protected": True},
    {"owner": calls.OTHER, "visibility": "shared"},
    {"owner": calls.OTHER, "visibility": "shared", "__imagetype": "market"},
    {"__system__cmkid": "default"},
    {"virtual_env_type": "IsoImage"},
    {"__whole_image": "true"},
    {"__component_of": calls.SECOND},
]


@pytest.mark.parametrize("image", IMAGES, ids=str)
def test_each_is_what_the_operation_would_say(shown, image):
    call, found = shown(**image)
    assert found.keys() == ACTIONS.keys()
    for name, action in ACTIONS.items():
        try:
            lookup.checked(call, calls.IMAGE, action)
        except exceptions.ImsError as error:
            said = {"allowed": False, "error_code": error.code, "reason": str(error)}
        else:
            said = {"allowed": True}
        assert found[name] == {"name": name, **said}


def test_an_own_image_is_only_not_answered(shown):
    _, found = shown()
    assert [name for name, each in found.items() if not each["allowed"]] == ["accept"]


def test_what_would_have_to_be_known_of_the_key_and_is_not(shown):
    _, found = shown(Keys(away=True), __system__cmkid="k")
    assert not found["share"]["allowed"]
    assert "key manager" in found["share"]["reason"].lower()
    assert found["copy"]["allowed"]


def test_no_image(tmp_path):
    call = calls.call(calls.configuration(tmp_path), image_id=calls.ABSENT)
    with pytest.raises(exceptions.ImageNotFound):
        show_image_actions(call)
