# SPDX-License-Identifier: Apache-2.0
"""Who asks: a WSGI filter in front of Keystone's middleware, for clients made for Huawei's cloud.

It turns what they send into ``X-Auth-Token``, which Keystone's middleware then checks as ever:

* a Keystone token in ``X-Security-Token``, as ``BasicCredentials.with_security_token`` sends it;
* a signature made with an access key and a secret key, which are EC2 credentials in Keystone. It is
  checked here, and a token of the credential's owner takes its place.

A token decides alone: the SDK signs every request, also with keys that do not exist.
"""

import datetime
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oslo_config import cfg
from oslo_context import context as oslo_context

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.common import errors
from ims_glance.api.common.tokens import ACCESS_KEY
from ims_glance.api.front import signed_request
from ims_glance.clouds import ec2
from ims_glance.crypto import sdk_signature

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_SKEW = datetime.timedelta(minutes=15)
_SCHEME = re.compile(r"\s*(SDK|V11)-", re.IGNORECASE)
# What Keystone's middleware might take a token from besides X-Auth-Token.
_OTHER_TOKENS = ("HTTP_X_STORAGE_TOKEN", "HTTP_X_SERVICE_TOKEN")


class Unauthenticated(exceptions.ImsError):
    """The request does not prove who sent it."""


class TwoTokens(Unauthenticated):
    """Two different tokens came along (IMS: "token")."""

    code = "IMG.0087"
    template = "X-Security-Token and X-Auth-Token differ. Send one of them."


class SignatureRefused(Unauthenticated):
    """The signature is not one of this request and its key (IMS: "AKSK")."""

    code = "IMG.0037"
    template = "The signature is not accepted: {reason}."


class OtherProject(Unauthenticated):
    """``X-Project-Id`` is not the project of the access key (IMS: "project")."""

    code = "IMG.0030"
    template = "X-Project-Id is not the project of the access key, which is {project_id}."


class Signature:
    """The filter.

    :param credentials: where access keys are looked up; ``None`` if signatures are not accepted
    :param max_body_mib: the largest body that is checked
    :param clock: gives the time in UTC
    """

    def __init__(
        self,
        app: App,
        credentials: ec2.Ec2Credentials | None,
        max_body_mib: int = 12,
        clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self._app = app
        self._credentials = credentials
        self._max_body_mib = max_body_mib
        self._clock = clock

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        environ.pop(ACCESS_KEY, None)
        try:
            if not _take_token(environ):
                self._take_signature(environ)
        except (exceptions.ImsError, UnicodeError) as error:
            return _refuse(error, environ, start_response)
        access_key = environ.get(ACCESS_KEY)
        if access_key is not None:
            start_response = self._watched(access_key, start_response)
        return self._app(environ, start_response)

    def _take_signature(self, environ: Environ) -> None:
        text = environ.get("HTTP_AUTHORIZATION", "")
        if not _SCHEME.match(text):
            return
        if self._credentials is None:
            raise SignatureRefused(
                reason="this service takes no access keys; send a Keystone token as "
                "X-Security-Token (in the SDK: credentials.with_security_token)"
            )
        try:
            authorization = sdk_signature.parse(text)
        except ValueError as error:
            raise SignatureRefused(reason=str(error)) from None
        credential = self._verified(environ, authorization)
        _check_project(environ, credential)
        environ["HTTP_X_AUTH_TOKEN"] = self._credentials.grant(credential).auth_token
        for name in ("HTTP_AUTHORIZATION", *_OTHER_TOKENS):
            environ.pop(name, None)
        environ[ACCESS_KEY] = credential.access

    def _verified(
        self, environ: Environ, authorization: sdk_signature.Authorization
    ) -> ec2.Credential:
        """The credential that the request was signed with. Cheap checks come first."""
        assert self._credentials is not None
        names = authorization.signed_headers
        headers = signed_request.headers(environ, names)
        if missing := [name for name in names if name not in headers]:
            raise SignatureRefused(reason=f"the signed header '{missing[0][:64]}' is missing")
        self._check_date(headers[sdk_signature.DATE])
        credential = self._credentials.find(authorization.access)
        try:
            body_hash = signed_request.hash_body(environ, names, self._max_body_mib)
        except signed_request.NotSigned as error:
            raise SignatureRefused(reason=str(error)) from None
        method, query = environ["REQUEST_METHOD"], signed_request.query(environ)
        for path in signed_request.paths(environ):
            message = sdk_signature.Message(method, path, query, headers, body_hash)
            if sdk_signature.is_valid(credential.secret, message, authorization):
                return credential
        raise SignatureRefused(reason="it does not fit the request and the access key's secret")

    def _check_date(self, date: bytes) -> None:
        try:
            signed = datetime.datetime.strptime(date.decode().strip(), "%Y%m%dT%H%M%SZ")
        except ValueError:
            raise SignatureRefused(reason="X-Sdk-Date is not YYYYMMDDTHHMMSSZ") from None
        if abs(self._clock() - signed.replace(tzinfo=datetime.UTC)) > _SKEW:
            raise SignatureRefused(
                reason="X-Sdk-Date is more than 15 minutes away from the service's clock"
            )

    def _watched(self, access_key: str, start_response: StartResponse) -> StartResponse:
        """Ask Keystone again for a token that is not accepted any more."""

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            if status.startswith("401") and self._credentials is not None:
                self._credentials.forget(access_key)
            return start_response(status, headers, *error)

        return start


def _take_token(environ: Environ) -> bool:
    """Use the token that came along, if one did."""
    given = environ.pop("HTTP_X_SECURITY_TOKEN", "").strip()
    usual = environ.get("HTTP_X_AUTH_TOKEN", "").strip()
    if given and usual and given != usual:
        raise TwoTokens
    if given:
        environ["HTTP_X_AUTH_TOKEN"] = given
    return bool(given or usual)


def _check_project(environ: Environ, credential: ec2.Credential) -> None:
    given = environ.get("HTTP_X_PROJECT_ID")
    if given is not None and given.strip() != credential.project_id:
        raise OtherProject(project_id=credential.project_id)


def _refuse(error: Exception, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    if not isinstance(error, exceptions.ImsError):
        error = SignatureRefused(reason="the request is not made of bytes")
    # Not the message: it may repeat what was sent.
    LOG.info("Refused %s: %s", environ.get("REQUEST_METHOD"), type(error).__name__)
    denied = isinstance(error, Unauthenticated | ec2.AccessDenied)
    status = 401 if denied else errors.status_of(error)
    if isinstance(error, ec2.SignatureUnchecked):
        LOG.error("%s", error)
    response = errors.worded(status, error.code, str(error))
    response.headers["x-openstack-request-id"] = oslo_context.generate_request_id()
    if denied:
        response.headers["WWW-Authenticate"] = sdk_signature.ALGORITHM
    answer: Iterable[bytes] = response(environ, start_response)
    return answer


def make(conf: cfg.ConfigOpts, app: App) -> Signature:
    """The filter in front of *app*."""
    ims_conf.register_opts(conf)
    options = conf.ims_signature
    credentials = ec2.Ec2Credentials(conf) if options.enabled else None
    return Signature(app, credentials, options.max_body_mib)


def filter_factory(
    _global_conf: Mapping[str, str], **_local_conf: str
) -> Callable[[App], Signature]:
    """Make the filter from a paste file, with Glance's own configuration."""
    return lambda app: make(cfg.CONF, app)
