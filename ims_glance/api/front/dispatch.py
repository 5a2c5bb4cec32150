# SPDX-License-Identifier: Apache-2.0
"""The root of the service: which of the two APIs a request is for.

Both are served at the root, where Huawei's SDK looks, and under path prefixes such as ``/image``,
as a catalogue may have it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import webob
from oslo_config import cfg
from oslo_context.context import generate_request_id

from ims_glance import conf as ims_conf
from ims_glance.api.common import errors
from ims_glance.api.front.versions import Versions

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

# Of the paths under /v2 the Image API has none of these (glance/api/v2/router.py). It has nothing
# under /v1 any more, nor a version 2.1 of its own, nor anything under /v3.
_IMS = re.compile(
    r"/v1(/.*)?"
    r"|/v2(\.1)?/cloudimages(/.*)?"
    r"|/v2/[^/]+/images/(tags|resource_instances/action|[^/]+/tags(/.*)?)/?"
    r"|/v3/projects/?",
    re.DOTALL,
)
_SLASHES = re.compile("//+")
_REQUEST_ID = "x-openstack-request-id"


class Doors:
    """The application at the root.

    :param prefixes: paths, each beginning with a slash, that may stand in front of everything
    :param request_id_length: the most characters of a request id that the client gives; 0 for any
    """

    def __init__(
        self, native: App, ims: App, prefixes: Sequence[str] = (), request_id_length: int = 0
    ) -> None:
        self._native = Versions(native)
        self._ims = ims
        self._prefixes = tuple(prefix.rstrip("/") for prefix in prefixes)
        self._request_id_length = request_id_length

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        path = _SLASHES.sub("/", environ.get("PATH_INFO", ""))
        refusal = self._refusal(path, environ.get("HTTP_X_OPENSTACK_REQUEST_ID", ""))
        if refusal is not None:
            answer: Iterable[bytes] = refusal(environ, _named_twice(start_response))
            return answer
        prefix = next((one for one in self._prefixes if _is_below(path, one)), "")
        if prefix:
            path = path.removeprefix(prefix)
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
        environ["PATH_INFO"] = path or "/"
        app = self._ims if _IMS.fullmatch(path) else self._native
        return app(environ, _named_twice(start_response))

    def _refusal(self, path: str, request_id: str) -> webob.Response | None:
        """The answer to what Glance's filters would fail on."""
        if not _is_text(path):
            return errors.worded(400, "IMG.0017", "The path is not UTF-8.")
        if 0 < self._request_id_length < len(request_id):
            message = f"X-Openstack-Request-Id is longer than {self._request_id_length}."
            return errors.worded(431, "IMG.0016", message)
        return None


def _is_text(path: str) -> bool:
    """Whether a path, which WSGI gives byte by byte, is UTF-8."""
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _named_twice(start_response: StartResponse) -> StartResponse:
    """Give the request id under the name that Huawei's SDK reads as well."""

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        request_id = next((value for name, value in headers if name.lower() == _REQUEST_ID), None)
        if request_id is None:
            # Refused before the filter "context", which gives it otherwise.
            request_id = generate_request_id()
            headers = [*headers, (_REQUEST_ID, request_id)]
        return start_response(status, [*headers, ("X-Request-Id", request_id)], *error)

    return start


def root_factory(loader: Any, _global_conf: Mapping[str, str], **local: str) -> Doors:
    """Make the root from a paste file.

    :param local: ``native`` and ``ims`` name the two applications
    """
    ims_conf.register_opts(cfg.CONF)
    cfg.CONF.import_opt("max_request_id_length", "glance.api.middleware.context")
    return Doors(
        loader.get_app(local["native"]),
        loader.get_app(local["ims"]),
        cfg.CONF.ims_api.path_prefixes,
        cfg.CONF.max_request_id_length,
    )
