# SPDX-License-Identifier: Apache-2.0
"""Just enough HTTP and Keystone for setting the cloud up, with the standard library alone."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError

TIMEOUT = 30.0

# What a request raises when nobody, or not yet the right one, answers.
UNREACHABLE = (OSError, http.client.HTTPException)


class HttpError(PocketError):
    """An answer of 400 and above.

    :param status: the HTTP status code.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


# Proxies of the environment are for the world outside, never for loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> tuple[Any, Mapping[str, str]]:
    """One request with a JSON body.

    :returns: the decoded answer (None if it is not JSON) and its headers.
    :raises HttpError: for an answer of 400 and above.
    """
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, sent, method=method)
    try:
        with _OPENER.open(request, timeout=timeout) as answer:
            text, received = answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()[:500]
        raise HttpError(error.code, f"{method} {url}: {error.code} {text.decode()}") from error
    try:
        return (json.loads(text) if text else None), received
    except ValueError:
        return None, received


class Session:
    """A user's token in one project; all in the domain Default."""

    def __init__(self, auth_url: str, user: str, password: str, project: str) -> None:
        domain = {"id": "default"}
        auth = {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "password": password, "domain": domain}},
            },
            "scope": {"project": {"name": project, "domain": domain}},
        }
        answer, headers = call("POST", f"{auth_url}/auth/tokens", {"auth": auth})
        self.token = {k.lower(): v for k, v in headers.items()}["x-subject-token"]
        self.project_id: str = answer["token"]["project"]["id"]
        self.user_id: str = answer["token"]["user"]["id"]

    def __call__(
        self,
        method: str,
        url: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request with the token; the decoded answer."""
        return call(method, url, body, {"X-Auth-Token": self.token, **(headers or {})})[0]


_sessions: dict[str, tuple[float, Session]] = {}


def admin(cloud: Cloud) -> Session:
    """The administrator, logged in again when the token of the last time may be stale."""
    url = cloud.url("keystone", "/v3")
    made, session = _sessions.get(url) or (0.0, None)
    if session is None or time.monotonic() - made > 300:
        session = Session(url, "admin", cloud.secrets["password_admin"], "admin")
        _sessions[url] = (time.monotonic(), session)
    return session
