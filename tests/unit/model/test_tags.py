# SPDX-License-Identifier: Apache-2.0
"""Tags in their three forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.model import tags
from ims_glance.model.tags import Tag

_WORDS = st.text("abcXYZ019_-", max_size=36)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("env.test", Tag("env", "test")),
        ("env=test", Tag("env", "test")),
        ("env", Tag("env")),
        (" env = test ", Tag("env", "test")),
        ("k" * 36 + "." + "v" * 43, Tag("k" * 36, "v" * 43)),
        ("ключ", Tag("ключ")),
    ],
)
def test_from_requests(text, tag):
    assert tags.parse(text) == tag


@pytest.mark.parametrize(
    "text", ["", ".x", "=x", "a.b.c", "a b", "k" * 37, "k=" + "v" * 44, "a=b=c", "a=<b>", "a\nb=c"]
)
def test_no_tags(text):
    with pytest.raises(tags.TagInvalid) as refused:
        tags.parse(text)
    assert refused.value.code == "IMG.0115"


@given(_WORDS.filter(bool), _WORDS)
def test_what_is_stored_is_read_again(key, value):
    tag = tags.from_pair(key, value)
    assert tags.from_stored(tag.stored) == tag
    assert tag.to_wire() == {"key": key, "value": value}


@given(st.text(max_size=60))
def test_whatever_glance_has_is_a_tag(text):
    assert isinstance(tags.from_stored(text), Tag)


def test_adding_overwrites_the_value_of_a_key():
    stored = ["a=1", "b", "c.d"]
    assert tags.merged(stored, [Tag("b", "2"), Tag("e")]) == ["a=1", "b=2", "c.d", "e"]


def test_taking_away_by_key():
    assert tags.without(["a=1", "a", "b=1"], ["a", "x"]) == ["b=1"]
