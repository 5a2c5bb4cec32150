# SPDX-License-Identifier: Apache-2.0
"""What kind of failure it is, when Castellan or a client library below it raises something.

The libraries have no common base of errors: Castellan lets keystoneauth's through, and hides
Barbican's status inside its own.
"""

import enum
import http

from barbicanclient import exceptions as barbican_exceptions
from castellan.common import exception as castellan_exceptions
from keystoneauth1 import exceptions as keystone_exceptions


class FailureKind(enum.Enum):
    """What the caller can do about it differs."""

    MISSING = enum.auto()
    DENIED = enum.auto()
    UNAUTHENTICATED = enum.auto()
    OTHER = enum.auto()


def classify(error: BaseException) -> tuple[FailureKind, str]:
    """What kind of failure it is, and a word for it that holds nothing of a request or answer.

    Castellan hides the true error in the one that it was raised from, so the whole chain is read.
    """
    link: BaseException | None = error
    while link is not None:
        status = getattr(link, "status_code", None) or getattr(link, "http_status", None)
        if isinstance(link, castellan_exceptions.ManagedObjectNotFoundError):
            return FailureKind.MISSING, ""
        if isinstance(link, castellan_exceptions.Forbidden) or status == http.HTTPStatus.FORBIDDEN:
            return FailureKind.DENIED, ""
        if status == http.HTTPStatus.NOT_FOUND:
            # Keystone says "not found" to a token that it does not know.
            from_keystone = isinstance(link, keystone_exceptions.ClientException)
            return (FailureKind.UNAUTHENTICATED if from_keystone else FailureKind.MISSING), ""
        # barbicanclient forgets to give this one its status.
        refused = isinstance(link, barbican_exceptions.HTTPAuthError)
        if refused or status == http.HTTPStatus.UNAUTHORIZED:
            return FailureKind.UNAUTHENTICATED, ""
        if status:
            return FailureKind.OTHER, f"HTTP {int(status)}"
        link = link.__cause__ or link.__context__
    return FailureKind.OTHER, type(error).__name__
