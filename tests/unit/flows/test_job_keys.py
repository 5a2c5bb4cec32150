# SPDX-License-Identifier: Apache-2.0
"""Keys that jobs ask for as their caller: a token may be revoked, and Keystone away."""

import types
from typing import Any

import pytest
from keystoneauth1 import exceptions as auth_exceptions

from ims_glance import exceptions, keys
from ims_glance.clouds import rest
from ims_glance.flows import job_keys

KEY = bytes(range(32))


class Keys:
    """A key manager that a caller asks.

    :ivar asked: what for, with which token
    """

    def __init__(self):
        self.asked = []
        self.failures = []

    def _answer(self, what, context, answer):
        self.asked.append((what, context.auth_token))
        assert (context.user_id, context.project_id) == ("u", "demo")
        if self.failures:
            raise self.failures.pop(0)
        return answer

    def caller_key(self, context, key_id):
        """The key."""
        return self._answer(key_id, context, KEY)

    def default_key(self, context):
        """Its id."""
        return self._answer("default", context, "id")

    def open_to_service(self, context, key_id):
        """Note it."""
        self._answer(f"open {key_id}", context, None)


@pytest.fixture(autouse=True)
def manager(monkeypatch):
    made = Keys()
    monkeypatch.setattr(keys, "of_process", lambda _conf: made)
    return made


def _job(*tokens) -> Any:
    left = list(tokens)
    session = types.SimpleNamespace(get_token=lambda: left[0], invalidate=lambda: left.pop(0))
    return types.SimpleNamespace(session=session, user_id="u", project_id="demo", conf=None)


def test_a_token_that_was_revoked(manager):
    manager.failures = [exceptions.KeyDenied(key_id="k")]
    assert job_keys.caller_key(_job("old", "new"), "k") == KEY
    assert manager.asked == [("k", "old"), ("k", "new")]


def test_a_token_that_was_revoked_when_the_default_key_is_asked_for(manager):
    manager.failures = [exceptions.KeyDenied(key_id="default")]
    assert job_keys.default_key(_job("old", "new")) == "id"
    assert manager.asked == [("default", "old"), ("default", "new"), ("open id", "new")]


def test_a_right_that_the_caller_has_not(manager):
    manager.failures = [exceptions.KeyDenied(key_id="k") for _ in range(2)]
    with pytest.raises(exceptions.KeyDenied):
        job_keys.default_key(_job("old", "new"))


@pytest.mark.parametrize(
    "ask", [lambda job: job_keys.caller_key(job, "k"), job_keys.default_key], ids=["key", "default"]
)
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (auth_exceptions.Unauthorized(), rest.DelegationEnded),
        (auth_exceptions.ServiceUnavailable(), rest.ServiceUnavailable),
        (auth_exceptions.ConnectFailure(), rest.ServiceUnavailable),
    ],
)
def test_a_keystone_that_gives_no_token(ask, error, kind):
    """One that is away for a moment is asked again by whoever runs the task."""

    def refuse():
        raise error

    job = _job()
    job.session.get_token = refuse
    with pytest.raises(kind):
        ask(job)
