# SPDX-License-Identifier: Apache-2.0
"""``ims-manage`` with Glance's configuration and database, each run in a process of its own."""

import contextlib
import dataclasses
import io
import json
import os
import re
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest

from ims_glance.clouds import coordination
from ims_glance.clouds.image import ImageRecords
from ims_glance.cmd import manage
from ims_glance.cmd import orphans as left_behind
from ims_glance.db import migrations
from ims_glance.db.database import Database, NotConfigured
from ims_glance.db.orphan import OrphanLooks
from ims_glance.store.objects import EncryptedObjects
from tests.base import in_child, pattern
from tests.unit import glance_database, job_database
from tests.unit.conftest import make_conf
from tests.unit.store import stores
from tests.unit.store.stores import FIRST

SIZE = FIRST + 1000
DAY = 24 * 3600


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """What it says itself, after what was logged."""
        return self.err.splitlines()[-1]


@dataclasses.dataclass
class Site:
    """A Glance with an encrypting store."""

    arguments: list[str]
    database: Path
    objects: EncryptedObjects
    key_id: str

    def run(self, *command: str) -> Done:
        """Run a command."""

        def main() -> Done:
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    status = manage.main([*self.arguments, *command])
                except SystemExit as left:
                    status = int(left.code or 0)
            return Done(status, out.getvalue(), err.getvalue())

        return Done(*in_child(main))

    def in_glance(self, function, *arguments, **options):
        """Call a function that uses Glance's database."""

        def call():
            glance_database.connect(self.database)
            return function(*arguments, **options)

        return in_child(call)

    def add_image(self, size: int = SIZE) -> tuple[str, str]:
        """An image with data in the store: its id, and its object's."""
        image_id = str(uuid.uuid4())
        object_id = stores.write(self.objects, size, self.key_id, image_id)
        self.record(image_id, object_id)
        return image_id, object_id

    def record(self, image_id: str, *object_ids: str, store: str = "kms", **values) -> None:
        """An image of Glance's with these objects."""
        self.in_glance(
            glance_database.add_image,
            id=image_id,
            locations=[(store, f"ims-kms://{store}/{each}") for each in object_ids],
            properties={"__system__cmkid": self.key_id},
            **values,
        )


@pytest.fixture
def site(tmp_path, vault, vault_options, database):
    """A Glance with stores ``plain`` and ``kms``, a key, and no image."""
    configuration = tmp_path / "glance-api.conf"
    options = {
        "DEFAULT": {"enabled_backends": "plain:file,kms:ims-kms"},
        "database": {"connection": f"sqlite:///{database}"},
        "glance_store": {"default_backend": "plain"},
        "plain": {"filesystem_store_datadir": tmp_path / "plain"},
        "kms": {"ims_kms_inner_driver": "file"},
        "kms_inner": {"filesystem_store_datadir": tmp_path / "inner"},
        **vault_options,
    }
    make_conf(configuration, options)

    def key(key_id: str) -> bytes:
        return bytes.fromhex(vault.get(key_id).secret)

    objects = EncryptedObjects(stores.file_inner(tmp_path / "inner"), key, key)
    return Site(["--config-file", str(configuration)], database, objects, vault.make("demo"))


def test_without_a_command(site):
    done = site.run()
    assert done.status == 2
    for command in ("status", "show", "verify", "rekey", "orphans"):
        assert command in done.err


def test_help(site):
    done = site.run("orphans", "--help")
    assert done.status == 0
    assert "--min-age HOURS" in done.out
    assert "default: 24" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("audit", "--last", "-5"), "-5 is no whole number, 0 or more"),
        (("audit", "--last", "x"), "x is no whole number, 0 or more"),
        (("audit", "--since", "noon"), "noon is no moment: say 2026-11-29T08:00, or 30m, 12h, 7d"),
        (("audit", "--silence", "-1"), "-1 is no number from 0 to 876000"),
        (("orphans", "--min-age", "nan"), "nan is no number from 0 to 876000"),
        (("orphans", "--min-age", "-1"), "-1 is no number from 0 to 876000"),
        (("orphans", "--min-age", "1e12"), "1e12 is no number from 0 to 876000"),
        (("orphans", "--min-age", "a day"), "a day is no number from 0 to 876000"),
    ],
)
def test_numbers_that_make_no_sense(site, command, words):
    done = site.run(*command)
    assert done.status == 2
    assert done.last_words.endswith(words)


@pytest.mark.parametrize("content", ["", "[DEFAULT]\nenabled_backends =\n"])
def test_without_glances_configuration(site, tmp_path, content):
    (tmp_path / "empty.conf").write_text(content)
    site.arguments = ["--config-file", str(tmp_path / "empty.conf")]
    done = site.run("status")
    assert done.status == 1
    assert "name it with --config-file" in done.err
    site.arguments = ["--config-file", "/nowhere/glance.conf"]
    assert site.run("status").status == 1


def test_the_configuration_of_the_environment(site, monkeypatch, tmp_path):
    monkeypatch.setenv("OS_GLANCE_CONFIG_DIR", str(tmp_path))
    site.arguments = []
    assert "store kms keeps its ciphertext" in site.run("status").out


def test_db(site, tmp_path):
    more = tmp_path / "more.conf"
    more.write_text(f"[ims_database]\nconnection = sqlite:///{tmp_path}/jobs.sqlite\n")
    assert "set 'connection' in [ims_database]" in " ".join(site.run("db", "sync").err.split())
    site.arguments += ["--config-file", str(more)]
    assert site.run("db", "version").out == "the database was never synchronized\n"
    for _twice in range(2):
        assert site.run("db", "sync") == Done(0, f"{migrations.newest()}\n", "")
    assert site.run("db", "version").out == f"{migrations.newest()}\n"


def test_jobs(site, tmp_path):
    done = site.run("job", "list")
    assert (done.status, done.out) == (1, "")
    assert "set 'connection' in [ims_database]" in done.last_words
    more = tmp_path / "more.conf"
    more.write_text(f"[ims_database]\nconnection = sqlite:///{tmp_path}/jobs.sqlite\n")
    site.arguments += ["--config-file", str(more)]
    done = site.run("job", "list")
    assert (done.status, done.out) == (1, "")
    assert "run 'ims-manage db sync'" in done.last_words
    assert site.run("db", "sync").status == 0
    done = site.run("job", "list")
    assert (done.status, len(done.out.splitlines()), done.err) == (0, 1, "")
    assert site.run("worker", "list", "--json") == Done(0, "[]\n", "")
    done = site.run("job", "reset", "0" * 32)
    assert (done.status, done.out) == (1, "")
    assert done.last_words.startswith("ims-manage: There is no job 000")
    assert site.run("job").status == 2


def test_status(site):
    done = site.run("status")
    lines = done.out.splitlines()
    assert all(re.match(r"(OK|WARNING|FAILURE) +\S", line) for line in lines)
    assert "OK      driver ims-kms can be loaded" in lines
    assert any(line.startswith("OK      the key manager answers (") for line in lines)
    # This Glance has no guard in its pipeline, and protects no properties.
    failures = [line for line in lines if line.startswith("FAILURE")]
    assert [word for word in ("pipeline", "protection") if word not in str(failures)] == []
    assert done.status == 1
    assert done.last_words == "ims-manage: 2 check(s) failed"


# --- show ------------------------------------------------------------------------------------


def test_show(site):
    image_id, object_id = site.add_image()
    done = site.run("show", image_id)
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[:2] == [f"Image {image_id} (active)", f"  key on record: {site.key_id}"]
    assert "  store kms: encrypted, over file ([kms_inner])" in lines
    assert f"    size of the image: {SIZE} bytes" in lines
    assert any(
        re.fullmatch(
            rf"    header: ims-{object_id}\.header-a \(\d+ bytes, version 1, key {site.key_id}\)",
            line,
        )
        for line in lines
    )
    document = json.loads(site.run("show", image_id, "--json").out)
    (copy,) = document["stores"]
    assert copy["body"]["name"] == f"ims-{object_id}"
    assert [header["name"] for header in copy["headers"]] == [f"ims-{object_id}.header-a"]


def test_show_needs_no_key_manager(site, vault):
    image_id, _object_id = site.add_image()
    vault.delete(site.key_id)
    assert site.run("show", image_id).status == 0


def test_show_every_copy(site):
    image_id = str(uuid.uuid4())
    copies = [stores.write(site.objects, 100, site.key_id, image_id) for _ in range(2)]
    site.record(image_id, *copies)
    shown = site.run("show", image_id).out
    assert all(f"ims-{object_id} (156 bytes)" in shown for object_id in copies)


def test_show_an_image_whose_header_is_gone(site):
    image_id, object_id = site.add_image()
    stores.header_path(site.objects, object_id).unlink()
    done = site.run("show", image_id)
    assert (done.status, done.out) == (1, "")
    assert done.last_words.startswith(f"ims-manage: Object {object_id} has no header")


# --- verify ----------------------------------------------------------------------------------


def test_openapi(site):
    done = site.run("openapi")
    assert done.status == 0
    described = json.loads(done.out)
    assert described["openapi"].startswith("3.1.")
    assert "/v2/cloudimages" in described["paths"]


@pytest.mark.parametrize("size", [0, SIZE])
def test_verify(site, size):
    image_id, _object_id = site.add_image(size)
    done = site.run("verify", image_id)
    assert done.status == 0
    assert f"Image {image_id} in store kms: {size} bytes are intact" in done.out


def test_verify_every_copy(site):
    image_id = str(uuid.uuid4())
    copies = [stores.write(site.objects, 100, site.key_id, image_id) for _ in range(2)]
    site.record(image_id, *copies)
    assert site.run("verify", image_id).out.count("100 bytes are intact") == 2
    with stores.flipped(stores.body_path(site.objects, copies[1]), 60, 0):
        assert site.run("verify", image_id).status == 1


@pytest.mark.parametrize("byte", [0, 39, 40, 1000, FIRST + 100, -1])
def test_verify_finds_damage(site, byte):
    image_id, object_id = site.add_image()
    body = stores.body_path(site.objects, object_id)
    with stores.flipped(body, byte % body.stat().st_size, 3):
        done = site.run("verify", image_id)
    assert done.status == 1
    assert f"ims-manage: Object {object_id} is damaged" in done.err
    assert "intact" not in done.out


def test_verify_finds_the_object_of_another_image(site):
    _image_id, object_id = site.add_image()
    thief = str(uuid.uuid4())
    site.record(thief, object_id)
    done = site.run("verify", thief)
    assert done.status == 1
    assert "belongs to image" in done.err


@pytest.mark.parametrize("command", [["verify"], ["rekey", stores.NEW_KEY_ID]])
def test_images_that_have_nothing_here(site, command):
    name, *rest = command
    unknown, deleted, empty, plain, elsewhere, forged = (str(uuid.uuid4()) for _ in range(6))
    site.record(deleted, "0" * 32, status="deleted", deleted=True)
    site.record(empty, status="queued")
    where = [("plain", "file:///srv/image")]
    site.in_glance(glance_database.add_image, id=plain, locations=where)
    site.record(elsewhere, "0" * 32, store="gone")
    site.record(forged, "../../etc/passwd")
    for image_id, words in (
        (unknown, "does not exist"),
        (deleted, f"Image {deleted} does not exist"),
        (empty, "has no data in an encrypting store: it has no data at all (status queued)"),
        (plain, "it is not encrypted, and lies in store plain at file:///srv/image"),
        (elsewhere, "store gone of image"),
        (forged, "location"),
    ):
        done = site.run(name, image_id, *rest)
        assert (done.status, done.out) == (1, "")
        assert words in done.last_words


# --- rekey -----------------------------------------------------------------------------------


def test_rekey(site, vault):
    image_id, object_id = site.add_image()
    new = vault.make("demo")
    done = site.run("rekey", image_id, new)
    assert done.status == 0
    assert re.search(rf"Image {image_id} in store kms: key is {new} \(\d+ ms\)", done.out)
    assert site.objects.header(object_id).key_ids == (new,)
    shown = site.in_glance(glance_database.properties, image_id)
    assert shown == {"__system__cmkid": new}
    vault.delete(site.key_id)
    assert stores.read(site.objects, object_id) == pattern(0, SIZE)
    # May be repeated.
    assert site.run("rekey", image_id, new).status == 0


@pytest.mark.parametrize("which", ["unknown", "closed", "short", "away"])
def test_rekey_with_a_key_that_cannot_be_used(site, vault, which):
    image_id, object_id = site.add_image()
    new = vault.make("demo", bits=128 if which == "short" else 256)
    if which == "unknown":
        vault.delete(new)
    vault.away = which == "away"
    if which == "closed":
        vault.change(new, service=False)
    done = site.run("rekey", image_id, new)
    vault.away = False
    assert done.status == 1
    assert done.last_words.startswith("ims-manage: ")
    assert site.objects.header(object_id).key_ids == (site.key_id,)
    shown = site.in_glance(glance_database.properties, image_id)
    assert shown == {"__system__cmkid": site.key_id}


def test_one_rekey_of_an_image_at_a_time(site, vault, tmp_path, monkeypatch):
    image_id, object_id = site.add_image()
    more = tmp_path / "more.conf"
    conf = make_conf(more, {"ims_kms": {"coordination_url": f"file://{tmp_path}/locks"}})
    site.arguments += ["--config-file", str(more)]
    monkeypatch.setattr(coordination, "_PATIENCE", 0.1)
    new = vault.make("demo")
    with coordination.lock(conf, "rekey", image_id):
        done = site.run("rekey", image_id, new)
    assert (done.status, done.out) == (1, "")
    assert "the lock of this rekey is held" in done.last_words
    assert site.objects.header(object_id).key_ids == (site.key_id,)
    assert site.run("rekey", image_id, new).status == 0


def test_rekey_beside_a_copy_that_goes_on(site, vault, monkeypatch):
    """What came on record meanwhile gets the new key; what is still on its way is told."""
    image_id, object_id = site.add_image()
    late = stores.write(site.objects, SIZE, site.key_id, image_id)
    set_key_id = ImageRecords.set_key_id

    def while_it_is_copied(images, *arguments):
        set_key_id(images, *arguments)
        places = [("kms", f"ims-kms://kms/{each}") for each in (object_id, late)]
        glance_database.copied(image_id, places, {"os_glance_import_task": "task-7"})

    monkeypatch.setattr(ImageRecords, "set_key_id", while_it_is_copied)
    new = vault.make("demo")
    done = site.run("rekey", image_id, new)
    for each in (object_id, late):
        assert site.objects.header(each).key_ids == (new,)
    assert (done.status, done.out.count("key is")) == (1, 2)
    assert "task task-7 imports or copies its data: run this again" in done.last_words


# --- orphans ---------------------------------------------------------------------------------


def age(site, object_id: str, seconds: float) -> None:
    """Let an object have been written then."""
    for name in stores.names(site.objects):
        if object_id in name:
            path = stores.body_path(site.objects, object_id).parent / name
            os.utime(path, (time.time() - seconds,) * 2)


@pytest.fixture
def orphan(site):
    """An object that no image has, written two days ago, beside an image's that is as old."""
    _image_id, owned = site.add_image()
    object_id = stores.write(site.objects, 100, site.key_id)
    for each in (owned, object_id):
        age(site, each, 2 * DAY)
    return object_id


def test_orphans(site, orphan):
    before = stores.names(site.objects)
    done = site.run("orphans")
    assert done.status == 0
    assert done.out.splitlines()[-1] == "1 orphan(s)"
    assert f"kms: ims-{orphan}, ims-{orphan}.header-a: belongs to no image" in done.out
    assert stores.names(site.objects) == before


def test_orphans_are_deleted_when_that_is_asked_for(site, orphan):
    done = site.run("orphans", "--delete")
    assert f"ims-{orphan}.header-a: deleted" in done.out
    assert len(stores.names(site.objects)) == 2
    assert not any(orphan in name for name in stores.names(site.objects))
    assert site.run("orphans").out == "0 orphan(s)\n"


def test_what_orphans_finds_is_kept_until_it_looks_again(site, orphan, tmp_path, monkeypatch):
    """What was deleted is not; and of a look that fails nothing is."""
    url, more = f"sqlite:///{tmp_path}/jobs.sqlite", tmp_path / "more.conf"
    more.write_text(f"[ims_database]\nconnection = {url}\n[ims_service]\nregion_name = here\n")
    site.arguments += ["--config-file", str(more)]
    assert site.run("db", "sync").status == 0
    assert site.run("orphans", "--min-age", "36").err == ""
    looks: Any = OrphanLooks(Database(job_database.configuration(url)))
    first = looks.last("here")
    assert (first.min_age, first.count) == (36.0, 1)
    names = (f"ims-{orphan}", f"ims-{orphan}.header-a")
    assert [(each.place, each.names) for each in first.orphans] == [("kms", names)]
    assert time.time() - first.orphans[0].written == pytest.approx(2 * DAY, abs=3600)
    with monkeypatch.context() as patch:
        patch.setattr(left_behind, "disks", mock.Mock(side_effect=NotConfigured))
        done = site.run("orphans", "--min-age", "0")
    assert (done.status, orphan in done.out) == (1, True)
    assert looks.last("here") == first
    assert site.run("orphans", "--delete").out.endswith("1 orphan(s)\n")
    last = looks.last("here")
    assert (last.min_age, last.count, last.orphans) == (24.0, 0, ())
    assert last.began > first.began


def test_what_is_young_may_be_an_upload(site, orphan):
    age(site, orphan, DAY / 2)
    assert site.run("orphans", "--delete").out == "0 orphan(s)\n"
    # One part is enough.
    age(site, orphan, 2 * DAY)
    os.utime(stores.body_path(site.objects, orphan), None)
    assert site.run("orphans", "--delete").out == "0 orphan(s)\n"
    assert site.run("orphans", "--min-age", "0").out.endswith("1 orphan(s)\n")


def test_an_image_that_can_be_restored_keeps_its_data(site, orphan):
    site.record(str(uuid.uuid4()), orphan, status="pending_delete", deleted=True)
    assert site.run("orphans", "--delete").out == "0 orphan(s)\n"


def test_an_image_keeps_its_data_when_its_store_gets_another_name(site, orphan):
    site.record(str(uuid.uuid4()), orphan, store="as-it-was-called")
    assert site.run("orphans", "--delete").out == "0 orphan(s)\n"


def test_an_image_that_is_deleted_has_no_data(site, orphan):
    site.record(str(uuid.uuid4()), orphan, status="deleted", deleted=True)
    assert site.run("orphans").out.endswith("1 orphan(s)\n")


def test_what_a_crash_left_unfinished_is_an_orphan(site):
    _image_id, object_id = site.add_image()
    directory = stores.body_path(site.objects, object_id).parent
    unfinished = directory / f"ims-{object_id}.header-b.01234567"
    unfinished.write_text("half")
    age(site, object_id, 2 * DAY)
    assert site.run("orphans", "--delete").out.endswith("1 orphan(s)\n")
    assert not unfinished.exists()
    assert stores.read(site.objects, object_id) == pattern(0, SIZE)
