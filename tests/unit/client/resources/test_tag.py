# SPDX-License-Identifier: Apache-2.0
"""Tags as they are written."""

import pytest

from ims_glance.client.resources.tag import ImageTag, TagKey


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("env=test", {"key": "env", "value": "test"}),
        ("env", {"key": "env", "value": ""}),
        ("env=", {"key": "env", "value": ""}),
        ("a=b=c", {"key": "a", "value": "b=c"}),
    ],
)
def test_parse(text, pair):
    assert ImageTag.parse(text).pair() == pair


@pytest.mark.parametrize("text", ["env=test", "env"])
def test_text(text):
    assert str(ImageTag.parse(text)) == text


def test_the_values_of_a_key():
    assert TagKey.existing(key="env", values=["a", ""]).tag_values == ["a", ""]
