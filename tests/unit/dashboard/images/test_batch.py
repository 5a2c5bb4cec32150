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


@pytest.fixture
def action():
    table = SimpleNamespace(get_object_by_id=lambda one: one, get_object_display=str.upper)
    return SimpleNamespace(
        table=table,
        get_success_url=lambda request: "/back",
        _get_action_name=lambda done, past: f"Did {len(done)}",
    )


def test_one_after_the_other_whatever_becomes_of_the_first(said, action):
    act = mock.Mock(side_effect=[FAILURE, None])
    assert batch.each(action, None, ["a", "b"], act).url == "/back"
    assert [level for level, _text in said] == ["error", "success"]
    assert said[1][1] == "Did 1: B"


def test_all_or_none(said, action):
    batch.together(action, None, ["a", "b"], mock.Mock(side_effect=FAILURE))
    assert [level for level, _text in said] == ["error"]
    batch.together(action, None, ["a", "b"], mock.Mock())
    assert said[1] == ("success", "Did 2: A, B")
