# SPDX-License-Identifier: Apache-2.0
"""What of Barbican lies outside Castellan's interface: access lists, and finding keys by name.

Castellan lists only the first ten secrets of a project and knows no access lists. (Octavia opens
its tenants' certificates to itself in the same way, through the caller's token.)
"""

import functools
from collections.abc import Callable
from typing import Any

from barbicanclient import client as barbican_client
from castellan.common import exception as castellan_exceptions
from castellan.common import utils as castellan_utils
from castellan.key_manager.barbican_key_manager import BarbicanKeyManager
from keystoneauth1 import plugin, session
from oslo_config import cfg
from oslo_context.context import RequestContext

from ims_glance.clouds import sessions
from ims_glance.conf import ims_service

_GROUP = "barbican"
_PAGE = 100


class _Bearer(plugin.BaseAuthPlugin):
    """A token as it is, for one service.

    keystoneauth's own plugin asks Keystone for another token first, which Keystone does not give for
    one that was got with an access key or an application credential.
    """

    def __init__(
        self, token: str, endpoint: Callable[[], str | None], settle: Callable[[Any], None]
    ) -> None:
        super().__init__()
        self._token = token
        self._endpoint = endpoint
        self._settle = settle

    def get_token(self, session: Any) -> str:
        """The token."""
        self._settle(session)
        return self._token

    def get_endpoint(self, session: Any, **kwargs: Any) -> str | None:
        """Where the service is."""
        return self._endpoint()


class _Caller(RequestContext):
    """A caller for Castellan, which asks a context for its plugin if it has one."""

    def __init__(self, context: RequestContext, auth: plugin.BaseAuthPlugin) -> None:
        super().__init__(
            auth_token=context.auth_token,
            user_id=context.user_id,
            project_id=context.project_id,
            # Castellan needs it for nothing but itself: the thread's own context stays.
            overwrite=False,
        )
        self._auth = auth

    def get_auth_plugin(self) -> plugin.BaseAuthPlugin:
        """What a session of the caller authenticates with."""
        return self._auth


def ask_once(manager: Any) -> None:
    """Have Castellan ask Barbican once for what a secret is, and once for its bytes.

    barbicanclient takes a secret for one that it has not asked for as long as it knows no name of it, and
    asks again for each of its attributes (``Secret._fill_lazy_properties``); of a key without a name, as
    ``openstack secret order create`` makes it, Castellan looks at more than a dozen.

    :param manager: a ``BarbicanKeyManager``
    """
    find = manager._get_secret

    def found(*positional: Any, **named: Any) -> Any:
        secret = find(*positional, **named)
        if not secret.name:
            # All is there now, that it has no name as well.
            secret._fill_lazy_properties = lambda: None
        return secret

    manager._get_secret = found


class Barbican:
    """A client with the endpoints and credentials of ``[barbican]`` and ``[key_manager]``.

    Its methods let the errors of barbicanclient and keystoneauth through, and raise Castellan's
    ``Forbidden`` if the caller has no token.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        # Castellan registers the options of [key_manager] when it first makes a credential, and
        # those of [barbican] when it makes this object; we read both, at times before it does.
        conf.register_opts(castellan_utils.credential_opts, group=castellan_utils.OPT_GROUP)
        BarbicanKeyManager(conf)
        # Castellan has the option, and does not heed it.
        conf.set_default("timeout", ims_service.TIMEOUT, group=_GROUP)

    @functools.cached_property
    def service_user_id(self) -> str:
        """Keystone id of the user that keys are opened to: the one that reads them."""
        return str(self._conf.ims_kms.service_user_id or self.login_user_id)

    @property
    def login_user_id(self) -> str:
        """Keystone id of the user of ``[key_manager]``."""
        return str(self._service.get_user_id())

    @functools.cached_property
    def _service(self) -> session.Session:
        return self._session(self._login)

    @functools.cached_property
    def _login(self) -> sessions.Password:
        options = self._conf.key_manager
        return sessions.Password(
            self._conf.barbican.timeout,
            auth_url=options.auth_url,
            username=options.username,
            password=options.password,
            user_id=options.user_id,
            user_domain_id=options.user_domain_id,
            user_domain_name=options.user_domain_name,
            trust_id=options.trust_id,
            domain_id=options.domain_id,
            domain_name=options.domain_name,
            project_id=options.project_id,
            project_name=options.project_name,
            project_domain_id=options.project_domain_id,
            project_domain_name=options.project_domain_name,
            reauthenticate=options.reauthenticate,
        )

    @functools.cached_property
    def _endpoint(self) -> str | None:
        options = self._conf.barbican
        if options.barbican_endpoint:
            return str(options.barbican_endpoint)
        return self._service.get_endpoint(
            service_type="key-manager",
            interface=options.barbican_endpoint_type,
            region_name=options.barbican_region_name,
        )

    @functools.cached_property
    def service(self) -> RequestContext:
        """The service's user as a caller, who logs in when needed and not with each request.

        Castellan logs in anew for each key that is read with a credential of its own, which costs
        Keystone the hash of a password, made to be dear.
        """
        return _Caller(RequestContext(overwrite=False), self._login)

    def caller(self, context: RequestContext) -> RequestContext:
        """*context* for Castellan: with its token used as it is."""
        return _Caller(context, self._auth(context))

    def _auth(self, context: RequestContext) -> plugin.BaseAuthPlugin:
        if isinstance(context, _Caller):
            return context.get_auth_plugin()
        if not context.auth_token:
            raise castellan_exceptions.Forbidden("the caller has no token")
        settle = functools.partial(
            sessions.settle,
            timeout=self._conf.barbican.timeout,
            request_id=sessions.request_id(context),
        )
        return _Bearer(context.auth_token, lambda: self._endpoint, settle)

    def key_ids(self, context: RequestContext, name: str) -> list[str]:
        """Ids of the active 256-bit AES keys of the caller's project called *name*, oldest first."""
        client = self._client(context)
        found: list[Any] = []
        while True:
            page = client.secrets.list(limit=_PAGE, offset=len(found), name=name)
            found.extend(page)
            if len(page) < _PAGE:
                break
        usable = [
            secret
            for secret in found
            if secret.status == "ACTIVE"
            and secret.secret_type == "symmetric"
            and secret.bit_length == 256
        ]
        usable.sort(key=lambda secret: (str(secret.created), secret.secret_ref))
        return [secret.secret_ref.rpartition("/")[2] for secret in usable]

    def allow_read(self, context: RequestContext, key_id: str, user_id: str) -> None:
        """Let *user_id* read the key as well, with the caller's right to say so."""
        acl = self._client(context).acls.get(key_id, ref_type="secret")
        read = acl.get("read")
        if read is None:
            acl.add_operation_acl(users=[user_id], project_access=True, operation_type="read")
        elif user_id in read.users:
            return
        else:
            read.users = [*read.users, user_id]
        acl.submit()

    def _session(self, auth: Any) -> session.Session:
        options = self._conf.barbican
        verify = options.verify_ssl and (options.verify_ssl_path or True)
        made = session.Session(auth=auth, verify=verify)
        sessions.settle(made, options.timeout)
        return made

    def _client(self, context: RequestContext) -> Any:
        options = self._conf.barbican
        return barbican_client.Client(
            version=options.barbican_api_version,
            session=self._session(self._auth(context)),
            endpoint=self._endpoint,
            interface=options.barbican_endpoint_type,
            region_name=options.barbican_region_name,
        )
