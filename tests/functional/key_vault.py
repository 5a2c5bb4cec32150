# SPDX-License-Identifier: Apache-2.0
"""A working key manager for Castellan whose keys are files, so that a test can reach them too.

It is a key manager in everything that matters here: keys have bytes, owners, names and an access
list, and it can be away. Glance, in its own process, uses :class:`VaultKeyManager`; a test uses
:class:`Vault` on the same directory.
"""

import dataclasses
import json
import os
import secrets
import time
import uuid
from pathlib import Path
from typing import Any

from castellan.common import exception as castellan_exceptions
from castellan.common.credentials import keystone_password
from castellan.common.objects import managed_object, opaque_data, symmetric_key, x_509
from castellan.key_manager import key_manager
from oslo_config import cfg

BACKEND = f"{__name__}.VaultKeyManager"


@dataclasses.dataclass
class Key:
    """A key as it is kept.

    :ivar project: its owner
    :ivar members: whether all of the project may read it
    :ivar service: whether the service that stores images may read it
    """

    id: str
    project: str
    name: str | None
    algorithm: str
    secret: str
    created: int
    members: bool = True
    service: bool = True


class Vault:
    """The keys in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True)

    def make(
        self, project: str, name: str | None = None, bits: int = 256, algorithm: str = "AES"
    ) -> str:
        """Make a key and return its id."""
        key = Key(
            id=str(uuid.uuid4()),
            project=project,
            name=name,
            algorithm=algorithm,
            secret=secrets.token_hex(bits // 8),
            created=time.time_ns() // 1000,
        )
        self.put(key)
        return key.id

    def store(self, project: str, algorithm: str, secret: bytes, name: str | None = None) -> str:
        """Keep something else, as a ``certificate`` in DER, and return its id."""
        key_id = str(uuid.uuid4())
        self.put(Key(key_id, project, name, algorithm, secret.hex(), time.time_ns() // 1000))
        return key_id

    def change(self, key_id: str, **changes: Any) -> None:
        """Change a key: ``members=False`` or ``service=False`` shuts somebody out."""
        self.put(dataclasses.replace(self.get(key_id), **changes))

    def delete(self, key_id: str) -> None:
        """Delete a key for good."""
        self._path(key_id).unlink()

    def get(self, key_id: str) -> Key:
        """The key.

        :raises KeyError: if there is none
        """
        try:
            return Key(**json.loads(self._path(key_id).read_text()))
        except FileNotFoundError:
            raise KeyError(key_id) from None

    def keys(self, project: str | None = None) -> list[Key]:
        """All keys, or those of a project, oldest first."""
        found = [self.get(path.stem) for path in self._directory.glob("*.json")]
        found.sort(key=lambda key: key.created)
        return [key for key in found if project in (None, key.project)]

    @property
    def away(self) -> bool:
        """Whether the key manager gives no answer at all; can be set."""
        return self._switch.exists()

    @away.setter
    def away(self, value: bool) -> None:
        if value:
            self._switch.touch()
        else:
            self._switch.unlink(missing_ok=True)

    @property
    def _switch(self) -> Path:
        return self._directory / "away"

    def _path(self, key_id: str) -> Path:
        return self._directory / f"{key_id}.json"

    @property
    def questions(self) -> int:
        """How many times something was asked of the key manager."""
        return self._log.stat().st_size if self._log.exists() else 0

    def note_question(self) -> None:
        with self._log.open("a") as log:
            log.write(".")

    @property
    def _log(self) -> Path:
        return self._directory / "questions"

    def put(self, key: Key) -> None:
        """Keep *key* as it is."""
        # Glance may be reading it.
        path = self._path(key.id)
        temporary = path.with_suffix(f".{secrets.token_hex(4)}")
        temporary.write_text(json.dumps(dataclasses.asdict(key)))
        os.replace(temporary, path)


class VaultKeyManager(key_manager.KeyManager):
    """The vault through Castellan: callers by their project, the service by its password."""

    def __init__(self, configuration: cfg.ConfigOpts | None) -> None:
        conf = configuration or cfg.CONF
        conf.register_opts([cfg.StrOpt("directory")], group="key_vault")
        self._vault = Vault(Path(conf.key_vault.directory))

    def create_key(self, context, algorithm, length, expiration=None, name=None):
        self._check_answers()
        return self._vault.make(self._project(context), name, length, algorithm)

    def get(self, context, managed_object_id, metadata_only=False):
        self._check_answers()
        try:
            key = self._vault.get(managed_object_id)
        except KeyError:
            raise castellan_exceptions.ManagedObjectNotFoundError(uuid=managed_object_id) from None
        if not self._may_read(context, key):
            raise castellan_exceptions.Forbidden(reason="not on the access list")
        return _castellan_object(key, metadata_only)

    def list(self, context, object_type=None, metadata_only=False):
        self._check_answers()
        keys = self._vault.keys(self._project(context))
        return [_castellan_object(key, metadata_only) for key in keys]

    def delete(self, context, managed_object_id, force=False):
        self.get(context, managed_object_id)
        self._vault.delete(managed_object_id)

    def create_key_pair(self, context, algorithm, length, expiration=None, name=None):
        raise NotImplementedError

    def store(self, context, managed_object, expiration=None):
        self._check_answers()
        return self._vault.store(
            self._project(context),
            managed_object.algorithm,
            managed_object.get_encoded(),
            managed_object.name,
        )

    def add_consumer(self, context, managed_object_id, consumer_data):
        raise NotImplementedError

    def remove_consumer(self, context, managed_object_id, consumer_data):
        raise NotImplementedError

    def _check_answers(self) -> None:
        self._vault.note_question()
        if self._vault.away:
            raise castellan_exceptions.KeyManagerError(reason="connection refused")

    def _may_read(self, context: Any, key: Key) -> bool:
        if isinstance(context, keystone_password.KeystonePassword):
            return key.service
        return key.members and self._project(context) == key.project

    def _project(self, context: Any) -> str:
        if not getattr(context, "project_id", None):
            raise castellan_exceptions.Forbidden(reason="no project")
        return str(context.project_id)


def _castellan_object(key: Key, metadata_only: bool) -> managed_object.ManagedObject:
    secret = None if metadata_only else bytes.fromhex(key.secret)
    if key.algorithm == "certificate":
        return x_509.X509(secret, name=key.name, created=key.created, id=key.id)
    if key.algorithm == "opaque":
        return opaque_data.OpaqueData(secret, name=key.name, created=key.created, id=key.id)
    return symmetric_key.SymmetricKey(
        key.algorithm,
        len(key.secret) * 4,
        secret,
        name=key.name,
        created=key.created,
        id=key.id,
    )
