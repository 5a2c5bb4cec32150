# SPDX-License-Identifier: Apache-2.0
"""EC2 credentials of Keystone: the secret behind an access key, and a token of its owner.

Keystone tells the secret to whom may read all credentials, and gives a token for a request that was
signed with it (``keystone/api/credentials.py``, ``keystone/api/ec2tokens.py``). The service does
both with the user of ``[ims_signature]``. Such a token is its owner's, with their roles in the
credential's project; Keystone itself does not accept it, so nobody can make trusts or credentials
with it.

Nothing here is ever logged: keystoneauth would write bodies into the log at level DEBUG.
"""

import dataclasses
import datetime
import functools
import hashlib
import threading
import time
from typing import Any

import cachetools
import requests
from keystoneauth1 import access, adapter, identity, plugin
from keystoneauth1 import exceptions as auth_exceptions
from oslo_config import cfg
from oslo_serialization import jsonutils

from ims_glance import exceptions
from ims_glance.clouds import sessions
from ims_glance.conf import ims_signature
from ims_glance.crypto import aws_signature

# A token with less time left is not used any more; seconds.
_MARGIN = 120
# Before a refusal is believed; seconds.
_PAUSES = (0.05, 0.1, 0.2, 0.4)


class AccessDenied(exceptions.ImsError):
    """There is no such credential, or Keystone gives its owner no token (IMS: "AKSK")."""

    code = "IMG.0037"
    template = (
        "The access key is not valid: {reason}. Make one with 'openstack ec2 credentials create'."
    )


class SignatureUnchecked(exceptions.Unavailable):
    """Keystone gave no usable answer."""

    template = "The Identity service cannot check the signature ({reason}). Try again later."


@dataclasses.dataclass
class Credential:
    """An EC2 credential, for as long as it is remembered.

    :ivar grant: the token of its owner and what Keystone said with it
        (``keystoneauth1.access.AccessInfo``), if one was asked for already
    """

    access: str
    secret: str = dataclasses.field(repr=False)
    user_id: str
    project_id: str
    grant: Any = dataclasses.field(default=None, repr=False)
    mutex: threading.Lock = dataclasses.field(default_factory=threading.Lock, repr=False)


class Ec2Credentials:
    """Credentials and tokens, asked from Keystone with the user of ``[ims_signature]``.

    It connects when it is first asked, so that it may be made before processes are forked.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        options = conf[ims_signature.GROUP]
        self._known: cachetools.TTLCache[str, Credential] = cachetools.TTLCache(
            options.cache_size, options.cache_seconds
        )
        self._mutex = threading.Lock()
        self._failure = sessions.SharedFailure()

    def find(self, access_key: str) -> Credential:
        """The credential of an access key.

        :raises AccessDenied: if there is none
        :raises SignatureUnchecked: if Keystone is away, or does not let the service read it
        """
        with self._mutex:
            known = self._known.get(access_key)
        if known is not None:
            return known
        found = self._fetch(access_key)
        with self._mutex:
            return self._known.setdefault(access_key, found)

    def grant(self, credential: Credential) -> Any:
        """A token of the credential's owner in its project (``keystoneauth1.access.AccessInfo``).

        It is remembered no longer than the credential itself.

        :raises AccessDenied: if the credential is gone, or its owner has no role in the project
        :raises SignatureUnchecked: see :meth:`find`
        """
        with credential.mutex:
            if credential.grant is None or credential.grant.will_expire_soon(_MARGIN):
                credential.grant = self._issue(credential)
            return credential.grant

    def forget(self, access_key: str) -> None:
        """Ask Keystone the next time."""
        with self._mutex:
            self._known.pop(access_key, None)

    def _fetch(self, access_key: str) -> Credential:
        # Keystone's id of an EC2 credential (keystone/common/utils.py:hash_access_key).
        credential_id = hashlib.sha256(access_key.encode()).hexdigest()
        response = self._ask("GET", f"/credentials/{credential_id}")
        if response.status_code == 404:
            raise AccessDenied(reason="there is no such credential")
        try:
            found = response.json()["credential"]
            kind, blob = found["type"], found["blob"]
            user_id, project_id = found["user_id"], found["project_id"]
        except (KeyError, TypeError, ValueError):
            raise SignatureUnchecked(reason=_status(response)) from None
        secret = _secret(blob, access_key)
        if kind != "ec2" or secret is None or not project_id:
            raise AccessDenied(reason="there is no such credential")
        return Credential(access_key, secret, user_id, project_id)

    def _issue(self, credential: Credential) -> Any:
        signed = aws_signature.ec2_credentials(
            credential.access, credential.secret, datetime.datetime.now(datetime.UTC)
        )
        response = self._ask("POST", "/ec2tokens", json={"credentials": signed})
        if response.status_code in (401, 404):
            self.forget(credential.access)
            raise AccessDenied(reason="Keystone gives no token for it")
        try:
            response.raise_for_status()
            grant = access.AccessInfoV3(response.json(), response.headers["X-Subject-Token"])
        except (KeyError, ValueError, requests.HTTPError):
            raise SignatureUnchecked(reason=_status(response)) from None
        return grant

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        """Keystone's answer.

        Keystone 30 now and then takes a token for a delegated one and refuses it: its middleware
        keeps the token of a request in an attribute that all its threads share
        (``keystone/server/flask/request_processing/middleware/auth_context.py``). Measured: one
        refusal in sixteen while it handled trusts. So only a repeated refusal is believed.
        """
        response = self._ask_once(method, path, **request)
        for pause in _PAUSES:
            if response.status_code != 403:
                break
            time.sleep(pause)
            response = self._ask_once(method, path, **request)
        return response

    def _ask_once(self, method: str, path: str, **request: Any) -> Any:
        try:
            ask = self._failure.around(self._keystone.request)
            return ask(path, method, raise_exc=False, log=False, **request)
        except auth_exceptions.ClientException as error:
            raise SignatureUnchecked(reason=type(error).__name__) from None

    @functools.cached_property
    def _keystone(self) -> adapter.Adapter:
        group = ims_signature.GROUP
        return adapter.Adapter(
            sessions.load(self._conf, group, sessions.load_login(self._conf, group)),
            service_type="identity",
            # Where the service logs in itself: no catalogue is needed for that.
            interface=plugin.AUTH_INTERFACE,  # type: ignore[arg-type]
            version="3",
            connect_retries=1,
        )


class Ec2Auth(identity.base.BaseIdentityPlugin):
    """Lets a keystoneauth session act as the owner of a credential, as long as that exists.

    It gives a new token whenever the last one ran out, and the endpoints of the catalogue.
    """

    def __init__(self, credentials: Ec2Credentials, access_key: str) -> None:
        super().__init__(auth_url=None)
        self._credentials = credentials
        self._access_key = access_key

    def get_auth_ref(self, session: Any, **_kwargs: Any) -> Any:
        """Ask for a token.

        :raises AccessDenied, SignatureUnchecked: see :class:`Ec2Credentials`
        """
        return self._credentials.grant(self._credentials.find(self._access_key))

    def get_access(self, session: Any, **_kwargs: Any) -> Any:
        """The token: looked up every time, for a deleted credential ends it."""
        return self.get_auth_ref(session)

    def invalidate(self) -> bool:
        """Do not use the last token again."""
        self._credentials.forget(self._access_key)
        return bool(super().invalidate())


def _secret(blob: Any, access_key: str) -> str | None:
    """The secret of a credential; ``None`` if it has none that a client could sign with.

    What is in the blob its owner wrote, and Keystone only looked that it is JSON.
    """
    try:
        said = jsonutils.loads(blob)
        is_one, secret = said["access"] == access_key, said["secret"]
        # Half of a surrogate pair is no text.
        is_text = isinstance(secret, str) and bool(secret.encode())
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return secret if is_one and is_text else None


def _status(response: Any) -> str:
    """Why the service itself was refused, for the operator."""
    return f"it answered {response.status_code} to the user of [{ims_signature.GROUP}]"
