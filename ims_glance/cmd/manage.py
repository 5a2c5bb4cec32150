# SPDX-License-Identifier: Apache-2.0
"""``ims-manage``: what an operator does with encrypted images, on a host that has Glance's config.

It reads Glance's own configuration files (``--config-file``, ``--config-dir``, or
``OS_GLANCE_CONFIG_DIR``, or those of ``/etc/glance``) and works on Glance's database, the inner
stores and the key manager with the service's credentials.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator

import glance_store
import oslo_messaging
from glance_store import exceptions as store_exceptions
from glance_store import location as store_location
from oslo_config import cfg
from oslo_db.exception import DBError
from oslo_log import log as logging
from oslo_serialization import jsonutils

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.ims import openapi as description
from ims_glance.clouds import coordination
from ims_glance.clouds.image import ImageRecord, ImageRecords
from ims_glance.cmd import audit as audit_trail
from ims_glance.cmd import checks, configuration
from ims_glance.cmd import job as jobs
from ims_glance.cmd import orphans as left_behind
from ims_glance.cmd import replication as replications
from ims_glance.cmd import show as shown
from ims_glance.cmd.market import usage as bills
from ims_glance.db import migrations
from ims_glance.db.database import Database
from ims_glance.store import driver

_DEFAULT_MIN_AGE = 24.0
# Of hours or seconds that an argument may say: a hundred years of hours.
_LONGEST = 876_000


class CommandFailed(Exception):
    """The command could not do what it was asked; the message says why."""


_EXPECTED = (
    CommandFailed,
    exceptions.ImsError,
    store_exceptions.GlanceStoreException,
    cfg.ConfigDirNotFoundError,
    cfg.ConfigFileParseError,
    cfg.ConfigFilesNotFoundError,
    cfg.ConfigFileValueError,
    oslo_messaging.MessagingException,
)


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    :param argv: arguments without the program's name; ``None`` for those of the process
    :returns: the exit status: 0, or 1 with a message on standard error
    """
    conf = cfg.CONF
    try:
        _read_configuration(conf, sys.argv[1:] if argv is None else argv)
        command: Callable[[cfg.ConfigOpts], None] = conf.command.function
        command(conf)
    except _EXPECTED as error:
        print(f"ims-manage: {error}", file=sys.stderr)
        return 1
    except DBError as error:
        # Its text has the statement, with all values, on further lines.
        print(f"ims-manage: Glance's database: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    return 0


def status(conf: cfg.ConfigOpts) -> None:
    """Print one line per check; fail if one failed."""
    failures = 0
    for check in checks.CHECKS:
        for result in check(conf):
            failures += result.level == checks.FAILURE
            print(f"{result.level:<8}{result.text}")
    if failures:
        raise CommandFailed(f"{failures} check(s) failed")


def show(conf: cfg.ConfigOpts) -> None:
    """Show where an image lies, and under which key."""
    image_id = conf.command.image_id
    record = ImageRecords().find(image_id)
    locations = record.of_scheme(driver.SCHEME)
    plain = [location for location in record.locations if location not in locations]
    copies = _copies(conf, image_id, locations)
    document = shown.document(image_id, record, copies, plain)
    if conf.command.json:
        print(jsonutils.dumps(document, indent=2))
    else:
        print("\n".join(shown.lines(document)))


def verify(conf: cfg.ConfigOpts) -> None:
    """Read and authenticate every byte of an image."""
    image_id = conf.command.image_id
    for store, objects, object_id in _objects_of(conf, image_id):
        size = objects.header(object_id).plaintext_size
        done, began = 0, time.monotonic()
        for done in objects.verify(object_id, image_id):
            _progress(done, size)
        seconds = time.monotonic() - began
        print(f"Image {image_id} in store {store}: {done} bytes are intact ({seconds:.1f} s)")


def rekey(conf: cfg.ConfigOpts) -> None:
    """Give an image to another key, without touching its data."""
    image_id, key_id = conf.command.image_id, conf.command.new_key_id
    # Of two at once each would take the other's header for what a re-key before it had left.
    with coordination.lock(conf, "rekey", image_id):
        done = _rekey_copies(conf, image_id, key_id, frozenset())
        ImageRecords().set_key_id(image_id, key_id)
        # What was on its way under the old key as we began, and is on record now.
        _rekey_copies(conf, image_id, key_id, done)
        task_id = ImageRecords().find(image_id).task_id
    if task_id is not None:
        raise CommandFailed(
            f"image {image_id} has its new key, but task {task_id} imports or copies its data: run this "
            "again when it has ended, for a last copy may have the old key. (Of one whose process has died "
            "nothing is to come: what is there has the new key)"
        )


def _rekey_copies(
    conf: cfg.ConfigOpts, image_id: str, key_id: str, done: frozenset[str]
) -> frozenset[str]:
    """Give the copies of an image to a key, but for those that are done; their objects."""
    copies = [each for each in _objects_of(conf, image_id) if each[2] not in done]
    for store, objects, object_id in copies:
        began = time.monotonic()
        objects.rekey(object_id, key_id)
        milliseconds = (time.monotonic() - began) * 1000
        print(f"Image {image_id} in store {store}: key is {key_id} ({milliseconds:.0f} ms)")
    return done | {object_id for _store, _objects, object_id in copies}


def orphans(conf: cfg.ConfigOpts) -> None:
    """List, or delete, objects that belong to no image or job, and disks that belong to no machine."""
    findings = left_behind.Findings(conf.command.min_age, conf.command.delete)
    for store_id, store in _encrypting_stores(conf):
        left_behind.objects(store_id, store.objects, findings)
        left_behind.spools(conf, store_id, store.objects.inner, findings)
    left_behind.disks(conf, findings)
    print(f"{findings.count} orphan(s)")
    left_behind.record(conf, findings)


def db(conf: cfg.ConfigOpts) -> None:
    """Make the tables of [ims_database], or bring them up to date; show their version."""
    engine = Database(conf).engine
    sync = conf.command.action == "sync"
    version = migrations.sync(engine) if sync else migrations.version(engine)
    print(version or "the database was never synchronized")


def openapi(_conf: cfg.ConfigOpts) -> None:
    """Print the IMS API as an OpenAPI document."""
    print(jsonutils.dumps(description.document(), indent=2))


def _add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    def command(function: Callable[[cfg.ConfigOpts], None]) -> argparse.ArgumentParser:
        parser = subparsers.add_parser(
            function.__name__, help=function.__doc__, description=function.__doc__
        )
        parser.set_defaults(function=function)
        return parser

    command(status)
    command(openapi)
    _add_audit(command(audit_trail.audit))
    show_parser = command(show)
    show_parser.add_argument("image_id", metavar="IMAGE", help="image id")
    show_parser.add_argument("--json", action="store_true", help="as JSON; sizes are in bytes")
    command(verify).add_argument("image_id", metavar="IMAGE", help="image id")
    rekey_parser = command(rekey)
    rekey_parser.add_argument("image_id", metavar="IMAGE", help="image id")
    rekey_parser.add_argument(
        "new_key_id", metavar="KEY", help="id of the new key in the key manager"
    )
    orphans_parser = command(orphans)
    orphans_parser.add_argument("--delete", action="store_true", help="delete them")
    orphans_parser.add_argument(
        "--min-age",
        type=_duration,
        default=_DEFAULT_MIN_AGE,
        metavar="HOURS",
        help="leave alone what was written in the last HOURS (default: %(default)g), for it may "
        "be an upload that goes on",
    )
    command(db).add_argument(
        "action",
        choices=("sync", "version"),
        help="sync: make the tables or bring them up to date; version: show their version",
    )
    jobs.add_commands(subparsers)
    replications.add_commands(subparsers)
    bills.add_commands(subparsers)


def _add_audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--last", type=_count, default=20, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--since",
        type=audit_trail.moment,
        metavar="MOMENT",
        help="only those recorded since MOMENT: 2026-11-29T08:00 (UTC), or 30m, 12h, 7d ago",
    )
    parser.add_argument("--project", metavar="ID", help="only those of this project's users")
    parser.add_argument("--image", metavar="ID", help="only those that name this image")
    parser.add_argument("--json", action="store_true", help="whole CADF events, as JSON")
    parser.add_argument(
        "--send-again",
        action="store_true",
        help="show none, but have all of them sent to the message queue once more",
    )
    parser.add_argument(
        "--silence",
        type=_duration,
        default=2.0,
        metavar="SECONDS",
        help="without [ims_database]: there are no more when none came for SECONDS (default: "
        "%(default)g)",
    )


def _count(text: str) -> int:
    """An argument that is a whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no whole number, 0 or more")
    return int(text)


def _duration(text: str) -> float:
    """An argument that is a number, 0 or more, of hours or seconds."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 to {_LONGEST}")
    return number


def _read_configuration(conf: cfg.ConfigOpts, argv: list[str]) -> None:
    # Registers Glance's options, among them enabled_backends and [database].
    from glance.common import wsgi_app  # noqa: PLC0415

    conf.register_cli_opt(cfg.SubCommandOpt("command", title="commands", handler=_add_commands))
    configuration.read(conf, argv, "ims-manage")
    # Standard output is for results; oslo.log would use it where no log file is set.
    conf.set_default("use_stderr", not (conf.log_file or conf.log_dir))
    logging.setup(conf, "ims-manage")
    if not _DEBUG.intersection(argv):
        _quieten(conf)
    if not conf.enabled_backends:
        raise CommandFailed(
            "found no Glance configuration with enabled_backends: name it with --config-file"
        )
    glance_store.register_store_opts(conf, reserved_stores=wsgi_app.RESERVED_STORES)
    # Else they are there only if a store of ours could be configured.
    ims_conf.register_opts(conf)


# Asked of this command; what the configuration says of "debug" is for Glance.
_DEBUG = frozenset({"--debug", "-d"})


def _quieten(conf: cfg.ConfigOpts) -> None:
    """Leave results and errors: our own messages tell what went wrong."""
    # Each check tells what it finds, and some ask for what is not there.
    level = logging.CRITICAL if conf.command.function is status else logging.WARNING
    for handler in logging.getLogger(None).logger.handlers:
        handler.setLevel(level)
    # Castellan tells what we tell again. glance_store looks at all its drivers, also at those whose
    # libraries are not there.
    for library in ("barbicanclient", "castellan", "stevedore"):
        logging.getLogger(library).logger.setLevel(logging.CRITICAL)


def _encrypting_stores(conf: cfg.ConfigOpts) -> Iterator[tuple[str, driver.Store]]:
    for store_id, entry_point in (conf.enabled_backends or {}).items():
        if entry_point == driver.SCHEME:
            store = driver.Store(conf, store_id)
            store.configure(re_raise_bsc=True)
            yield store_id, store


def _objects_of(conf: cfg.ConfigOpts, image_id: str) -> Iterator[shown.Copy]:
    """Each encrypted copy of an image.

    :raises CommandFailed: if it has none, or one in a store that is not configured
    :raises ImageNotFound: if there is no such image
    """
    locations = _encrypted(image_id, ImageRecords().find(image_id))
    return _copies(conf, image_id, locations)


def _encrypted(image_id: str, record: ImageRecord) -> list[tuple[str, str]]:
    """The locations of an image in encrypting stores: at least one."""
    found = record.of_scheme(driver.SCHEME)
    if not found:
        why = (
            f"it is not encrypted, and lies in {shown.where(record.locations)}"
            if record.locations
            else f"it has no data at all (status {record.status})"
        )
        raise CommandFailed(f"image {image_id} has no data in an encrypting store: {why}")
    return found


def _copies(
    conf: cfg.ConfigOpts, image_id: str, locations: Iterable[tuple[str, str]]
) -> Iterator[shown.Copy]:
    stores = dict(_encrypting_stores(conf))
    for store_id, url in locations:
        if store_id not in stores:
            raise CommandFailed(f"store {store_id} of image {image_id} is not in enabled_backends")
        location = store_location.Location(
            driver.SCHEME, driver.StoreLocation, conf, uri=url, backend=store_id
        )
        yield store_id, stores[store_id].objects, location.store_location.object_id


def _progress(done: int, size: int) -> None:
    if sys.stderr.isatty():
        percent = 100 * done // size if size else 100
        print(f"\r{percent:3d} %", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
