# SPDX-License-Identifier: Apache-2.0
"""``show_version``: one version of the Image API, which Glance itself only lists (``GET /``)."""

import http
import re
from collections.abc import Callable, Iterable
from typing import Any

import webob
from oslo_serialization import jsonutils

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_OF_THIS_PATH = frozenset(
    {"HTTP_ACCEPT", "HTTP_AUTHORIZATION", "HTTP_X_AUTH_TOKEN", "HTTP_X_SECURITY_TOKEN"}
)
_PATH = re.compile(r"/(?P<version>v2(\.\d{1,3})?)")


class Versions:
    """Answers ``GET /v2`` with the current version, ``GET /v2.9`` with that one.

    Glance redirects the first to ``/v2/``, which Huawei's SDK does not follow. A version that
    Glance does not list is left to Glance, and so is everything else.
    """

    def __init__(self, native: App) -> None:
        self._native = native

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        asked = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if asked and environ.get("REQUEST_METHOD") in ("GET", "HEAD"):
            answer = self._one(environ, asked["version"])
            if answer is not None:
                served: Iterable[bytes] = answer(environ, start_response)
                return served
        return self._native(environ, start_response)

    def _one(self, environ: Environ, version: str) -> webob.Response | None:
        # Anybody may have the list. A signature is one of another path, and Glance takes a version in
        # ``Accept`` for that of the path "/".
        asked = {name: value for name, value in environ.items() if name not in _OF_THIS_PATH}
        request = webob.Request({**asked, "REQUEST_METHOD": "GET", "PATH_INFO": "/"})
        answer = request.get_response(self._native)
        found = [one for one in _listed(answer) if _is(one, version)]
        answer.body = jsonutils.dump_as_bytes({"versions": found})
        return answer if found else None


def _listed(answer: webob.Response) -> list[dict[str, Any]]:
    """The versions in an answer; none if it is another one, and so Glance's to give."""
    if answer.status_int != http.HTTPStatus.MULTIPLE_CHOICES:
        return []
    try:
        return list(jsonutils.loads(answer.body)["versions"])
    except (ValueError, KeyError, TypeError):
        return []


def _is(listed: dict[str, Any], version: str) -> bool:
    name, value = ("status", "CURRENT") if version == "v2" else ("id", version)
    return bool(listed[name] == value)
