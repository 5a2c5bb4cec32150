# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from unittest import mock

import requests
from keystoneauth1 import session as keystone_session

from ims_glance.dashboard import connection
from tests.unit.client import cloud


class Request:
    """A request of Django."""

    def __init__(self, user):
        self.user = user
        self.META = {"REMOTE_ADDR": "192.0.2.7"}


def request(token="t-1"):
    user = SimpleNamespace(
        token=SimpleNamespace(id=token), project_id=cloud.PROJECT, services_region="R"
    )
    return Request(user)


def test_the_token_is_used_as_it_is(monkeypatch):
    """Nobody asks the Identity service about it again, and its project is known."""
    there = cloud.Cloud()
    there.ims("GET", f"/v1/{cloud.PROJECT}/jobs", {"jobs": []})
    http = requests.Session()
    http.mount("http://", there)

    class Session(keystone_session.Session):
        def __init__(self, **how):
            super().__init__(session=http, **how)

    monkeypatch.setattr(keystone_session, "Session", Session)
    asked = request()
    with mock.patch("openstack_dashboard.api.base.url_for", return_value=f"{cloud.IMAGE}/v2"):
        service = connection.ims(asked)
        assert connection.ims(asked) is service
    # A page does not wait for a service that is away.
    assert service.status_code_retries == 0
    assert list(service.jobs()) == []
    (arrived,) = there.requests
    assert arrived.headers["X-Auth-Token"] == "t-1"
    assert arrived.path == f"/image/v1/{cloud.PROJECT}/jobs"
    assert "192.0.2.7" in arrived.headers["Forwarded"]
