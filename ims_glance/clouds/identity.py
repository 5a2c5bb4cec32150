# SPDX-License-Identifier: Apache-2.0
"""Keystone: trusts that callers give to the service, and sessions that use them."""

import functools
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import identity, service_token, token_endpoint
from keystoneauth1.session import Session
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds import ec2, rest, sessions
from ims_glance.clouds.region import Region
from ims_glance.conf import ims_service

_TRUSTS = "/OS-TRUST/trusts"
_EC2 = "ec2:"
_CONFLICT = 409
_GROUP = ims_service.GROUP
# A plugin of keystoneauth has one scope; for a trust-scoped session that is the trust.
_NO_OTHER_SCOPE = dict.fromkeys(
    (
        "project_id",
        "project_name",
        "project_domain_id",
        "project_domain_name",
        "domain_id",
        "domain_name",
        "system_scope",
    )
)


class DelegationRefused(exceptions.Forbidden):
    """Keystone does not let the caller delegate."""

    code = "IMG.0087"
    template = (
        "Your token cannot be delegated to a job: {reason}. Log in with a password or an "
        "unrestricted token (tokens of application credentials and of trusts delegate nothing)."
    )


class MomentTaken(exceptions.Unavailable):
    """The caller had a trust that ends at the same second (Keystone counts deleted ones too)."""

    template = "The Identity service could not tell two delegations apart. Try again."


class _Keystone(rest.Rest):
    """It knows what a token is worth."""

    def _unauthorized(self, reason: str) -> exceptions.ImsError:
        return rest.TokenEnded(reason=reason)


class IdentityUnavailable(exceptions.Unavailable):
    """Keystone is away, or does not know the service's own user."""

    template = "The Identity service is unavailable ({reason}). Try again later."


class NoMarketProject(exceptions.Conflict):
    """The operator named no project for what the service sells."""

    code = "IMG.0105"
    template = (
        "Nothing can be sold here: the operator has to name the project that owns the service's copies "
        "([ims_market] project)."
    )


def market_project(conf: cfg.ConfigOpts) -> str:
    """Name of the project that owns the service's copies of products.

    :raises NoMarketProject: if there is none
    """
    if not conf.ims_market.project:
        raise NoMarketProject
    return str(conf.ims_market.project)


def rights_digest(roles: Iterable[str], login: Iterable[str]) -> str:
    """A digest of what a token can delegate, the same in any order.

    :param roles: their names
    :param login: how its owner logged in (:func:`ims_glance.api.common.tokens.login`)
    """
    both = json.dumps([sorted(set(roles)), sorted(set(login))])
    return hashlib.sha256(both.encode()).hexdigest()


def ec2_grant(access_key: str) -> str:
    """What a caller gives who signed the request with an EC2 credential.

    Keystone makes no trusts for them. The service gets tokens with the credential as long as that
    exists; only its access key is recorded, which is no secret.
    """
    return f"{_EC2}{access_key}"


def is_used(given: str | None, grant: str) -> bool:
    """Whether a token may be of what a caller gave.

    :param given: id of the caller's trust, or :func:`ec2_grant`; ``None`` while it is being made
    :param grant: what the token was made with: the id of a trust, or ``ec2_grant("")``, for tokens
        do not say which EC2 credential they were made with
    """
    if given is None:
        return False
    return given == grant or (grant == _EC2 and given.startswith(_EC2))


def _access_key(grant: str) -> str | None:
    return grant.removeprefix(_EC2) if grant.startswith(_EC2) else None


class Identity:
    """Keystone with the credentials of ``[ims_service]``. It logs in when it is first needed."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    @functools.cached_property
    def service_session(self) -> Session:
        """A session as the service itself."""
        return self._session(self._service_auth)

    @functools.cached_property
    def service_user_id(self) -> str:
        """Id of the service's user.

        :raises IdentityUnavailable: if it cannot log in
        """
        return str(_translated(self.service_session.get_user_id))

    def create_trust(
        self, token: str, user_id: str, project_id: str, roles: Iterable[str], expires_at: str
    ) -> str:
        """Have a caller give the service their roles in a project; the id of the trust.

        :param token: the caller's
        :param expires_at: when it ends, as ``2026-01-02T03:04:05.678901Z``
        :raises DelegationRefused: if Keystone does not let them
        :raises MomentTaken: if it has to end at another second
        :raises Unavailable: if Keystone is away
        """
        wanted = {
            "trustor_user_id": user_id,
            "trustee_user_id": self.service_user_id,
            "project_id": project_id,
            "impersonation": True,
            "allow_redelegation": False,
            "roles": [{"name": role} for role in sorted(set(roles))],
            "expires_at": expires_at,
        }
        keystone = self.as_caller(token)
        try:
            made = keystone.json("POST", _TRUSTS, json={"trust": wanted})
        except (rest.Refused, rest.DelegationEnded) as error:
            if getattr(error, "status", None) == _CONFLICT:
                raise MomentTaken from error
            raise DelegationRefused(reason=error.details["reason"]) from error
        return str(made["trust"]["id"])

    def as_caller(self, token: str) -> rest.Rest:
        """Keystone with a caller's own token."""
        return self._keystone(self._session(token_endpoint.Token(self._url, token)))

    def exchanged(
        self, token: str, project_id: str, context: Any
    ) -> tuple[Session, tuple[str, ...]]:
        """A session with a caller's token for another project of theirs, and their roles there.

        :param token: the caller's; Keystone exchanges none that was delegated
        :param context: of the request that it is for
        :raises DelegationRefused: if Keystone does not exchange it
        :raises Unavailable: if Keystone is away
        """
        auth = identity.v3.Token(self._url, token, project_id=project_id)
        session = self._session(auth, sessions.request_id(context))
        try:
            access = auth.get_access(session)
        except auth_exceptions.HttpError as error:
            if error.http_status >= 500:
                raise IdentityUnavailable(reason=type(error).__name__) from error
            raise DelegationRefused(reason=str(error.message)) from error
        except auth_exceptions.ClientException as error:
            raise IdentityUnavailable(reason=type(error).__name__) from error
        return session, tuple(access.role_names or ())

    def region(self, session: Session) -> Region:
        """The region whose images are served here, as the owner of a session finds it."""
        return Region.of(self._conf, session)

    def session_of(self, grant: str, request_id: str | None = None) -> Session:
        """A session as a caller, with a token of the service beside each of the caller's.

        :param grant: id of their trust, or of their EC2 credential (:func:`ec2_grant`)
        :param request_id: see :func:`ims_glance.clouds.sessions.load`
        """
        access_key = _access_key(grant)
        if access_key is None:
            auth = self._trust_auth(grant)
        else:
            auth = ec2.Ec2Auth(self._ec2_credentials, access_key)
        both = service_token.ServiceTokenAuthWrapper(
            user_auth=auth, service_auth=self._service_auth
        )
        return self._session(both, request_id)

    def session_in(self, project: str, request_id: str | None = None) -> Session:
        """A session as the service itself in a project of its own, with its token beside.

        :param project: its name, in the domain of the project of ``[ims_service]``
        :param request_id: see :func:`ims_glance.clouds.sessions.load`
        """
        scope = {"project_name": project, "project_id": None}
        auth = sessions.load_login(self._conf, _GROUP, **scope)
        both = service_token.ServiceTokenAuthWrapper(
            user_auth=auth, service_auth=self._service_auth
        )
        return self._session(both, request_id)

    def project_id_of(self, session: Session) -> str:
        """Id of the project that a session of the service is for.

        :raises IdentityUnavailable: if it cannot log in
        """
        return str(_translated(session.get_project_id))

    def give_back(self, grant: str) -> None:
        """Delete a trust, as its giver (Keystone lets nobody else); that it is gone is fine.

        An EC2 credential is its owner's own matter, and stays.

        :raises Unavailable: if Keystone is away
        :raises DelegationEnded: if Keystone does not let its giver in any more
        """
        if _access_key(grant) is not None:
            return
        session = self._session(self._trust_auth(grant))
        try:
            self._keystone(session).request("DELETE", f"{_TRUSTS}/{grant}")
        except rest.DelegationEnded:
            if self._exists(grant):
                raise
        except rest.Missing:
            return

    def find_trust(self, user_id: str, expires_at: str) -> str | None:
        """Id of the trust of a giver that ends at that very moment.

        :raises Unavailable: if Keystone is away
        """
        for trust in self._given():
            if trust["trustor_user_id"] == user_id and trust["expires_at"] == expires_at:
                return str(trust["id"])
        return None

    def trusts(self) -> set[str]:
        """Ids of the trusts that callers gave to the service.

        :raises Unavailable: if Keystone is away, or does not let the service itself in
        """
        return {str(trust["id"]) for trust in self._given()}

    def _exists(self, trust_id: str) -> bool:
        return trust_id in self.trusts()

    def _given(self) -> list[dict[str, Any]]:
        """All trusts that the service has."""
        query = {"trustee_user_id": self.service_user_id}
        keystone = self._keystone(self.service_session)
        return list(keystone.json("GET", _TRUSTS, params=query)["trusts"])

    def _keystone(self, session: Session) -> rest.Rest:
        # It has little to do for an answer: the session's own time-out is enough.
        here = Region.of(self._conf, session)
        service = here.adapter("identity", endpoint_override=self._url)
        return _Keystone(service, "Identity", timeout=None)

    @functools.cached_property
    def _url(self) -> str:
        """Keystone's version 3, as the catalogue has it for the service."""
        here = Region.of(self._conf, self.service_session)
        found = here.adapter("identity", min_version="3", max_version="3.latest")
        return str(_translated(found.get_endpoint)).rstrip("/")

    @functools.cached_property
    def _ec2_credentials(self) -> ec2.Ec2Credentials:
        return ec2.Ec2Credentials(self._conf)

    @functools.cached_property
    def _service_auth(self) -> Any:
        return sessions.load_login(self._conf, _GROUP)

    def _trust_auth(self, trust_id: str) -> Any:
        return sessions.load_login(self._conf, _GROUP, trust_id=trust_id, **_NO_OTHER_SCOPE)

    def _session(self, auth: Any, request_id: str | None = None) -> Session:
        return sessions.load(self._conf, _GROUP, auth, request_id)


def _translated(call: Any) -> Any:
    try:
        found = call()
    except auth_exceptions.ClientException as error:
        raise IdentityUnavailable(reason=type(error).__name__) from error
    if not found:
        raise IdentityUnavailable(reason="no endpoint, or no user, in [ims_service]")
    return found
