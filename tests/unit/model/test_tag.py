# SPDX-License-Identifier: Apache-2.0
"""Tags in their three forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.model import tag as tags
from ims_glance.model.tag import Tag

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


@pytest.mark.parametrize(
    ("added", "after"),
    [
        (Tag("team", "x"), ["env=a", "env=b", "k", "k=1", "a=", "=b", "team=x"]),
        (Tag("env", "c"), ["env=c", "k", "k=1", "a=", "=b"]),
        (Tag("env", "b"), ["env=b", "k", "k=1", "a=", "=b"]),
        (Tag("k"), ["env=a", "env=b", "k", "a=", "=b"]),
        (Tag("b", "1"), ["env=a", "env=b", "k", "k=1", "a=", "=b", "b=1"]),
    ],
)
def test_tags_of_other_keys_stay_as_glance_has_them(added, after):
    assert tags.merged(["env=a", "env=b", "k", "k=1", "a=", "=b"], [added]) == after


@given(st.lists(st.text(min_size=1, max_size=9), unique=True), _WORDS.filter(bool), _WORDS)
def test_adding_touches_one_key_and_taking_away_undoes_it(stored, key, value):
    others = tags.without(stored, [key])
    merged = tags.merged(stored, [Tag(key, value)])
    assert [text for text in merged if tags.from_stored(text).key != key] == others
    assert merged.count(Tag(key, value).stored) == 1
    assert tags.without(merged, [key]) == others


@pytest.mark.parametrize(
    ("text", "spellings"),
    [
        ("k", ("k",)),
        ("k=v", ("k=v",)),
        ("k.v", ("k.v", "k=v")),
        ("k.v.w", ("k.v.w", "k=v.w")),
        ("k.", ("k.", "k")),
        ("k=", ("k=", "k")),
        ("=v", ("=v",)),
        (".v", (".v", "=v")),
    ],
)
def test_a_filter_may_mean_several_tags(text, spellings):
    assert tags.spellings(text) == spellings


@given(st.text(min_size=1, max_size=9))
def test_what_is_stored_can_be_a_filter(text):
    assert text in tags.spellings(text)


def test_taking_away_by_key():
    assert tags.without(["a=1", "a", "b=1"], ["a", "x"]) == ["b=1"]
