# SPDX-License-Identifier: Apache-2.0
"""Places of private images: what is counted, and that the last one is taken once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.api import quota

PROJECT = "p"


class Glance:
    """Lists images as Glance does."""

    def __init__(self, images, api_limit_max=1000):
        self.images = images
        self.api_limit_max = api_limit_max

    def call(self, _context, method, path, query):
        assert (method, path, query["owner"]) == ("GET", "/v2/images", PROJECT)
        after = [one for one in self.images if one["id"] > query.get("marker", "")]
        limit = min(int(query["limit"]), self.api_limit_max)
        page = sorted(after, key=lambda one: one["id"])[:limit]
        return {"images": page} | ({"next": "/v2/images?..."} if len(page) == limit else {})


def _quota(*parts: Any) -> quota.Quota:
    return quota.Quota(*parts)


def _image(number, visibility="private"):
    return {"id": f"{number:05}", "visibility": visibility}


@pytest.fixture
def conf(tmp_path):
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([])
    conf.set_override("coordination_url", f"file://{tmp_path}", group="ims_kms")
    conf.set_override("private_images", 3, group="ims_api")
    return conf


def test_counts_what_is_there_and_what_is_being_made_once(conf):
    glance = Glance([_image(1), _image(2, "shared"), _image(3, "public")])
    counted = _quota(conf, glance, lambda *_: {"00002", "00009"})
    assert counted.used(None, PROJECT) == 3


def test_counts_further_than_one_page(conf):
    glance = Glance([_image(number) for number in range(1203)])
    assert _quota(conf, glance, lambda *_: set()).used(None, PROJECT) == 1203


def test_counts_all_where_glance_gives_short_pages(conf):
    glance = Glance([_image(number) for number in range(25)], api_limit_max=10)
    assert _quota(conf, glance, lambda *_: set()).used(None, PROJECT) == 25


def test_one_too_many_is_refused(conf):
    glance = Glance([_image(1), _image(2)])
    places = _quota(conf, glance, lambda *_: set())
    with places.places(None, PROJECT):
        pass
    with (
        pytest.raises(quota.NoPlaceForImage, match="2 of 3") as refused,
        places.places(None, PROJECT, 2),
    ):
        pass
    assert refused.value.code == "IMG.0015"


def test_the_image_of_a_job_takes_the_place_of_the_job(conf):
    job = "0123456789abcdef" * 2
    glance = Glance([_image(1), _image(2)])
    places = _quota(conf, glance, lambda _, without: set() if without == job else {"00003"})
    with places.places(None, PROJECT, name=f"ims-job-{job}"):
        pass
    with pytest.raises(quota.NoPlaceForImage), places.places(None, PROJECT, name="ims-job-x"):
        pass


def test_the_last_place_is_taken_once(conf):
    glance = Glance([_image(1), _image(2)])
    places = _quota(conf, glance, lambda *_: set())
    begin = threading.Barrier(6)

    def take(number):
        begin.wait(240)
        try:
            with places.places(None, PROJECT):
                glance.images.append(_image(10 + number))
        except quota.NoPlaceForImage:
            return 0
        return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 1
    assert len(glance.images) == 3


def test_a_disk_of_a_job_has_its_jobs_place(conf):
    def makes(project_id, job_id, number):
        return (project_id, job_id, number) == (PROJECT, "a" * 32, 1)

    asked = _quota(conf, Glance([]), lambda *_: set(), makes)
    name = f"ims-job-{'a' * 32}"
    assert asked.is_of_job(PROJECT, f"{name}-1")
    for other in (name, f"{name}-2", "mine", f"ims-job-{'b' * 32}-1"):
        assert not asked.is_of_job(PROJECT, other)
    assert not asked.is_of_job("other", f"{name}-1")
    assert not _quota(conf, Glance([]), lambda *_: set()).is_of_job(PROJECT, f"{name}-1")
