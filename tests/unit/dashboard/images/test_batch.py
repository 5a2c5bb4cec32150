# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from unittest import mock

import pytest
import requests
from horizon import messages

from ims_glance.dashboard.images import batch

FAILURE = requests.ConnectionError("away")


@pytest.fixture
def said(monkeypatch):
    found = []
    for level in ("success", "error"):
        monkeypatch.setattr(
            messages, level, lambda request, text, level=level: found.append((level, text))
        )
    return found


class Table:
    """What is asked of Horizon's; a row is its id, and what it is called is that in capitals."""

    def __init__(self, *rows):
        self.data = rows

    get_object_id = staticmethod(str)
    get_object_display = staticmethod(str.upper)


@pytest.fixture
def action():
    """Bound to what somebody else looks at: the actions of a class are shared by threads."""
    return SimpleNamespace(
        table=Table("z"),
        get_success_url=lambda request: "/back",
        _get_action_name=lambda done, past: f"Did {len(done)}",
    )


def test_one_after_the_other_whatever_becomes_of_the_first(said, action):
    act = mock.Mock(side_effect=[FAILURE, None])
    assert batch.each(action, Table("a", "b"), None, ["a", "b"], act).url == "/back"
    assert [level for level, _text in said] == ["error", "success"]
    assert said[1][1] == "Did 1: B"


def test_all_or_none(said, action):
    batch.together(action, Table("a", "b"), None, ["a", "b"], mock.Mock(side_effect=FAILURE))
    assert [level for level, _text in said] == ["error"]
    batch.together(action, Table("a", "b"), None, ["a", "b"], mock.Mock())
    assert said[1] == ("success", "Did 2: A, B")


def test_what_is_not_on_the_page_is_told_by_its_id(said, action):
    batch.together(action, Table("a"), None, ["a", "gone"], mock.Mock())
    assert said == [("success", "Did 2: A, gone")]
