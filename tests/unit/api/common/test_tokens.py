# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from ims_glance.api.common import tokens


def environ(*methods: str, **parts: Any) -> dict[str, Any]:
    """The environment of a request with such a token."""
    return {"keystone.token_info": {"token": {"methods": list(methods), **parts}}}


def credential(number: int) -> dict[str, Any]:
    return {"id": f"{number:032x}", "name": "n", "restricted": False}


PASSWORD = environ("password")
LIMITED = {
    "application credential": environ(
        "application_credential", application_credential=credential(1)
    ),
    "another one": environ("application_credential", application_credential=credential(2)),
    "trust": environ("password", **{"OS-TRUST:trust": {"id": "1"}}),
    "another trust": environ("password", **{"OS-TRUST:trust": {"id": "2"}}),
    "access token": environ("oauth1", **{"OS-OAUTH1": {"access_token_id": "1"}}),
    "another access token": environ("oauth1", **{"OS-OAUTH1": {"access_token_id": "2"}}),
    "EC2 credential": environ("ec2credential"),
    "two factors": environ("password", "totp"),
    "nothing known": environ(),
}


def test_who_logged_in_alike_may_do_the_same() -> None:
    assert tokens.login(PASSWORD) == tokens.login(environ("password"))
    assert tokens.login(environ("totp", "password")) == tokens.login(LIMITED["two factors"])


def test_a_token_for_a_token_may_do_the_same() -> None:
    """As a dashboard gets one for each project."""
    assert tokens.login(environ("token", "password")) == tokens.login(PASSWORD)
    assert tokens.login(environ("token")) != tokens.login(PASSWORD)


def test_all_others_differ() -> None:
    logins = [tokens.login(each) for each in (PASSWORD, *LIMITED.values())]
    assert len(set(logins)) == len(logins)


@pytest.mark.parametrize("unknown", [{}, {"keystone.token_info": {}}])
def test_of_an_unknown_token_nothing_is_believed(unknown: dict[str, Any]) -> None:
    assert tokens.login(unknown) != tokens.login(unknown)
    assert tokens.described(unknown) == {}


@pytest.mark.parametrize(
    ("sent", "grant"),
    [
        (PASSWORD, None),
        ({}, None),
        (LIMITED["another trust"], "2"),
        (LIMITED["EC2 credential"], "ec2:"),
        (environ("ec2credential", **{"OS-TRUST:trust": {"id": "2"}}), "ec2:"),
        # Signed by its sender: our own filter asked for the token.
        ({**LIMITED["EC2 credential"], tokens.ACCESS_KEY: "AK"}, None),
    ],
)
def test_what_somebody_delegated_a_token_with(sent: dict[str, Any], grant: str | None) -> None:
    assert tokens.grant(sent) == grant
