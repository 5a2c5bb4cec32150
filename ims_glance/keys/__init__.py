# SPDX-License-Identifier: Apache-2.0
"""Keys of the key manager, through Castellan.

There are two sides. With the *caller's* token it is asked whether the caller may use a key, the
key is opened to the service, and a project's default key is made. With the *service's* credentials
(``[key_manager]``) keys are read when data is written or read: an image outlives the token that it
was made with, and is read by whoever Glance's policy allows.

No key material is logged or put into an exception.
"""

import contextlib
import datetime
import json
import logging
import re
import secrets
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from castellan import key_manager
from castellan.common import exception as castellan_exceptions
from castellan.common import utils as castellan_utils
from castellan.common.credentials import keystone_password
from castellan.common.objects import symmetric_key
from keystoneauth1 import exceptions as keystone_exceptions
from oslo_config import cfg
from oslo_context.context import RequestContext

from ims_glance import conf as ims_conf
from ims_glance import exceptions, metrics
from ims_glance.clouds import coordination
from ims_glance.clouds.barbican import Barbican, ask_once
from ims_glance.keys import failures
from ims_glance.keys.cache import KeyCache

LOG = logging.getLogger(__name__)

KEY_BITS = 256
# Name of the key that a rehearsal makes, and how long it lives at most.
_REHEARSAL = "ims-manage status"
_REHEARSAL_ENDS = datetime.timedelta(minutes=10)
_KEY_ID = re.compile(r"[0-9a-fA-F-]{32,36}")


class OpenedToSomebodyElse(exceptions.ImsError):
    """The user that keys are opened to is not the one that reads them."""

    template = (
        "[ims_kms] service_user_id is {configured}, but the user of [key_manager] is {user_id}: "
        "tenants' keys would be opened to the one, and read by the other. Say the same user in both."
    )


class KeyManager:
    """The key manager as the encrypting store and the guard need it. Thread-safe.

    :param conf: with ``[key_manager]`` and ``[barbican]`` as Castellan wants them
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        ims_conf.register_opts(conf)
        self._conf = conf
        self._castellan = key_manager.API(conf)
        self._is_barbican = "barbican" in str(conf.key_manager.backend).lower()
        if self._is_barbican:
            ask_once(self._castellan)
        self._barbican = Barbican(conf)
        self._cache = KeyCache(conf.ims_kms.cache_size, conf.ims_kms.cache_seconds)

    def canonical(self, key_id: str) -> str:
        """The one spelling of a key's id.

        Barbican finds a key without the dashes of its id, too; one key must not look like two.

        :param key_id: a UUID, with or without dashes
        """
        return str(uuid.UUID(key_id)) if self._is_barbican else key_id

    def wrapping_key(self, key_id: str) -> bytes:
        """The 32 bytes of a key, read with the service's credentials and remembered for a while.

        To open what is there: for so long it can still be read after the key was deleted.

        :raises KeyNotFound: if there is none
        :raises ServiceKeyDenied: if the service may not read it
        :raises KeyUnusable: if it is no 256-bit AES key
        :raises KeyManagerUnavailable: if the key manager, or Keystone, gives no answer
        """
        key = self._cache.find(key_id)
        return self.present_key(key_id) if key is None else key

    def present_key(self, key_id: str) -> bytes:
        """The same, never from memory: it proves that the key is there now.

        To be asked by whoever is about to write something that only this key will open: under a key
        that was deleted a moment ago nobody could ever read it.

        :raises KeyNotFound, ServiceKeyDenied, KeyUnusable, KeyManagerUnavailable: as
            :meth:`wrapping_key`
        """
        key = self._read(self._service_credential(), key_id, exceptions.ServiceKeyDenied)
        self._cache.remember(key_id, key)
        return key

    def check_usable(self, context: RequestContext, key_id: str) -> None:
        """Check that the caller may encrypt with a key, by reading it as the caller.

        :raises KeyNotFound: if there is none
        :raises KeyDenied: if the caller may not read it
        :raises KeyUnusable: if it is no 256-bit AES key
        :raises KeyManagerUnavailable: if the key manager, or Keystone, gives no answer
        """
        self.caller_key(context, key_id)

    def caller_key(self, context: RequestContext, key_id: str) -> bytes:
        """The 32 bytes of a key, read as the caller and remembered nowhere: to open what they bring.

        :raises KeyNotFound, KeyDenied, KeyUnusable, KeyManagerUnavailable: as :meth:`check_usable`
        """
        with self._translated(key_id, exceptions.KeyDenied):
            caller = self._caller(context)
        return self._read(caller, key_id, exceptions.KeyDenied)

    def open_to_service(self, context: RequestContext, key_id: str) -> None:
        """Make sure that the service can read a key now, granting it read access as the caller.

        :raises ServiceKeyDenied: if it cannot, and the caller may not grant it
        :raises KeyNotFound, KeyUnusable, KeyManagerUnavailable: as :meth:`wrapping_key`
        """
        try:
            # Not from memory, which may be of before the access was withdrawn, or the key deleted.
            self.present_key(key_id)
            return
        except exceptions.ServiceKeyDenied:
            if not self._is_barbican:
                raise
        user_id = self._service_user_id()
        with self._call("allow", key_id, exceptions.ServiceKeyDenied):
            self._barbican.allow_read(context, key_id, user_id)
        LOG.info("Key %s may now be read by the Image service (user %s)", key_id, user_id)
        self.present_key(key_id)

    def default_key(self, context: RequestContext) -> str:
        """Id of the default key of the caller's project, made if there is none yet.

        :raises KeyDenied: if the caller may not list or make keys
        :raises KeyManagerUnavailable: if the key manager or Keystone gives no answer
        :raises CoordinationUnavailable: if the coordination backend gives none
        """
        found = self.find_default_key(context)
        if found:
            return found
        with coordination.lock(self._conf, "key", str(context.project_id)):
            found = self.find_default_key(context)
            if found:
                return found
            name = self._conf.ims_kms.default_key_name
            with self._call("make", name, exceptions.KeyDenied):
                caller = self._caller(context)
                key_id = self._castellan.create_key(caller, "AES", KEY_BITS, name=name)
        LOG.info("Made default key %s of project %s", key_id, context.project_id)
        return key_id

    def find_default_key(self, context: RequestContext) -> str | None:
        """Id of the default key of the caller's project, if there is one.

        :raises KeyDenied: if the caller may not list keys
        :raises KeyManagerUnavailable: if the key manager or Keystone gives no answer
        """
        return next(iter(self._default_keys(context)), None)

    def key_name(self, key_id: str) -> str | None:
        """The name of a key, read with the service's credentials; ``None`` if it has none.

        :raises KeyNotFound: if there is none
        :raises ServiceKeyDenied: if the service may not read it
        :raises KeyManagerUnavailable: if the key manager, or Keystone, gives no answer
        """
        if not _KEY_ID.fullmatch(key_id):
            raise exceptions.KeyNotFound(key_id=key_id)
        service = self._service_credential()
        with self._call("read", key_id, exceptions.ServiceKeyDenied):
            name: str | None = self._castellan.get(service, key_id, metadata_only=True).name
        return name

    def rehearse(self) -> bool:
        """Do as the service what tenants and the service do with keys: make, open and read one.

        It is deleted again, and soon expires, should this process die before that.

        :returns: whether the service's user may make keys, which it need not
        :raises KeyManagerUnavailable: if the key manager, or Keystone, gives no answer
        :raises Forbidden, Invalid, NotFound: if a key that was made cannot be read or deleted
        :raises OpenedToSomebodyElse: if the service cannot read what is opened to it
        """
        service = self._service_credential()
        context = service
        if self._is_barbican:
            context = self._barbican.service
            with self._translated(_REHEARSAL, exceptions.ServiceKeyDenied):
                self._check_user()
        # Whether it may list them, or not.
        with contextlib.suppress(exceptions.KeyDenied):
            self._default_keys(context)
        key = secrets.token_bytes(KEY_BITS // 8)
        end = datetime.datetime.now(datetime.UTC) + _REHEARSAL_ENDS
        try:
            with self._translated(_REHEARSAL, exceptions.ServiceKeyDenied):
                made = symmetric_key.SymmetricKey("AES", KEY_BITS, key, name=_REHEARSAL)
                expiration = end.replace(tzinfo=None).isoformat(timespec="seconds")
                key_id = self._castellan.store(context, made, expiration=expiration)
        except exceptions.ServiceKeyDenied:
            return False
        try:
            with self._translated(key_id, exceptions.ServiceKeyDenied):
                if self._is_barbican:
                    self._barbican.allow_read(context, key_id, self._service_user_id())
            if self._read(service, key_id, exceptions.ServiceKeyDenied) != key:
                raise exceptions.KeyUnusable(key_id=key_id, reason="it is not what was stored")
        finally:
            with self._translated(key_id, exceptions.ServiceKeyDenied):
                self._castellan.delete(context, key_id)
        return True

    def _check_user(self) -> None:
        configured, user_id = self._barbican.service_user_id, self._barbican.login_user_id
        if configured != user_id:
            raise OpenedToSomebodyElse(configured=configured, user_id=user_id)

    def _default_keys(self, context: RequestContext) -> list[str]:
        name = self._conf.ims_kms.default_key_name
        with self._call("list", name, exceptions.KeyDenied):
            if self._is_barbican:
                return self._barbican.key_ids(context, name)
            listed = self._castellan.list(context, symmetric_key.SymmetricKey, metadata_only=True)
            named = [key for key in listed if key.name == name]
            return [str(key.id) for key in sorted(named, key=lambda key: (key.created, key.id))]

    def _read(self, context: Any, key_id: str, denied: type[exceptions.Forbidden]) -> bytes:
        if not _KEY_ID.fullmatch(key_id):
            raise exceptions.KeyNotFound(key_id=key_id)
        with self._call("read", key_id, denied):
            try:
                found = self._castellan.get(context, key_id)
                # Barbican sends the bytes only when they are asked for, so inside the "with".
                encoded = found.get_encoded()
            except json.JSONDecodeError:
                # No answer of a key manager.
                raise
            except ValueError:
                # Castellan could not read a certificate, or a key of another kind.
                raise exceptions.KeyUnusable(
                    key_id=key_id, reason="it is not a symmetric key"
                ) from None
        if not isinstance(found, symmetric_key.SymmetricKey):
            raise exceptions.KeyUnusable(key_id=key_id, reason="it is not a symmetric key")
        if str(found.algorithm or "AES").upper() != "AES":
            raise exceptions.KeyUnusable(key_id=key_id, reason=f"it is for {found.algorithm}")
        if encoded is None or len(encoded) * 8 != KEY_BITS:
            raise exceptions.KeyUnusable(key_id=key_id, reason="it has not 256 bits")
        return bytes(encoded)

    def _caller(self, context: RequestContext) -> RequestContext:
        return self._barbican.caller(context) if self._is_barbican else context

    def _service_credential(self) -> Any:
        try:
            credential = castellan_utils.credential_factory(self._conf)
        except castellan_exceptions.CastellanException as error:
            raise exceptions.KeyManagerUnavailable(
                reason=f"[key_manager] has no usable credentials: {error}"
            ) from None
        logs_in = isinstance(credential, keystone_password.KeystonePassword)
        if not self._is_barbican or not logs_in:
            return credential
        self._check_login()
        return self._barbican.service

    def _check_login(self) -> None:
        """Check that what a login needs is configured: keystoneauth fails without saying what is not."""
        options = self._conf.key_manager
        given = {
            "auth_url": options.auth_url,
            "username": options.username or options.user_id,
            "password": options.password,
        }
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise exceptions.KeyManagerUnavailable(
                reason=f"the operator has to set {' and '.join(missing)} in [key_manager]"
            )

    def _service_user_id(self) -> str:
        try:
            return self._barbican.service_user_id
        except keystone_exceptions.ClientException as error:
            raise exceptions.KeyManagerUnavailable(
                reason=f"Keystone does not know the service's user ({type(error).__name__})"
            ) from None

    @contextlib.contextmanager
    def _translated(self, key_id: str, denied: type[exceptions.Forbidden]) -> Iterator[None]:
        """Turn whatever Castellan and its clients raise into our errors.

        They have no common base, so all are caught; none is swallowed.
        """
        try:
            yield
        except exceptions.ImsError:
            raise
        except Exception as error:
            raise self._translate(error, key_id, denied) from None

    @contextlib.contextmanager
    def _call(
        self, operation: str, key_id: str, denied: type[exceptions.Forbidden]
    ) -> Iterator[None]:
        """The same for one call of the key manager, which is counted."""
        with metrics.key_manager_call(operation), self._translated(key_id, denied):
            yield

    def _translate(
        self, error: Exception, key_id: str, denied: type[exceptions.Forbidden]
    ) -> exceptions.ImsError:
        kind, reason = failures.classify(error)
        by_service = denied is exceptions.ServiceKeyDenied
        if kind is failures.FailureKind.MISSING:
            return exceptions.KeyNotFound(key_id=key_id)
        if kind is failures.FailureKind.UNAUTHENTICATED and by_service:
            return exceptions.KeyManagerUnavailable(reason="it refuses the service's credentials")
        if kind is failures.FailureKind.OTHER:
            LOG.error("The key manager failed for key %s: %s", key_id, reason)
            return exceptions.KeyManagerUnavailable(reason=reason)
        if by_service:
            service_user = self._conf.ims_kms.service_user_id or self._conf.key_manager.username
            return denied(key_id=key_id, service_user=service_user)
        return denied(key_id=key_id)


_OF_PROCESS: dict[int, tuple[cfg.ConfigOpts, KeyManager]] = {}
_OF_PROCESS_LOCK = threading.Lock()


def of_process(conf: cfg.ConfigOpts) -> KeyManager:
    """The process's key manager for *conf*: its cache is shared by all that use keys."""
    with _OF_PROCESS_LOCK:
        # A ConfigOpts cannot be hashed; kept beside its manager, its id stays its own.
        if id(conf) not in _OF_PROCESS:
            _OF_PROCESS[id(conf)] = (conf, KeyManager(conf))
        return _OF_PROCESS[id(conf)][1]
