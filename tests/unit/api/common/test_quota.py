# SPDX-License-Identifier: Apache-2.0
"""Places of private images: what is counted, and that the last one is taken once."""

import threading
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.api.common import quota
from ims_glance.model import job as model
from ims_glance.model.job import StoredJob

PROJECT = "p"
ID = "0123456789abcdef" * 2


class Glance:
    """Lists images as Glance does, and counts them as its database and its own quota do."""

    def __init__(
        self,
        images: Any,
        api_limit_max: int = 1000,
        limit: int | None = None,
        sizes: Any = None,
        bytes_left: int | None = None,
    ) -> None:
        self.sizes = sizes or {}
        self.left = bytes_left
        self.images = images
        self.api_limit_max = api_limit_max
        self.limit = limit
        self.lists = 0

    def call(self, context: Any, method: str, path: str, query: Any = None) -> Any:
        assert method == "GET"
        if path == "/v2/info/usage":
            assert context is CONTEXT
            usage = {"usage": len(self.images), "limit": self.limit}
            return {"usage": {"image_count_total": usage, "image_size_total": self.sizes}}
        # As an administrator, who is told of all when asking for all.
        assert (context, path, query["owner"]) == ("service", "/v2/images", PROJECT)
        assert query["visibility"] == "all"
        self.lists += 1
        hidden = query["os_hidden"] == "true"
        found = [one for one in self.images if one.get("os_hidden", False) is hidden]
        after = [one for one in found if one["id"] > query.get("marker", "")]
        limit = min(int(query["limit"]), self.api_limit_max)
        page = sorted(after, key=lambda one: one["id"])[:limit]
        return {"images": page} | ({"next": "/v2/images?..."} if len(page) == limit else {})

    def bytes_left(self, context: Any) -> int | None:
        assert context is CONTEXT
        return self.left

    def count(self, owner: str) -> int:
        assert owner == PROJECT
        return len(self.images)


CONTEXT = types.SimpleNamespace(elevated=lambda: "service")


def _quota(conf: cfg.ConfigOpts, glance: Any, *jobs: StoredJob, **more: Any) -> quota.ImageQuota:
    def unfinished(project_id: str) -> list[StoredJob]:
        assert project_id == PROJECT
        return list(jobs)

    return quota.ImageQuota(conf, glance, unfinished, records=glance, **more)


def _image(number: int, visibility: str = "private", **more: Any) -> dict[str, Any]:
    return {"id": f"{number:05}", "visibility": visibility, **more}


def _job(image_id: str | None, **values: Any) -> StoredJob:
    values.setdefault("type", "test")
    creates = image_id is not None
    return StoredJob(
        ID, project_id=PROJECT, user_id="u", image_id=image_id, creates_image=creates, **values
    )


def _of_disks(job_type: str, *names: str | None, **in_making: str) -> StoredJob:
    wishes = [{"disk": {"number": at}, "name": name} for at, name in enumerate(names)]
    known = {name.removeprefix("disk"): image_id for name, image_id in in_making.items()}
    arguments, entities = {"wishes": wishes}, {model.IN_MAKING: known}
    return _job("00077", type=job_type, arguments=arguments, entities=entities)


@pytest.fixture
def conf(tmp_path: Any) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([])
    conf.set_override("coordination_url", f"file://{tmp_path}", group="ims_kms")
    conf.set_override("private_images", 3, group="ims_api")
    return conf


@pytest.fixture
def with_keystone(conf: cfg.ConfigOpts) -> cfg.ConfigOpts:
    conf.register_opt(cfg.BoolOpt("use_keystone_limits"))
    conf.set_override("use_keystone_limits", True)
    return conf


def _used(conf: cfg.ConfigOpts, glance: Glance, *jobs: StoredJob) -> int:
    return _quota(conf, glance, *jobs).room(CONTEXT, PROJECT).used


@pytest.mark.parametrize(
    ("usage", "limit", "size", "fits"),
    [(3, 5, 2 << 20, True), (3, 5, (2 << 20) + 1, False), (7, 5, 0, False), (7, -1, 1 << 60, True)],
)
def test_bytes_by_the_limit_of_keystone(
    with_keystone: cfg.ConfigOpts, usage: int, limit: int, size: int, fits: bool
) -> None:
    glance = Glance([], sizes={"usage": usage, "limit": limit})
    checked = _quota(with_keystone, glance)
    if fits:
        checked.check_bytes(CONTEXT, PROJECT, size)
        return
    with pytest.raises(quota.NoBytesLeft, match="image_size_total") as refused:
        checked.check_bytes(CONTEXT, PROJECT, size)
    assert refused.value.code == "IMG.0015"


@pytest.mark.parametrize(("left", "fits"), [(None, True), (4, True), (3, False), (-1, False)])
def test_bytes_by_glance_s_own_limit(conf: cfg.ConfigOpts, left: int | None, fits: bool) -> None:
    glance = Glance([], bytes_left=left)
    # Outside of Glance there is no such option.
    _quota(conf, glance).check_bytes(CONTEXT, PROJECT, 4)
    conf.register_opt(cfg.StrOpt("user_storage_quota"))
    checked = _quota(conf, glance)
    if fits:
        checked.check_bytes(CONTEXT, PROJECT, 4)
        return
    with pytest.raises(quota.NoBytesLeft, match="user_storage_quota"):
        checked.check_bytes(CONTEXT, PROJECT, 4)


def test_counts_what_is_there_and_what_is_being_made_once(conf: cfg.ConfigOpts) -> None:
    glance = Glance([_image(1), _image(2, "shared"), _image(3, "public")])
    assert _used(conf, glance, _job("00002"), _job("00009"), _job(None)) == 3


@pytest.mark.parametrize("visibility", ["private", "shared", "community"])
def test_counts_hidden_images_whoever_sees_them(conf: cfg.ConfigOpts, visibility: str) -> None:
    glance = Glance([_image(number, visibility, os_hidden=True) for number in range(2)])
    assert _used(conf, glance) == 2


def test_a_disk_counts_when_it_was_left_behind(conf: cfg.ConfigOpts) -> None:
    disks = [
        _image(number, os_hidden=True, __component_of=of)
        for number, of in enumerate(["00009", "00009", "00077", "gone", ""])
    ]
    glance = Glance([_image(9), *disks])
    assert _used(conf, glance) == 4
    # One is a disk of what is being made.
    assert _used(conf, glance, _job("00077")) == 4


def test_what_others_make_for_a_job_has_the_place_of_the_job(conf: cfg.ConfigOpts) -> None:
    """Of all disks of the job, one is under way, and its image was told."""
    hidden: dict[str, Any] = {"os_hidden": True, "name": model.disk_name(ID, 1)}
    glance = Glance([_image(1), _image(5, **hidden)])
    assert _used(conf, glance, _of_disks(model.IMAGE_OF_SERVER, "a", "b", disk1="00005")) == 3
    assert _used(conf, glance, _of_disks(model.WHOLE_OF_SERVER, None, None, disk1="00005")) == 2
    # Nobody has a place because of a name.
    assert _used(conf, glance, _of_disks(model.IMAGE_OF_SERVER, "a", "b")) == 4
    assert _used(conf, glance, _of_disks(model.WHOLE_OF_SERVER, None, None)) == 3
    assert _used(conf, glance) == 2


def test_counts_further_than_one_page(conf: cfg.ConfigOpts) -> None:
    glance = Glance([_image(number, os_hidden=number % 2 == 0) for number in range(1203)])
    assert _used(conf, glance) == 1203


def test_counts_all_where_glance_gives_short_pages(conf: cfg.ConfigOpts) -> None:
    glance = Glance([_image(number) for number in range(25)], api_limit_max=10)
    assert _used(conf, glance) == 25


@pytest.mark.parametrize("door", ["place", "places"])
def test_one_too_many_is_refused(conf: cfg.ConfigOpts, door: str) -> None:
    glance = Glance([_image(1), _image(2)])
    take = getattr(_quota(conf, glance), door)
    with take(CONTEXT, PROJECT):
        assert glance.lists == 0
    glance.images.append(_image(3, os_hidden=True))
    with pytest.raises(quota.NoPlaceForImage, match="3 of 3") as refused, take(CONTEXT, PROJECT):
        pass
    assert refused.value.code == "IMG.0015"


def test_several_places_or_none(conf: cfg.ConfigOpts) -> None:
    taken = _quota(conf, Glance([_image(1), _image(2)]))
    with pytest.raises(quota.NoPlaceForImage), taken.places(CONTEXT, PROJECT, 2):
        pass


def test_what_does_not_count_takes_no_place(conf: cfg.ConfigOpts) -> None:
    """There are more images than places, and the list tells that they do not count."""
    disks = [_image(number, os_hidden=True, __component_of="00009") for number in range(4)]
    taken = _quota(conf, Glance([_image(9), _image(10, "public"), *disks]))
    with taken.places(CONTEXT, PROJECT, 2):
        pass
    with pytest.raises(quota.NoPlaceForImage, match="1 of 3"), taken.places(CONTEXT, PROJECT, 3):
        pass


def test_the_last_place_is_taken_once(conf: cfg.ConfigOpts) -> None:
    glance = Glance([_image(1), _image(2)])
    places = _quota(conf, glance)
    begin = threading.Barrier(6)

    def take(number: int) -> int:
        begin.wait(240)
        try:
            with places.place(CONTEXT, PROJECT):
                glance.images.append(_image(10 + number))
        except quota.NoPlaceForImage:
            return 0
        return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 1
    assert len(glance.images) == 3


def test_a_disk_of_a_job_has_its_jobs_place(conf: cfg.ConfigOpts) -> None:
    def made(project_id: str, job_id: str, number: int | None, grant: str | None) -> bool:
        return (project_id, job_id, grant) == (PROJECT, ID, "trust") and number in (1, None)

    asked = _quota(conf, Glance([]), is_made_for=made)
    assert asked.of_job(PROJECT, f"ims-job-{ID}-1", "trust") == quota.JobDisk(ID, 1)
    assert asked.of_job(PROJECT, f"ims-job-{ID}", "trust") == quota.JobDisk(ID, None)
    for name in (f"ims-job-{ID}-2", "mine", f"ims-job-{'b' * 32}-1", f"ims-job-{ID}-1\n"):
        assert asked.of_job(PROJECT, name, "trust") is None
    assert asked.of_job(PROJECT, f"ims-job-{ID}-1", None) is None
    assert asked.of_job("other", f"ims-job-{ID}-1", "trust") is None
    assert _quota(conf, Glance([])).of_job(PROJECT, f"ims-job-{ID}-1", "trust") is None


@pytest.mark.parametrize(
    ("limit", "room"),
    [(-1, (2, 3)), (100, (2, 3)), (4, (2, 3)), (3, (2, 2)), (2, (2, 2)), (0, (2, 2))],
)
def test_the_smaller_limit_is_shown(
    with_keystone: cfg.ConfigOpts, limit: int, room: tuple[int, int]
) -> None:
    """Keystone's counts a public image, too."""
    glance = Glance([_image(1), _image(2), _image(3, "public")], limit=limit)
    assert _quota(with_keystone, glance).room(CONTEXT, PROJECT) == quota.Room(*room)


def test_what_is_yet_to_be_made_needs_room_in_glance(with_keystone: cfg.ConfigOpts) -> None:
    glance = Glance([_image(1)], limit=2)
    assert _quota(with_keystone, glance, _job("9")).room(CONTEXT, PROJECT) == quota.Room(2, 2)


@pytest.mark.parametrize(
    ("limit", "disks", "jobs", "is_taken"),
    [
        (2, 0, (), True),
        (1, 0, (), False),
        (2, 1, (), False),
        (4, 2, (), True),
        (2, 0, (_job("9"),), False),
        (2, 0, (_job("00001"),), True),
        (-1, 9, (), True),
    ],
)
def test_no_job_begins_that_glance_would_refuse(
    with_keystone: cfg.ConfigOpts,
    limit: int,
    disks: int,
    jobs: tuple[StoredJob, ...],
    is_taken: bool,
) -> None:
    asked = _quota(with_keystone, Glance([_image(1)], limit=limit), *jobs)
    if is_taken:
        with asked.places(CONTEXT, PROJECT, disks=disks):
            pass
        return
    with (
        pytest.raises(quota.NoRoomInGlance, match=f"of {limit} images") as refused,
        asked.places(CONTEXT, PROJECT, disks=disks),
    ):
        pass
    assert refused.value.code == "IMG.0015"


def test_at_the_image_api_glance_refuses_itself(with_keystone: cfg.ConfigOpts) -> None:
    with _quota(with_keystone, Glance([_image(1)], limit=1)).place(CONTEXT, PROJECT):
        pass
