# SPDX-License-Identifier: Apache-2.0
"""A neighbour's REST API through keystoneauth, with its refusals as our errors.

The worker must tell three things apart: a neighbour that is away (try again later), a refusal (the
job fails, with the neighbour's own reason), and a token that Keystone gives no more (the caller's
delegation ended).
"""

import re
from collections.abc import Iterator
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1.adapter import Adapter
from oslo_serialization import jsonutils

from ims_glance import exceptions
from ims_glance.clouds import reading

# Connecting and sending, and each wait for bytes of the answer; seconds.
TIMEOUT = (10.0, 60.0)
_CODE = re.compile(r"IMG\.\d{4}")
_IMS_CODE = re.compile(r"(IMG\.\d{4}): (.*)", re.DOTALL)
_MAX_REASON = 500
_UNAVAILABLE = 503
_LONGEST_PAUSE = 60.0
# The last one of brackets in brackets in brackets.
_NO_JSON = (ValueError, RecursionError)


class ServiceUnavailable(exceptions.Unavailable):
    """A neighbour gave no usable answer; the same request may succeed later.

    :ivar named: the IMS code that it named itself
    """

    named: str | None = None
    template = "The {service} service is unavailable ({reason}). Try again later."


class NeighbourBusy(ServiceUnavailable):
    """A neighbour is there, and has too much to do.

    :ivar seconds: after which it wants to be asked again
    """

    def __init__(self, seconds: float, **details: Any) -> None:
        super().__init__(**details)
        self.seconds = seconds


class DelegationEnded(exceptions.Forbidden):
    """Keystone gives no token for the job any more (IMS: "token")."""

    code = "IMG.0087"
    template = (
        "The Identity service gives no token for the {service} service any more: {reason}. Was the user disabled, "
        "or did they lose their role in the project?"
    )


class TokenEnded(DelegationEnded):
    """Keystone does not accept a token that it has given any more."""

    template = (
        "The Identity service does not accept the token any more: {reason}. Log in again; if that does not help, was "
        "the user disabled, or did they lose their role in the project?"
    )


class Refused(exceptions.ImsError):
    """A neighbour refused a request.

    :ivar status: of its HTTP answer
    :ivar code: that it named itself, or one for its status
    """

    template = "The {service} service refused: {reason}"

    def __init__(self, status: int, code: str, service: str, reason: str) -> None:
        super().__init__(service=service, reason=reason)
        self.status = status
        self.code = code


class Missing(Refused):
    """What the request names does not exist, or is not shown to the job's user."""


class NotInCatalog(Refused):
    """The caller's catalogue has no such service: this cloud, or this region, does without it."""


_CODES = {400: "IMG.0016", 403: "IMG.0026", 404: "IMG.0121", 413: "IMG.0015"}


class Rest:
    """One neighbour's API.

    :param service: see :meth:`ims_glance.clouds.region.Region.adapter`
    :param title: for messages ("Image")
    :param timeout: as ``requests`` takes it, of requests that have none; ``None`` for the session's
    :param follows: whether redirects are followed, and answers read that may be of any length; not so
        with those of another region, whose operator is a stranger
    """

    def __init__(
        self,
        service: Adapter,
        title: str,
        timeout: tuple[float, float] | None = TIMEOUT,
        follows: bool = True,
    ) -> None:
        self._adapter = service
        self._title = title
        self._timeout = timeout
        self._follows = follows

    def request(self, method: str, path: str, **request: Any) -> Any:
        """The answer (a ``requests.Response``) to a request that succeeded.

        :param request: as ``keystoneauth1.session.Session.request`` takes it
        :raises ServiceUnavailable: if the neighbour or Keystone is away
        :raises DelegationEnded: if Keystone gives no token
        :raises Missing, Refused: if the neighbour says no
        """
        if self._timeout:
            request.setdefault("timeout", self._timeout)
        request["headers"] = {"Accept": "application/json", **request.get("headers", {})}
        if self._follows:
            response = self._asked(method, path, **request)
        else:
            response = self._asked_of_stranger(method, path, **request)
        self._check(response)
        return response

    def _asked(self, method: str, path: str, **request: Any) -> Any:
        try:
            return self._adapter.request(path, method, raise_exc=False, **request)
        except auth_exceptions.ClientException as error:
            raise self.translated(error) from error

    def _asked_of_stranger(
        self, method: str, path: str, stream: bool = False, **request: Any
    ) -> Any:
        """An answer that was read with an end to it, unless it is a stream that was wanted.

        keystoneauth would read all of what it logs, and a few packed bytes could become any number.
        """
        request["headers"] = {"Accept-Encoding": "identity", **request["headers"]}
        settings = {"redirect": False, "stream": True, "log": False, **request}
        response = self._asked(method, path, **settings)
        if stream and response.status_code < 300:
            return response
        try:
            return reading.contents(response)
        except reading.FAILURES as error:
            raise self.away(error) from error

    def json(self, method: str, path: str, **request: Any) -> Any:
        """The body of an answer; see :meth:`request`.

        :raises ServiceUnavailable: also if it is no JSON
        """
        response = self.request(method, path, **request)
        try:
            return jsonutils.loads(response.content)
        except _NO_JSON:
            raise self.away(f"{response.status_code} without JSON") from None

    def json_object(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The body of an answer that is an object of JSON; see :meth:`request`.

        :raises ServiceUnavailable: also if it is none
        """
        body = self.json(method, path, **request)
        if not isinstance(body, dict):
            raise self.away(f"{type(body).__name__} where an object of JSON was to come")
        return body

    def is_there(self) -> bool:
        """Whether the catalogue has it.

        :raises ServiceUnavailable: if Keystone is away
        :raises DelegationEnded: if it does not let us in
        """
        return self.endpoint() is not None

    def endpoint(self) -> str | None:
        """Where it is, by the catalogue; ``None`` if that has none.

        :raises ServiceUnavailable: if Keystone is away
        :raises DelegationEnded: if it does not let us in
        """
        try:
            return self._adapter.get_endpoint() or None
        except auth_exceptions.EndpointNotFound:
            return None
        except auth_exceptions.ClientException as error:
            raise self.translated(error) from error

    def data(self, response: Any, size: int, chunk: int, name: str) -> Iterator[bytes]:
        """The body of a streamed answer, in chunks.

        :param size: that it has to have, in bytes
        :param chunk: bytes at once
        :param name: of what it is, for messages ("a download")
        :raises ServiceUnavailable: if it breaks off, or ends elsewhere
        """
        received = 0
        try:
            for each in reading.chunks(response, chunk):
                received += len(each)
                yield each
        except reading.FAILURES as error:
            raise self.away(f"{name} broke off: {error}") from error
        if received != size:
            raise self.away(f"{name} ended after {received} of {size} bytes")

    def away(self, reason: object) -> ServiceUnavailable:
        """The error that says so."""
        return ServiceUnavailable(service=self._title, reason=str(reason)[:_MAX_REASON])

    def translated(self, error: Exception) -> exceptions.ImsError:
        """Our error for one of keystoneauth's."""
        if isinstance(error, auth_exceptions.HttpError) and error.http_status < 500:
            return DelegationEnded(service=self._title, reason=str(error)[:_MAX_REASON])
        if isinstance(error, auth_exceptions.EndpointNotFound):
            reason = f"it is not in the catalogue of this region ({error})"
            return NotInCatalog(400, "IMG.0105", self._title, reason)
        return self.away(error)

    def _check(self, response: Any) -> None:
        status = response.status_code
        if status < 300:
            return
        code, reason = _reason(response)
        if status == 401:
            raise self._unauthorized(reason)
        seconds = _retry_after(response)
        if status == _UNAVAILABLE and seconds is not None:
            raise NeighbourBusy(seconds, service=self._title, reason=f"{status}: {reason}")
        if status < 400 or status >= 500:
            away = self.away(f"{status}: {reason}")
            said = _IMS_CODE.fullmatch(reason)
            away.named = code or (said[1] if said else None)
            raise away
        code, reason = (code, reason) if code else _ims_code(status, reason)
        kind = Missing if status in (404, 410) else Refused
        raise kind(status, code, self._title, reason)

    def _unauthorized(self, reason: str) -> exceptions.ImsError:
        """The error for a token that a neighbour does not accept.

        Whoever may have none any more is told so by Keystone, which has given this one. Glance, and whatever
        else decides later (``delay_auth_decision`` of keystonemiddleware), does not accept one, either, while
        Keystone cannot be asked. Next time there is another token, unless it is the caller's own.
        """
        self._adapter.invalidate()
        return self.away(
            f"401: it could not check a token that Keystone has given ({reason}); if it stays so, log in again"
        )


def _retry_after(response: Any) -> float | None:
    """When to ask again, if an answer says so in seconds; at most a minute, whatever it says."""
    text = str(response.headers.get("Retry-After", ""))
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return min(_LONGEST_PAUSE, max(1.0, float(text))) if is_number else None


def _ims_code(status: int, reason: str) -> tuple[str, str]:
    """The IMS code that our guard put in front of the reason, or one for the status."""
    named = _IMS_CODE.fullmatch(reason)
    return (named[1], named[2]) if named else (_CODES.get(status, "IMG.0035"), reason)


def _reason(response: Any) -> tuple[str | None, str]:
    """What the neighbour says: webob's JSON faults, or nova's and cinder's, or our own in IMS's form.

    :returns: the IMS code that it names beside its text, if it does, and the text
    """
    try:
        body = jsonutils.loads(response.content)
    except _NO_JSON:
        return None, str(response.reason)
    if isinstance(body, dict) and "message" not in body and len(body) == 1:
        body = next(iter(body.values()))
    said = body.get("message") if isinstance(body, dict) else None
    code = str(body.get("code")) if isinstance(body, dict) else ""
    text = re.sub(r"<[^>]*>", " ", str(said or response.reason))
    named = code if _CODE.fullmatch(code) else None
    return named, " ".join(text.split())[:_MAX_REASON]
