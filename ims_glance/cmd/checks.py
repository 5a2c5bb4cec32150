# SPDX-License-Identifier: Apache-2.0
"""The self-checks of ``ims-manage status``: what would make encrypted images fail, or leak.

And what would make jobs fail, where there are any.
"""

import configparser
import contextlib
import os
import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from oslo_config import cfg
from oslo_db.exception import DBError
from stevedore import driver as stevedore_driver
from stevedore import exception as stevedore_exceptions
from tooz import ToozError, coordination

from ims_glance import exceptions, keys
from ims_glance.clouds import backups
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.region import Region
from ims_glance.conf import ims_database
from ims_glance.crypto import envelope, stream
from ims_glance.db import migrations
from ims_glance.db.database import Database
from ims_glance.model.image import attributes
from ims_glance.store import driver
from ims_glance.store.inner.base import NAME_PREFIX

OK = "OK"
WARNING = "WARNING"
FAILURE = "FAILURE"

_GUARD_FACTORY = "ims_glance.api.native.guard:filter_factory"
_CACHE_FACTORY = "glance.api.middleware.cache:CacheFilter.factory"
# Bytes that are encrypted and decrypted.
_SEALED = 100
_MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")
# So many attributes are told by name.
_NAMED = 3
# The name of an object that there need not be.
_ANY_OBJECT = f"{NAME_PREFIX}{uuid.UUID(int=0)}"


class CheckResult(NamedTuple):
    """What one check found."""

    level: str
    text: str


def check_driver(_conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Glance can load the driver."""
    try:
        stevedore_driver.DriverManager("glance_store.drivers", driver.SCHEME, invoke_on_load=False)
        yield CheckResult(OK, f"driver {driver.SCHEME} can be loaded")
    except stevedore_exceptions.NoMatches:
        yield CheckResult(
            FAILURE,
            f"driver {driver.SCHEME} cannot be loaded: is ims_glance installed where Glance runs?",
        )


def check_stores(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Every encrypting store has a working inner store, in a place of its own."""
    backends = conf.enabled_backends or {}
    encrypting = [store for store, name in backends.items() if name == driver.SCHEME]
    if not encrypting:
        yield CheckResult(FAILURE, f"enabled_backends lists no {driver.SCHEME} store")
    places: dict[str, str] = {}
    for store_id in encrypting:
        store = driver.Store(conf, store_id)
        try:
            store.configure(re_raise_bsc=True)
            inner = store.load_inner()
            # Whatever has to be asked for it: a disk, a cluster, a service and its credentials.
            next(iter(inner.objects()), None)
            other = places.setdefault(inner.uri(_ANY_OBJECT), store_id)
            if other == store_id:
                yield CheckResult(OK, f"store {store_id} keeps its ciphertext in [{inner.group}]")
            else:
                yield CheckResult(
                    FAILURE,
                    f"stores {other} and {store_id} keep their ciphertext in one place: give each a "
                    "directory, pool, container or bucket of its own",
                )
        except Exception as error:  # boundary: the libraries of four drivers have no common base
            yield CheckResult(FAILURE, f"store {store_id}: {_first_line(error)}")
    default = conf.ims_kms.default_store
    if default and default not in encrypting:
        yield CheckResult(
            FAILURE,
            f"[ims_kms] default_store = {default} is no {driver.SCHEME} store of enabled_backends, "
            "and Glance does not start with it",
        )


def check_pipeline(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Requests pass the guard, and no image cache keeps plaintext."""
    path, flavor = conf.paste_deploy.config_file, conf.paste_deploy.flavor
    try:
        factories = _filter_factories(path, flavor) if path and flavor else []
    except (configparser.Error, UnicodeDecodeError) as error:
        yield CheckResult(FAILURE, f"Glance cannot read {path}: {_first_line(error)}")
        return
    if _GUARD_FACTORY in factories:
        yield CheckResult(OK, f"the guard filter is in the pipeline of flavor {flavor}")
    else:
        yield CheckResult(
            FAILURE,
            "the guard filter is not in Glance's pipeline: set [paste_deploy] flavor = ims and "
            "config_file to ims-glance-paste.ini",
        )
    if _CACHE_FACTORY in factories or "cach" in (flavor or ""):
        conf.import_opt("image_cache_dir", "glance.image_cache")
        yield CheckResult(
            WARNING,
            f"flavor {flavor} has the image cache, which keeps decrypted images in "
            f"{conf.image_cache_dir}",
        )


def check_protections(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Nobody but the service writes what the service says of images.

    The file is copied when ims_glance is installed, and a new version may have new attributes.
    """
    conf.import_opt("property_protection_file", "glance.common.property_utils")
    path = conf.property_protection_file
    found = conf.find_file(path) if path else None
    if path and not found:
        yield CheckResult(FAILURE, f"property_protection_file = {path} is not there")
        return
    try:
        unprotected = _unprotected(found) if found else sorted(attributes.SYSTEM)
    except (configparser.Error, UnicodeDecodeError, re.error) as error:
        yield CheckResult(FAILURE, f"Glance cannot read {path}: {_first_line(error)}")
        return
    if not unprotected:
        yield CheckResult(OK, "attributes of the service are written by the service alone")
        return
    more = f" and {len(unprotected) - _NAMED} more" if len(unprotected) > _NAMED else ""
    yield CheckResult(
        FAILURE,
        f"everybody may write the service's attributes {', '.join(unprotected[:_NAMED])}{more} of "
        "their images: set property_protection_file to a copy of the property-protections.conf of "
        "this ims_glance",
    )


def check_key_manager(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """The key manager answers the service's credentials, and does what is asked of it."""
    manager = keys.KeyManager(conf)
    try:
        with contextlib.suppress(exceptions.KeyNotFound, exceptions.ServiceKeyDenied):
            # It lets us in and says that it has no such key, as it should.
            manager.wrapping_key(str(uuid.uuid4()))
        made = manager.rehearse()
        how = (
            "a key was made, read and deleted"
            if made
            else "its user may make no keys, and need not"
        )
        yield CheckResult(OK, f"the key manager answers ({how})")
    except exceptions.ImsError as error:
        yield CheckResult(FAILURE, f"{error.code}: {error}")
    except Exception as error:  # boundary: a library, or an option, that is not as we know it
        yield CheckResult(FAILURE, f"the key manager cannot be asked: {_first_line(error)}")


def check_encryption(_conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """The cryptography that is installed seals and opens what an image consists of."""
    try:
        _seal_and_open(secrets.token_bytes(_SEALED))
        yield CheckResult(
            OK, f"{_SEALED} bytes are the same after they were encrypted and decrypted"
        )
    except Exception as error:  # boundary: a library that is not as we know it
        yield CheckResult(FAILURE, f"nothing can be encrypted: {_first_line(error)}")


def _seal_and_open(plaintext: bytes) -> None:
    """:raises ObjectDamaged: if it is not the same afterwards"""
    object_id, data_key, key = envelope.new_object_id(), envelope.new_data_key(), os.urandom(32)
    sealer = stream.Sealer(data_key, object_id)
    header = envelope.Header(object_id, str(uuid.uuid4()), len(plaintext), sealer.prelude)
    stored = header.with_key(data_key, "key", key).to_bytes(data_key)
    read = envelope.parse(stored, object_id)
    opener = stream.Opener(read.unwrap("key", key), object_id, read.prelude)
    (segment,) = stream.segments(read.plaintext_size)
    if opener.open(segment, sealer.seal(0, plaintext, last=True)) != plaintext:
        raise exceptions.ObjectDamaged(object_id=object_id, reason="its bytes have changed")


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def check_coordination(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Workers on several hosts do not make a project's default key twice."""
    url = conf.ims_kms.coordination_url
    backend = str(url).partition("://")[0]
    if not url or url.startswith("file://"):
        yield CheckResult(
            WARNING,
            "[ims_kms] coordination_url is not set: with Glance on more than one host, two of "
            "them could make a project's default key at the same time",
        )
        return
    try:
        # Loaded and not started: whether the backend is there now tells little of tomorrow.
        coordination.get_coordinator(url, b"ims-manage")
        yield CheckResult(OK, f"default keys are made under a lock of {backend}")
    except (ToozError, stevedore_exceptions.NoMatches, ImportError) as error:
        yield CheckResult(
            FAILURE,
            f"[ims_kms] coordination_url: tooz has no backend '{backend}' that can be loaded "
            f"({type(error).__name__})",
        )


def check_staging(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Import does not leave plaintext on a disk."""
    if not conf.enabled_import_methods:
        return
    try:
        directory = conf.os_glance_staging_store.filesystem_store_datadir
    except cfg.NoSuchOptError:
        directory = None
    if directory is None:
        return
    kind = _file_system(directory)
    if kind in _MEMORY_FILE_SYSTEMS:
        yield CheckResult(OK, f"imports are staged in memory ({directory}, {kind})")
    else:
        yield CheckResult(
            WARNING,
            f"imports are staged unencrypted in {directory} ({kind or 'unknown file system'}): put "
            "it on tmpfs or an encrypted disk (uploads are not staged)",
        )


def check_locations(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Tenants cannot edit locations."""
    if conf.show_multiple_locations:
        yield CheckResult(
            WARNING,
            "show_multiple_locations is on: tenants see and may edit image locations (those of "
            "encrypting stores are refused)",
        )


def check_jobs(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """Jobs are kept in a database that has our tables, and the service can act for callers."""
    yield from check_database(conf)
    if not Database(conf).is_configured:
        return
    try:
        user_id = Identity(conf).service_user_id
        yield CheckResult(OK, f"callers delegate their jobs to user {user_id}")
    except Exception as error:  # boundary: options are missing, or Keystone gives no answer
        yield CheckResult(FAILURE, f"[ims_service] cannot log in: {_first_line(error)}")


def check_database(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """The tables of jobs are those of this version."""
    database = Database(conf)
    if database.is_configured:
        yield _database(conf, database)
    else:
        yield CheckResult(OK, "there are no jobs: [ims_database] connection is not set")


def _database(conf: cfg.ConfigOpts, database: Database) -> CheckResult:
    # The service waits for a database that is away; who asks for the status wants to know it.
    conf.set_override("max_retries", 0, ims_database.GROUP)
    try:
        version, newest = migrations.version(database.engine), migrations.newest()
    except (DBError, ImportError) as error:
        return CheckResult(FAILURE, f"the database of jobs cannot be read: {_first_line(error)}")
    except Exception as error:  # boundary: the text of others may have the address, with password
        return CheckResult(FAILURE, f"the database of jobs cannot be read ({type(error).__name__})")
    finally:
        conf.clear_override("max_retries", ims_database.GROUP)
    if version == newest:
        return CheckResult(OK, f"the database of jobs has version {version}")
    has = f"version {version}" if version else "no tables"
    return CheckResult(
        FAILURE,
        f"the database of jobs has {has} and not version {newest}: run 'ims-manage db sync'",
    )


def check_backups(conf: cfg.ConfigOpts) -> Iterator[CheckResult]:
    """What keeps backups of servers is installed, and is in this cloud."""
    try:
        backups.load(conf, Region(None))
    except (backups.DriverMissing, backups.SecretTooShort) as error:
        yield CheckResult(FAILURE, str(error))
        return
    name = conf.ims_backups.driver
    if not Database(conf).is_configured:
        yield CheckResult(OK, f"there are no backups of servers without jobs (driver {name})")
        return
    try:
        kept = backups.load(conf, Region.of(conf, Identity(conf).service_session))
        is_there = kept.is_there()
    except Exception:  # boundary: why it cannot log in is told where jobs are checked
        yield CheckResult(
            WARNING, f"whether there is what driver {name} keeps backups in is not known"
        )
        return
    if not is_there:
        yield CheckResult(
            OK,
            f"there are no backups of servers: what driver {name} keeps them in is not in this region",
        )
        return
    yield CheckResult(OK, f"backups of servers are kept by driver {name}")
    if conf.ims_backups.signing_secrets:
        yield CheckResult(OK, "what the service says of backups is signed")
    else:
        yield CheckResult(
            WARNING,
            "[ims_backups] signing_secrets is not set: images of backups do not say of which server "
            "they are, nor how it was captured (set the same wherever Glance or ims-worker runs)",
        )


CHECKS: tuple[Callable[[cfg.ConfigOpts], Iterator[CheckResult]], ...] = (
    check_driver,
    check_stores,
    check_pipeline,
    check_protections,
    check_key_manager,
    check_encryption,
    check_coordination,
    check_staging,
    check_locations,
    check_jobs,
    check_backups,
)


def _filter_factories(path: str, flavor: str) -> list[str]:
    """Factories of the filters that the pipeline of *flavor* names, as far as the file says."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    if not parser.read(path):
        return []
    pipeline = parser.get("composite:api", flavor, fallback="").split()
    factories = []
    for name in pipeline:
        section = f"filter:{name}"
        if parser.has_section(section):
            factories.append(parser.get(section, "paste.filter_factory", fallback=""))
    return factories


def _unprotected(path: str) -> list[str]:
    """The service's attributes that a file of property protections lets everybody write."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    # The first rule that fits counts (glance/common/property_utils.py, check_property_rules).
    rules = [(re.compile(section), parser[section]) for section in parser.sections()]
    return [
        name
        for name in sorted(attributes.SYSTEM)
        if _is_open(next((rule for pattern, rule in rules if pattern.search(name)), {}))
    ]


def _is_open(rule: Mapping[str, str]) -> bool:
    return any("@" in rule.get(action, "@") for action in ("create", "update", "delete"))


def _file_system(directory: str) -> str | None:
    """Kind of the file system that *directory* lies on."""
    directory = os.path.realpath(directory)
    best, kind = "", None
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _device, escaped, this_kind, *_rest = line.split()
            # The kernel writes a space as \040.
            point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), escaped)
            inside = directory == point or directory.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best):
                best, kind = point, this_kind
    return kind
