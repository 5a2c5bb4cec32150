# SPDX-License-Identifier: Apache-2.0
"""Sessions of keystoneauth: made in one way, with an end to all waiting, and with a name.

A session waits for ever unless it is told otherwise, also for the tokens that it asks for before each
request. Ours have the ``timeout`` of their group of options. A session that a library makes of
one of our plugins gets it from the plugin. All say who they are (``User-Agent``), and whom a request
is for, as far as that is known (``X-OpenStack-Request-ID``): the other side logs both.
"""

import importlib.metadata
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import identity, loading
from keystoneauth1.session import Session
from oslo_config import cfg

APP = "ims_glance"
VERSION = importlib.metadata.version(APP)

_REQUEST_ID = "X-OpenStack-Request-ID"
# The other side believes no id of another form (oslo_middleware/request_id.py).
_FORM = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# For so long a failure to reach Keystone holds for whoever asks next; seconds.
_FRESH = 1.0


def load(conf: cfg.ConfigOpts, group: str, auth: Any, request_id: str | None = None) -> Session:
    """A session with the TLS settings and the time-out of a group of keystoneauth's options.

    :param request_id: of the request, or for the job, that it is for
    """
    session: Session = loading.load_session_from_conf_options(conf, group, auth=auth)
    settle(session, None, request_id)
    return session


def load_login(conf: cfg.ConfigOpts, group: str, **replaced: Any) -> Any:
    """The plugin that a group of keystoneauth's options names, for many threads at once.

    :param replaced: options of the plugin that are not as they are configured
    """
    auth = loading.load_auth_from_conf_options(conf, group, **replaced)
    if isinstance(auth, identity.base.BaseIdentityPlugin):
        # What the class of the plugin is, the operator chooses.
        auth.get_auth_ref = SharedFailure().around(auth.get_auth_ref)  # type: ignore[method-assign]
    return auth


def request_id(context: Any) -> str | None:
    """The id under which the request of a caller is known elsewhere.

    :param context: a ``oslo_context.context.RequestContext``
    """
    known = (getattr(context, name, None) for name in ("global_request_id", "request_id"))
    return next((each for each in known if _FORM.fullmatch(str(each))), None)


def settle(session: Any, timeout: float | None, request_id: str | None = None) -> None:
    """Give a session that a library made what our own have.

    keystoneauth reads it after it has asked the session's plugin for a token.

    :param timeout: in seconds, if the session has none
    :param request_id: see :func:`load`
    """
    if request_id is not None:
        session.additional_headers.setdefault(_REQUEST_ID, request_id)
    if session.timeout is None:
        session.timeout = timeout
    if session.app_name is None:
        session.app_name, session.app_version = APP, VERSION


class SharedFailure:
    """Passes the failure to reach Keystone on to those who waited meanwhile to ask it themselves.

    keystoneauth lets the threads that need the same token ask one after the other: if Keystone does not
    answer, the tenth would wait for ten times as long as the first.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._reason = ""
        self._ends = 0.0

    def around(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        """*ask*, which raises ``ConnectFailure`` at once after it has just raised a failure."""

        def asked(*positional: Any, **named: Any) -> Any:
            self._check()
            try:
                return ask(*positional, **named)
            except (auth_exceptions.ConnectionError, auth_exceptions.DiscoveryFailure) as error:
                self._remember(str(error))
                raise

        return asked

    def _check(self) -> None:
        with self._mutex:
            is_fresh, reason = time.monotonic() < self._ends, self._reason
        if is_fresh:
            raise auth_exceptions.ConnectFailure(reason)

    def _remember(self, reason: str) -> None:
        with self._mutex:
            self._reason, self._ends = reason, time.monotonic() + _FRESH


class Password(identity.Password):
    """A login with a password, for sessions that a library makes without a time-out.

    :param timeout: of such a session; seconds
    """

    def __init__(self, timeout: float | None, **settings: Any) -> None:
        super().__init__(**settings)
        self._timeout = timeout
        self._failure = SharedFailure()

    def get_access(self, session: Any, **settings: Any) -> Any:
        """What all is read from that a session asks its plugin for."""
        settle(session, self._timeout)
        return super().get_access(session, **settings)

    def get_auth_ref(self, session: Any) -> Any:
        """Log in."""
        return self._failure.around(super().get_auth_ref)(session)
