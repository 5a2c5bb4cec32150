# SPDX-License-Identifier: Apache-2.0
"""``ims-manage orphans``: finds what belongs to no image or machine, and touches nothing else."""

import os
import secrets
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ims_glance.db.database import Database
from ims_glance.db.job import Jobs
from ims_glance.model import job as model
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import JobStatus, StoredJob
from ims_glance.model.server import Disk
from tests.base import wait_for
from tests.functional import identity, stored
from tests.functional.client import ApiError, Client
from tests.functional.commands import Commands
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService
from tests.functional.slow_upload import SlowUpload
from tests.functional.stored import FIRST, FULL
from tests.unit import job_database

DATA = secrets.token_bytes(FIRST + FULL + 77)
NOW = ("--min-age", "0")


@pytest.fixture(scope="module")
def service(make_glance: MakeGlance, commands: Commands) -> Iterator[GlanceService]:
    # Without it nobody could tell which jobs go on.
    options = {"ims_database": {"connection": "sqlite:///{root}/jobs.sqlite"}}
    with make_glance(options, processes=2) as service:
        assert commands.run(service, "db", "sync").returncode == 0
        yield service


@pytest.fixture
def jobs(service: GlanceService) -> Jobs:
    """The jobs of the service."""
    conf = job_database.configuration(job_database.sqlite(service.directories.root))
    return Jobs(Database(conf))


@pytest.fixture
def client(service: GlanceService) -> Client:
    return service.client()


@pytest.fixture
def kms(service: GlanceService) -> Path:
    return service.directories.kms


@pytest.fixture
def image(service: GlanceService, client: Client) -> Iterator[str]:
    """An image with data, which is as it was after the test."""
    image = client.create(cmkid=service.vault.make("demo"))["id"]
    client.upload(image, DATA)
    yield image
    assert client.download(image) == DATA
    client.delete(image)


def orphans(commands: Commands, service: GlanceService, *arguments: str) -> list[str]:
    """The lines that the command prints, without the last, which counts them."""
    done = commands.run(service, "orphans", *arguments)
    assert done.returncode == 0, done
    *lines, count = done.stdout.splitlines()
    assert count == f"{len(lines)} orphan(s)"
    return lines


def copy_object(kms: Path, image: str, *parts: str) -> list[Path]:
    """The same parts under another object id, as if no image had them any more."""
    found, object_id = stored.find(kms, image), secrets.token_hex(16)
    sources = {"body": found.body, "header": found.header}
    copies = []
    for part in parts:
        name = sources[part].name.replace(found.object_id, object_id)
        copies.append(Path(shutil.copy(sources[part], kms / name)))
    return copies


@pytest.mark.parametrize("parts", [["body"], ["header"], ["body", "header"]], ids="+".join)
@pytest.mark.parametrize("store", ["kms", "kms2"])
def test_what_belongs_to_no_image(service, commands, kms, image, parts, store) -> None:
    names = copy_object(kms, image, *parts)
    if store == "kms2":
        names = [name.rename(service.directories.kms2 / name.name) for name in names]
    listed = ", ".join(sorted(name.name for name in names))
    (line,) = orphans(commands, service, *NOW)
    assert line.startswith(f"{store}: {listed}: belongs to no image (written 2")
    assert all(name.exists() for name in names)
    (line,) = orphans(commands, service, *NOW, "--delete")
    assert line.startswith(f"{store}: {listed}: deleted")
    assert not any(name.exists() for name in names)
    assert orphans(commands, service, *NOW) == []


def test_what_was_found_is_told_to_administrators(service, commands, client, kms, image) -> None:
    """By both of Glance's processes, until it is looked for again; others learn nothing."""
    (body,) = copy_object(kms, image, "body")
    assert len(orphans(commands, service, *NOW)) == 1
    admin = service.client(identity.ADMIN)
    answer = admin.call("GET", "/v1/orphans").json
    (found,) = answer["orphans"]
    assert (answer["count"], answer["min_age_hours"]) == (1, 0.0)
    assert (found["place"], found["names"]) == ("kms", [body.name])
    assert found["reason"] == "belongs to no image"
    assert found["written_at"] <= answer["looked_at"]
    refusal = client.send("GET", "/v1/orphans")
    assert (refusal.status, body.name in refusal.text) == (403, False)
    assert "IMG.0026" in refusal.text
    assert len(orphans(commands, service, *NOW, "--delete")) == 1
    later = admin.call("GET", "/v1/orphans").json
    assert (later["count"], later["orphans"]) == (0, [])
    assert later["looked_at"] > answer["looked_at"]


def test_age(service, commands, kms, image) -> None:
    body, header = copy_object(kms, image, "body", "header")
    for path in (body, header):
        os.utime(path, (0, time.time() - 2 * 3600))
    assert orphans(commands, service, "--delete") == []
    assert orphans(commands, service, "--delete", "--min-age", "2.1") == []
    assert len(orphans(commands, service, "--min-age", "1.9")) == 1
    # The youngest part counts.
    os.utime(header)
    assert orphans(commands, service, "--delete", "--min-age", "1.9") == []
    assert len(orphans(commands, service, "--delete", *NOW)) == 1


def test_images_of_every_kind_are_left_alone(service, commands, kms) -> None:
    client, admin = service.client(), service.client(identity.ADMIN)
    kinds: list[tuple[Client, dict]] = [
        (client, {"visibility": visibility}) for visibility in ("private", "shared", "community")
    ]
    kinds += [(admin, {"visibility": "public"}), (service.client(identity.OTHER), {})]
    kinds += [(client, {"os_hidden": True}), (client, {"protected": True}), (client, {})]
    images = []
    for owner, said in kinds:
        key = service.vault.make(owner.caller.name)
        images.append(owner.create(cmkid=key, **said)["id"])
        owner.upload(images[-1], DATA)
    admin.deactivate(images[-1])
    with stored.nothing_left(kms):
        assert orphans(commands, service, *NOW, "--delete") == []
    for (owner, _attributes), image in zip(kinds[:-1], images[:-1], strict=True):
        assert owner.download(image) == DATA
    assert admin.download(images[-1]) == DATA


def test_more_images_than_are_asked_for_at_once(service, commands, image) -> None:
    with service.database() as database:
        cursor = database.execute("SELECT * FROM images WHERE id = ?", [image])
        columns = [column[0] for column in cursor.description]
        row = dict(zip(columns, cursor.fetchone(), strict=True))
        marks = ", ".join("?" * len(columns))
        copies = [{**row, "id": str(uuid.uuid4())} for _ in range(1200)]
        database.executemany(
            f"INSERT INTO images ({', '.join(columns)}) VALUES ({marks})",
            [list(copy.values()) for copy in copies],
        )
    try:
        assert orphans(commands, service, *NOW, "--delete") == []
    finally:
        with service.database() as database:
            ids = [[copy["id"]] for copy in copies]
            database.executemany("DELETE FROM images WHERE id = ?", ids)


def test_foreign_files_are_left_alone(service, commands, kms, image) -> None:
    foreign = [kms / name for name in ("image", "ims-notes", f"{'0' * 32}", f"ims-{'G' * 32}")]
    for path in foreign:
        path.touch()
    assert orphans(commands, service, *NOW, "--delete") == []
    for path in foreign:
        path.unlink()


def test_what_jobs_received_from_another_region(service, commands, kms, jobs, image) -> None:
    """Objects of a job that goes on, of one that has ended, and of one that nobody knows."""
    job_ids = [uuid.uuid4().hex for _number in range(3)]
    for job_id in job_ids[:2]:
        jobs.create(StoredJob(job_id, model.RECEIVE_IMAGE, "demo", "user"), 10)

    def end(job_id):
        claimed = jobs.claim(job_id, "worker", 60)
        assert claimed is not None
        jobs.finish(claimed, JobStatus.FAIL)

    end(job_ids[1])
    paths = [kms / f"ims-spool-{job_id}-0-{number}" for job_id in job_ids for number in (0, 1)]
    going_on, left = paths[:2], paths[2:]
    for path in paths:
        path.touch()
    lines = orphans(commands, service, *NOW)
    assert len(lines) == 4
    assert f"job {job_ids[1]} has ended" in "".join(lines)
    assert f"there is no job {job_ids[2]}" in "".join(lines)
    assert len(orphans(commands, service, *NOW, "--delete")) == 4
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in going_on)
    end(job_ids[0])
    assert len(orphans(commands, service, *NOW, "--delete")) == 2


def test_upload_that_goes_on_is_protected_by_its_age(service, commands, client, kms) -> None:
    image = client.create(cmkid=service.vault.make("demo"))["id"]
    before = stored.names(kms)
    with SlowUpload(client, image, DATA[: FIRST + 5]) as upload:
        wait_for(lambda: stored.names(kms) > before)
        assert orphans(commands, service, "--delete") == []
        assert len(orphans(commands, service, *NOW)) == 1
        assert upload.finish(DATA[FIRST + 5 :]).status == 204
    assert client.download(image) == DATA
    assert orphans(commands, service, *NOW) == []


def test_crash_in_an_upload(service, commands, kms) -> None:
    """What the crash leaves has no header: it is found, and no image misses it."""
    client = service.client()
    image = client.create(cmkid=service.vault.make("demo"))["id"]
    before = stored.names(kms)
    with SlowUpload(client, image, DATA[: FIRST + 5]):
        wait_for(lambda: stored.names(kms) > before)
        service.kill()
    service.start()
    (left,) = stored.names(kms) - before
    (line,) = orphans(commands, service, *NOW, "--delete")
    assert left.name in line
    assert stored.names(kms) == before
    client = service.client()
    assert client.show(image)["status"] == "saving"
    client.delete(image)


class TestDelayedDelete:
    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, make_glance: MakeGlance) -> Iterator[GlanceService]:
        options = {"DEFAULT": {"delayed_delete": True, "scrub_time": 0}}
        with make_glance(options) as service:
            yield service

    def test_deleted_image_is_no_orphan_before_it_is_scrubbed(
        self, service, client, commands, kms
    ) -> None:
        with stored.nothing_left(kms):
            image = client.create(cmkid=service.vault.make("demo"))["id"]
            client.upload(image, DATA)
            client.delete(image)
            assert client.send("GET", f"/v2/images/{image}").status == 404
            assert orphans(commands, service, *NOW, "--delete") == []
            found = stored.find(kms, image)
            assert found.body.exists()
            drop_ins = str(service.directories.drop_ins)
            done = service.run("glance-scrubber", "--config-dir", drop_ins)
            assert done.returncode == 0, done
        assert orphans(commands, service, *NOW) == []


# --- disks ---------------------------------------------------------------------------------------

_AS_SERVICE = {"X-Service-Roles": "ims_service"}
_RAW = {"name": "w", "disk_format": "raw", "container_format": "bare"}


def make_disk(client: Client, **said: object) -> str:
    """A hidden image of a disk, as a worker makes it, or has Nova or Cinder make it."""
    body = {**_RAW, "os_hidden": True, "protected": True, **said}
    made = client.call("POST", "/v2/images", json_body=body, headers=_AS_SERVICE).json
    client.upload(made["id"], DATA)
    return str(made["id"])


def make_machine(client: Client, disks: list[str]) -> str:
    """A whole-machine image of these disks, as a worker makes it."""
    parts = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(disks)]
    body = {**_RAW, **whole_image.properties(parts)}
    made = client.call("POST", "/v2/images", json_body=body, headers=_AS_SERVICE).json
    client.upload(made["id"], b"")
    kind = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    tie = [{"op": "add", "path": f"/{attributes.COMPONENT_OF}", "value": made["id"]}]
    for disk in disks:
        path = f"/v2/images/{disk}"
        client.call("PATCH", path, json_body=tie, headers={**_AS_SERVICE, **kind})
    return str(made["id"])


def is_there(client: Client, image_id: str) -> bool:
    try:
        client.show(image_id)
    except ApiError as gone:
        assert gone.status == 404
        return False
    return True


def test_the_disks_of_a_machine_whose_deletion_was_interrupted(
    service: GlanceService, commands: Commands, client: Client, kms: Path
) -> None:
    """Glance dies behind the image and before its disks, or their store refuses."""
    key = service.vault.make("demo")
    disks = [make_disk(client), make_disk(client, __system__cmkid=key)]
    other = make_machine(client, [make_disk(client)])
    machine = make_machine(client, disks)
    assert orphans(commands, service, *NOW, "--delete") == []
    # What Glance has done when it dies there.
    client.call("DELETE", f"/v2/images/{machine}", headers=_AS_SERVICE)
    assert orphans(commands, service) == []
    lines = orphans(commands, service, *NOW)
    assert sorted(line.split()[1] for line in lines) == sorted(f"{disk}:" for disk in disks)
    assert all(f"whole-machine image {machine}, which is gone" in line for line in lines)
    assert all(is_there(client, disk) for disk in disks)
    encrypted = stored.find(kms, disks[1])
    lines = orphans(commands, service, *NOW, "--delete")
    assert [line.split()[2] for line in lines] == ["deleted"] * 2
    assert not any(is_there(client, disk) for disk in disks)
    assert not (service.directories.plain / disks[0]).exists()
    assert not encrypted.body.exists()
    assert list(encrypted.headers) == []
    assert is_there(client, other)
    client.delete(other)


def test_a_disk_that_its_store_kept(
    service: GlanceService, commands: Commands, client: Client
) -> None:
    disk = make_disk(client)
    machine = make_machine(client, [disk])
    data = service.directories.plain / disk
    aside = data.rename(service.directories.root / disk)
    # The file driver deletes no folder.
    (data / "busy").mkdir(parents=True)
    client.delete(machine)
    assert is_there(client, disk)
    shutil.rmtree(data)
    aside.rename(data)
    (line,) = orphans(commands, service, *NOW, "--delete")
    assert line.startswith(f"image {disk}: deleted (project demo, changed 2")
    assert not is_there(client, disk)
    assert not data.exists()


def test_the_disks_of_a_job(
    service: GlanceService, commands: Commands, client: Client, jobs: Jobs
) -> None:
    """While it goes on nobody touches what it has made; nor when it has ended well."""
    job = StoredJob("1" * 32, model.WHOLE_OF_SERVER, "demo", "user")
    jobs.create(job, 10)
    disks = [make_disk(client, name=model.disk_name(job.id, number)) for number in range(2)]
    assert orphans(commands, service, *NOW, "--delete") == []
    claimed = jobs.claim(job.id, "worker", 60)
    assert claimed is not None
    jobs.progress(claimed, entities={model.IN_MAKING: {"0": disks[0]}})
    assert orphans(commands, service, *NOW, "--delete") == []
    jobs.finish(claimed, JobStatus.FAIL, "IMG.0014", "It could not be undone.")
    lines = orphans(commands, service, *NOW, "--delete")
    assert len(lines) == 2
    assert not any(is_there(client, disk) for disk in disks)
