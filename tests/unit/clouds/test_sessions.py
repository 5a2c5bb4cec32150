# SPDX-License-Identifier: Apache-2.0
"""Who waits for a neighbour that never answers, waits for a bounded time."""

import re
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1.session import Session

from ims_glance.clouds import sessions
from tests.unit.clouds.silence import PATIENCE, TIMEOUT, at_once, silence
from tests.unit.conftest import make_conf

GROUPS = ("ims_service", "ims_signature")
LOGIN = {"username": "ims", "password": "very-secret", "user_domain_name": "Default"}


@pytest.fixture
def nobody():
    """Where nobody answers."""
    with silence() as url:
        yield url


def configured(tmp_path, url, **options):
    login = {"auth_url": f"{url}/v3", **LOGIN, **options}
    return make_conf(tmp_path / "glance.conf", {group: login for group in GROUPS})


@pytest.mark.parametrize("group", GROUPS)
def test_ours_have_a_timeout_and_a_name(tmp_path, group):
    made = sessions.load(configured(tmp_path, "http://k"), group, None)
    assert made.timeout == 20
    assert (made.app_name, made.app_version) == ("ims_glance", sessions.VERSION)


def test_the_operator_has_the_last_word(tmp_path):
    assert sessions.load(configured(tmp_path, "http://k", timeout=7), "ims_service", 0).timeout == 7


def test_sessions_of_libraries_get_both_once():
    made = Session()
    sessions.settle(made, 3)
    assert (made.timeout, made.app_name) == (3, "ims_glance")
    mine = Session(timeout=5, app_name="other", app_version="1")
    sessions.settle(mine, 3)
    assert (mine.timeout, mine.app_name, mine.app_version) == (5, "other", "1")


@pytest.mark.parametrize("group", GROUPS)
def test_a_login_ends(tmp_path, nobody, group):
    conf = configured(tmp_path, nobody, timeout=TIMEOUT)
    made = sessions.load(conf, group, sessions.load_login(conf, group))
    with at_once(), pytest.raises(auth_exceptions.ConnectionError):
        made.get_token()


def test_a_login_in_a_session_without_a_timeout_ends(nobody):
    login = sessions.Password(TIMEOUT, auth_url=f"{nobody}/v3", **LOGIN)
    with at_once(), pytest.raises(auth_exceptions.ConnectionError):
        Session(login).get_token()


@pytest.mark.parametrize("is_configured", [True, False])
def test_many_who_wait_for_one_login_wait_no_longer(tmp_path, nobody, is_configured):
    """Each alone would take two time-outs: one for the versions, one for the token."""
    timeout = PATIENCE / 20
    conf = configured(tmp_path, nobody, timeout=timeout)
    if is_configured:
        login = sessions.load_login(conf, "ims_service")
    else:
        login = sessions.Password(timeout, auth_url=f"{nobody}/v3", **LOGIN)

    def wait(_number):
        with pytest.raises(auth_exceptions.ConnectionError):
            sessions.load(conf, "ims_service", login).get_token()

    with at_once(), ThreadPoolExecutor(40) as pool:
        assert len(list(pool.map(wait, range(40)))) == 40


def test_a_failure_is_soon_forgotten(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    answers = [auth_exceptions.ConnectFailure("away"), auth_exceptions.NotFound(), "token"]

    def ask():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    asked = sessions.SharedFailure().around(ask)
    now[0] = 10.0
    for _twice in range(2):
        with pytest.raises(auth_exceptions.ConnectFailure, match="away"):
            asked()
    assert len(answers) == 2
    now[0] += 1.5
    with pytest.raises(auth_exceptions.NotFound):
        asked()
    assert asked() == "token"


ID, OTHER = (
    "req-01234567-0123-0123-0123-0123456789ab",
    "req-" + "f" * 8 + "-ffff" * 3 + "-" + "f" * 12,
)


@pytest.mark.parametrize(
    ("global_id", "own", "expected"),
    [
        (None, ID, ID),
        (OTHER, ID, OTHER),
        ("their own", ID, ID),
        (None, "their own", None),
        (None, f" {ID}", None),
        (None, ID.encode(), None),
        (None, None, None),
    ],
)
def test_the_id_of_a_request(global_id, own, expected):
    """As the client chose it, if it is one that others believe."""
    context = types.SimpleNamespace(global_request_id=global_id, request_id=own)
    assert sessions.request_id(context) == expected
    assert sessions.request_id(object()) is None


def test_others_learn_it(tmp_path):
    made = sessions.load(configured(tmp_path, "http://k"), "ims_service", None, ID)
    sessions.settle(made, None, OTHER)
    assert made.additional_headers == {"X-OpenStack-Request-ID": ID}


def test_sessions_are_made_in_one_place():
    """And where Barbican has options of its own for TLS, which settles them here."""
    makes = re.compile(r"Session\(\w|load_(session|auth)_from_conf_options|load_from_conf_options")
    product = Path(sessions.__file__).parents[1]
    found = [
        path.relative_to(product).as_posix()
        for path in product.rglob("*.py")
        if makes.search(path.read_text())
    ]
    assert sorted(found) == ["clouds/barbican.py", "clouds/sessions.py"]
