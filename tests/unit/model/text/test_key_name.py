# SPDX-License-Identifier: Apache-2.0
"""Fields that somebody believes to name a key."""

import pytest

from ims_glance.model.text import key_name


@pytest.mark.parametrize(
    "name", ["cmk", "cmkid", "cmkId", "CMK_ID", " cmk_id", "__system__cmkid", "kms_id", "Encrypted"]
)
def test_misspelt(name):
    with pytest.raises(key_name.KeyNameMisspelt, match="'cmk_id', spelt exactly") as refused:
        key_name.check(["name", name])
    assert refused.value.code == "IMG.0016"


def test_a_very_long_name_is_cut():
    with pytest.raises(key_name.KeyNameMisspelt) as refused:
        key_name.check(["cmk" * 1000])
    assert len(str(refused.value)) < 250


def test_others_do_no_harm():
    key_name.check({"cmk_id": "k", "name": "x", "key": 1, "something_new": 2, "": 3})


KEY = "0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"


@pytest.mark.parametrize(
    "name", [KEY, KEY.upper(), f"https://kms:9311/v1/secrets/{KEY}", f"http://k/secrets/{KEY}/"]
)
def test_spellings_of_a_key(name):
    assert key_name.key_id(name) == KEY


@pytest.mark.parametrize("name", ["", "ims/default", f"{KEY}0", f"{KEY}\n", f"http://k/{KEY}"])
def test_no_key(name):
    assert key_name.key_id(name) is None
