# SPDX-License-Identifier: Apache-2.0
"""Who a request comes from, without a Keystone.

Takes the place of Keystone's ``authtoken`` filter in Glance's pipeline: a token is the user, the
project and the roles, spelled out.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.functional import sqlite

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclasses.dataclass(frozen=True)
class Caller:
    """A user with roles in a project of the same name.

    :ivar secret: what nobody else may learn, for tests of that
    """

    name: str
    roles: tuple[str, ...] = ("member", "reader")
    secret: str = ""

    @property
    def token(self) -> str:
        """What to send as ``X-Auth-Token``."""
        return f"{self.name}:{','.join(self.roles)}:{self.secret}"


CATALOG = Path("catalog.json")
"""In the folder of the service: what it is told about the cloud with each request, in version 2."""

DEMO = Caller("demo")
OTHER = Caller("other")
READER = Caller("demo", ("reader",))
ADMIN = Caller("admin", ("admin", "member", "reader"))


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[App], App]:
    """Make the filter, for a paste file."""
    sqlite.take_turns()

    def make(app: App) -> App:
        def identify(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            name, separator, rest = environ.get("HTTP_X_AUTH_TOKEN", "").partition(":")
            roles, _, _secret = rest.partition(":")
            environ["HTTP_X_IDENTITY_STATUS"] = "Confirmed" if separator else "Invalid"
            if separator:
                environ["HTTP_X_USER_ID"] = f"user-{name}"
                environ["HTTP_X_PROJECT_ID"] = name
                environ["HTTP_X_ROLES"] = roles
            if "HTTP_X_SERVICE_TOKEN" in environ:
                environ["HTTP_X_SERVICE_ROLES"] = "ims_service"
            if CATALOG.exists():
                environ["HTTP_X_SERVICE_CATALOG"] = CATALOG.read_text()
            return app(environ, start_response)

        return identify

    return make
