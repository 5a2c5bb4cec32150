# SPDX-License-Identifier: Apache-2.0
"""A WSGI filter that puts refusals of the filters behind it (no token, ...) into IMS's words."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import webob

from ims_glance.api.common import errors

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_WORDS: dict[int, tuple[str, str]] = {
    401: (
        "IMG.0087",
        "The request needs a valid token (X-Auth-Token or X-Security-Token), or a signature.",
    ),
    503: ("IMG.0014", "The Identity service is unavailable. Try again later."),
}
_OTHERWISE = ("IMG.0061", "The request was refused before it reached the IMS API.")


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[App], App]:
    """Make the filter from a paste file."""

    def make(app: App) -> App:
        def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
            response = webob.Request(environ).get_response(app)
            if response.status_int >= 400 and b'"error"' not in response.body:
                _reword(response)
            answer: Iterable[bytes] = response(environ, start_response)
            return answer

        return serve

    return make


def _reword(response: webob.Response) -> None:
    code, message = _WORDS.get(response.status_int, _OTHERWISE)
    worded = errors.worded(response.status_int, code, message)
    response.body = worded.body
    response.content_type = worded.content_type
    response.charset = worded.charset
