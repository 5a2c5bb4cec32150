# SPDX-License-Identifier: Apache-2.0
"""Two small regions with their databases and the handlers of their IMS APIs, and workers that may die."""

import contextlib
import threading
import types
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ims_glance import exceptions
from ims_glance.api.common.acceptance import Acceptance, Rights
from ims_glance.api.common.elsewhere import Place
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.common.roles import SERVICE_ROLE
from ims_glance.api.common.standing import Standing
from ims_glance.api.ims.operation import Call, Service
from ims_glance.api.ims.operations import reception, standing_copy
from ims_glance.clouds import rest
from ims_glance.clouds.ims_api import MissingThere, RefusedThere
from ims_glance.db.schema import JOBS, STANDING_COPIES
from ims_glance.jobs.standing_copy import StandingWork
from ims_glance.model.job import COPY_CROSS_REGION, RECEIVE_IMAGE, JobStatus, StoredJob
from tests.unit import job_database
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import PROJECT

ONE, TWO = "RegionOne", "RegionTwo"
USER = "u" * 32
ROLES = ["member", "reader"]


class Died(BaseException):
    """A worker was killed."""


class SmallRegion:
    """A region.

    :ivar images: its Image API
    """

    def __init__(self, world: "SmallRegions", name: str, folder: Path, **options: Any) -> None:
        folder.mkdir()
        self.name = name
        self.tables = job_database.Tables(job_database.sqlite(folder), **options)
        self.conf = self.tables.conf
        self.conf.set_override("region_name", name, "ims_service")
        self.images = calls.Images()
        self._world = world
        self.standing = Standing(self.conf)
        fakes: tuple[Any, ...] = (
            self.images,
            Acceptance(self.conf),
            calls.Keys(),
            calls.Quota(),
            None,
            self,
            self.standing,
            None,
        )
        self.service = Service(self.conf, *fakes)

    # As ims_glance.api.common.elsewhere.Elsewhere.

    @property
    def here(self) -> str:
        """Its name."""
        return self.name

    def check(self, _context: Any, region: str) -> None:
        """Every region is there."""
        assert region in self._world.regions

    def place(self, _context: Any, region: str, _project: Any, _agency: Any) -> Place:
        """The caller's project there."""
        api: Any = IntoRegion(self._world, types.SimpleNamespace(name=region, session=None))
        return Place(region, Rights(PROJECT, ("member", "reader")), api)

    def rights(self, context: Any, _agency: Any) -> Rights:
        """What a job may do here."""
        return Rights(context.project_id, ("creator", *ROLES))

    def call(self, handler: Callable[[Call], Any], body: Any = None, **arguments: str) -> Any:
        """What its IMS API answers to the owner, or to their worker."""
        context = types.SimpleNamespace(
            project_id=PROJECT,
            user_id=USER,
            roles=ROLES,
            service_roles=[SERVICE_ROLE],
            is_admin=False,
            login=("method password",),
            auth_token="token",
        )
        return handler(Call(self.service, context, arguments, {}, body)).body

    def jobs(self, job_type: str) -> list[StoredJob]:
        """Its jobs of a type, the oldest first."""
        found = [each for each in self.tables.jobs.find(PROJECT) if each.type == job_type]
        return found[::-1]


class IntoRegion:
    """The IMS API and the Image API of a region, as the owner of a session reaches them."""

    def __init__(self, world: "SmallRegions", region: Any) -> None:
        self._world = world
        self._grant = region.session
        self._region = world.regions[region.name]

    def _ask(self, handler: Callable[[Call], Any], body: Any = None, **arguments: str) -> Any:
        with self._world.request(handler.__name__, self._grant, self._region.name):
            try:
                return self._region.call(handler, body, **arguments)
            except exceptions.Unavailable as error:
                raise rest.ServiceUnavailable(service="Image", reason=str(error)) from error
            except exceptions.NotFound as error:
                raise MissingThere(404, error.code, self._region.name, str(error)) from error
            except exceptions.ImsError as error:
                raise RefusedThere(400, error.code, self._region.name, str(error)) from error
            except SubrequestRefused as error:
                raise RefusedThere(400, "IMG.0046", self._region.name, "no") from error

    def begin_reception(self, _project_id: str, body: Any) -> Any:
        return self._ask(reception.begin_reception, body)

    def end_reception(self, _project_id: str, standing_id: str) -> None:
        self._ask(reception.end_reception, replication_id=standing_id)

    def has_replication(self, _project_id: str, standing_id: str) -> bool:
        try:
            self._ask(standing_copy.show_replication, replication_id=standing_id)
        except MissingThere:
            return False
        return True

    def receive_replicated(self, _project_id: str, standing_id: str, body: Any) -> Any:
        return self._ask(reception.receive_replicated_image, body, replication_id=standing_id)

    def copy_replicated(self, _project_id: str, standing_id: str, body: Any) -> Any:
        return self._ask(reception.copy_replicated_image, body, replication_id=standing_id)

    def cancel_job(self, _project_id: str, job_id: str) -> Any:
        def cancel(call: Call) -> Any:
            job = call.service.jobs.cancel(job_id, PROJECT)
            entities = {"image_id": job.image_id} if job.status is JobStatus.SUCCESS else {}
            return types.SimpleNamespace(body={"status": str(job.status), "entities": entities})

        return self._ask(cancel)

    # The Image API.

    def active(self, owner: str, tag: str | None = None) -> Iterator[dict[str, Any]]:
        with self._world.request("list", self._grant, self._region.name):
            found = [each for each in self._region.images.views.values() if each["owner"] == owner]
        yield from (each for each in found if tag is None or tag in each["tags"])

    def find(self, image_id: str) -> dict[str, Any] | None:
        with self._world.request("find", self._grant, self._region.name):
            return self._region.images.views.get(image_id)

    def delete(self, image_id: str) -> None:
        with self._world.request("delete", self._grant, self._region.name):
            self._region.images.views.pop(image_id, None)


class SmallRegions:
    """Two of them, and Keystone's trusts.

    :ivar trusts: ids of those that there are
    :ivar asked: what was asked of whom, in order
    :ivar step: called before and after each request, and before each write of a worker
    :ivar away: names of regions that do not answer
    :ivar lost: names of requests whose answers are lost
    """

    def __init__(self, folder: Path, monkeypatch: Any, **options: Any) -> None:
        self.trusts: set[str] = set()
        self.asked: list[str] = []
        self.step: Callable[[], None] = lambda: None
        self.away: set[str] = set()
        self.lost: set[str] = set()
        self.regions: dict[str, SmallRegion] = {}
        self.patch(monkeypatch)
        for name in (ONE, TWO):
            self.regions[name] = SmallRegion(self, name, folder / name, **options)
        self.one, self.two = self.regions[ONE], self.regions[TWO]

    def patch(self, monkeypatch: Any) -> None:
        """Put the regions in the place of what reaches them."""

        def into(region: Any) -> IntoRegion:
            return IntoRegion(self, region)

        jobs, api = "ims_glance.jobs.standing_copy", "ims_glance.api.common.standing"
        identity = "ims_glance.clouds.identity.Identity"
        receptions = "ims_glance.jobs.receptions"
        for place in (
            f"{jobs}.ImsApi",
            f"{jobs}.ImageApi",
            f"{api}.ImsApi",
            f"{receptions}.ImsApi",
        ):
            monkeypatch.setattr(place, into)
        monkeypatch.setattr(f"{identity}.create_trust", self._create_trust)
        monkeypatch.setattr(f"{identity}.session_of", lambda _self, grant, _id=None: grant)
        monkeypatch.setattr(f"{identity}.trusts", lambda _self: set(self.trusts))
        wakeups = "ims_glance.clouds.messaging.wakeup.Wakeups.send"
        monkeypatch.setattr(wakeups, lambda _self, _job_id: None)
        claims = "ims_glance.db.standing.claims.StandingClaims"
        for name in ("add", "record", "begin", "forget", "remove", "end"):
            self._watch(monkeypatch, f"{claims}.{name}")

    def _watch(self, monkeypatch: Any, place: str) -> None:
        module, kind, name = place.rsplit(".", 2)
        owner = getattr(__import__(module, fromlist=[kind]), kind)
        write = getattr(owner, name)

        def watched(*values: Any) -> Any:
            self.step()
            return write(*values)

        monkeypatch.setattr(owner, name, watched)

    def _create_trust(self, *_values: Any) -> str:
        trust = uuid.uuid4().hex
        self.trusts.add(trust)
        return trust

    @contextlib.contextmanager
    def request(self, name: str, grant: str | None, region: str) -> Iterator[None]:
        """A request to a region, on its way."""
        self.step()
        self.asked.append(f"{region} {name}")
        if grant is not None and grant not in self.trusts:
            raise rest.DelegationEnded(service="Image", reason="no token")
        if region in self.away:
            raise rest.ServiceUnavailable(service="Image", reason="no answer")
        yield
        self.step()
        if name in self.lost:
            raise rest.ServiceUnavailable(service="Image", reason="no answer came")

    # --- what the owner does -------------------------------------------------------------------

    def image(self, name: str = "web", tags: tuple[str, ...] = ("release=stable",)) -> str:
        """An image that becomes active."""
        image_id = str(uuid.uuid4())
        moment = f"2030-01-01T00:00:{len(self.one.images.views):02d}Z"
        shown = calls.view(image_id, name=name, tags=list(tags), created_at=moment)
        self.one.images.views[image_id] = shown
        return image_id

    def create(self, **wishes: Any) -> str:
        """A replication; its id."""
        body = {"name": "releases", "region": TWO, "tag": "release=stable", **wishes}
        answer = self.one.call(standing_copy.create_replication, body)
        return str(answer["id"])

    def show(self, standing_id: str) -> dict[str, Any]:
        """As its owner sees it."""
        shown = self.one.call(standing_copy.show_replication, replication_id=standing_id)
        return dict(shown)

    def states(self, standing_id: str) -> dict[str, str]:
        """What became of its images."""
        return {each["image_id"]: each["state"] for each in self.show(standing_id)["images"]}

    def change(self, standing_id: str, **values: Any) -> dict[str, Any]:
        """Change it."""
        body = self.one.call(standing_copy.update_replication, values, replication_id=standing_id)
        return dict(body)

    def delete(self, standing_id: str) -> None:
        """Delete it."""
        self.one.call(standing_copy.delete_replication, replication_id=standing_id)

    # --- what workers do -----------------------------------------------------------------------

    def worker(self, name: str = "worker", region: SmallRegion | None = None) -> StandingWork:
        """A worker of a region, the first one."""
        region = region or self.one
        database, identity = region.tables.database, region.standing._identity
        return StandingWork(region.conf, database, identity, name, threading.Event())

    def let_look(self, **values: Any) -> None:
        """Change when all are looked at."""
        with self.one.tables.database.engine.begin() as connection:
            connection.execute(sa.update(STANDING_COPIES).values(**values))

    def look(self, is_dead: bool = False) -> None:
        """A worker looks at all that there is.

        :param is_dead: whether the one before it is
        """
        self.let_look(look_at=0.0, **({"lease_until": None} if is_dead else {}))
        self.worker().look()

    def try_again(self) -> None:
        """Let the time pass until what failed is tried again."""
        with self.one.tables.database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE standing_images SET try_at = NULL")

    def run_jobs(self, status: JobStatus = JobStatus.SUCCESS) -> None:
        """Bring the jobs of both regions to their ends."""
        for job in self.two.jobs(RECEIVE_IMAGE):
            self._end(self.two, job, status)
        there = {each.id: each for each in self.two.jobs(RECEIVE_IMAGE)}
        for job in self.one.jobs(COPY_CROSS_REGION):
            self._end(self.one, job, there[job.arguments["job_id"]].status, there)

    def _end(
        self,
        region: SmallRegion,
        job: StoredJob,
        status: JobStatus,
        there: dict[str, StoredJob] | None = None,
    ) -> None:
        claimed = region.tables.jobs.claim(job.id, "worker", 60)
        if claimed is None:
            return
        if claimed.cancel_requested or status is JobStatus.FAIL:
            region.tables.jobs.finish(claimed, JobStatus.FAIL, "IMG.0057", "It broke.")
            return
        if there is None:
            arguments = job.arguments
            origin = f"image,{arguments['source_region']},{arguments['image_id']}"
            made = calls.view(job.image_id, name=arguments["name"], __data_origin=origin)
            region.images.views[str(job.image_id)] = made
        else:
            image_id = there[job.arguments["job_id"]].image_id
            entities = {**job.entities, "image_id": image_id}
            region.tables.jobs.progress(claimed, entities=entities)
        region.tables.jobs.finish(claimed, JobStatus.SUCCESS)

    def go_on(self, rounds: int = 3) -> None:
        """Look, and bring the jobs to their ends, a few times."""
        for _round in range(rounds):
            self.look(is_dead=True)
            self.run_jobs()
        self.look(is_dead=True)

    def rows(self, table: str) -> int:
        """How many rows a table has in both regions."""
        count = sa.text(f"SELECT count(*) FROM {table}")
        return sum(
            int(region.tables.database.read(lambda each: each.scalar(count)))
            for region in self.regions.values()
        )

    @staticmethod
    def users(connection: Any) -> int:
        """How many jobs and replications use delegations in a database."""
        return int(connection.scalar(sa.text("SELECT coalesce(sum(jobs), 0) FROM delegations")))

    def delegated(self) -> int:
        """How many use them in both regions."""
        return sum(each.tables.database.read(self.users) for each in self.regions.values())

    def unfinished(self) -> int:
        """How many jobs of both regions go on."""
        query = sa.select(sa.func.count()).where(JOBS.c.end_time.is_(None))
        return sum(
            int(region.tables.database.read(lambda each: each.scalar(query)) or 0)
            for region in self.regions.values()
        )


def copied(world: SmallRegions) -> list[str]:
    """Ids of the images in the order in which their copies were begun."""
    return [job.entities["source_image_id"] for job in world.two.jobs(RECEIVE_IMAGE)]


def dies_at(world: SmallRegions, number: int, rounds: int = 2) -> bool:
    """Have a worker die at its *number*-th step; whether there was one."""
    steps: list[int] = []

    def step() -> None:
        steps.append(1)
        if len(steps) == number:
            raise Died

    world.step = step
    try:
        for _round in range(rounds):
            world.look(is_dead=True)
            world.run_jobs()
    except Died:
        return True
    finally:
        world.step = lambda: None
    return False
