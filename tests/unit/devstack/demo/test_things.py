# SPDX-License-Identifier: Apache-2.0
"""What is found of a demo among what others have, and in which order it is to go."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import claim, things
from pocket_cloud.rest import HttpError

OWN = "ims-demo-0123456789ab"
OTHER = "ims-demo-ba9876543210"
SINCE = "2026-01-02T03:04:05"


class Tenant:
    """A tenant's things, answered as the services do; two to a page where they have pages."""

    project_id = "p1"

    def __init__(self):
        self.jobs, self.servers, self.volumes = [], [], []
        self.images, self.hidden, self.secrets, self.orders = [], [], [], []
        self.jobs_there, self.images_there = [], []
        self.products, self.is_seller = [], True
        self.deleted = []
        self.withdrawn = []

    def __call__(self, method, url, body=None):
        if method in ("DELETE", "POST"):
            return self._take(method, url)
        path, _, query = url.partition("?")
        asked = dict(word.split("=") for word in query.split("&") if word)
        is_there = f":{Cloud(Path('/')).ports['glance_two']}/" in url
        if path.endswith("/jobs"):
            jobs = self.jobs_there if is_there else self.jobs
            return {"jobs": [job for job in jobs if job["status"] == asked["status"]]}
        if path.endswith("/products"):
            return self._sold()
        linked = {"/servers": "servers", "/volumes/detail": "volumes"}
        for end, kind in linked.items():
            if path.endswith(end):
                return self._linked(kind, getattr(self, kind), url, asked)
        if path.endswith("/images"):
            here = self.hidden if asked.get("os_hidden") else self.images
            found = self.images_there if is_there else here
            first = int(asked.get("marker", 0))
            more = {"next": f"/v2/images?{query}&marker={first + 2}"} if found[first + 2 :] else {}
            return {"images": found[first : first + 2], **more}
        return self._keys(path.rpartition("/")[2], asked)

    def _keys(self, kind, asked):
        first = int(asked["offset"])
        return {kind: getattr(self, kind)[first : first + int(asked["limit"])]}

    def _take(self, method, url):
        if method == "DELETE":
            self.deleted.append(url.partition(":21")[2][3:])
        else:
            self.withdrawn.append(url.rpartition("/products/")[2])

    def _sold(self):
        if not self.is_seller:
            raise HttpError(404, "there is nothing")
        return {"products": self.products}

    def _linked(self, key, found, url, asked):
        first = int(asked.get("marker", 0))
        base = url.partition("?")[0]
        more = [{"rel": "next", "href": f"{base}?marker={first + 2}"}] if found[first + 2 :] else []
        return {key: found[first : first + 2], f"{key}_links": more}


@pytest.fixture
def tenant():
    return Tenant()


@pytest.fixture
def find(tmp_path, tenant):
    """What is to go next, as texts; removed at once."""

    def find(since=""):
        cloud, ours = Cloud(tmp_path), lambda text: claim.owner(text) == OWN
        found = things.find(cloud, [tenant], ours, since)
        for thing in found:
            if thing.remove:
                thing.remove()
        return [thing.text for thing in found]

    return find


def image(name, number=1, owner="p1"):
    return {"id": f"i{number}", "name": name, "owner": owner}


def volume(name, status="available", image_name=None, created="2026-01-02T03:04:06.000000"):
    made_of = {"volume_image_metadata": {"image_name": image_name}} if image_name else {}
    return {"id": "v1", "name": name, "status": status, "created_at": created, **made_of}


def test_nothing(find, tenant):
    tenant.servers = [{"id": "s1", "name": f"{OTHER}-server"}, {"id": "s2", "name": "mine"}]
    tenant.images = [image("mine"), image(None), image(f"{OWN}-guest", owner="another's")]
    tenant.volumes = [volume(""), volume("", "creating")]
    tenant.jobs = [{"job_id": "j1", "status": "RUNNING", "entities": {"image_name": "mine"}}]
    assert (find(), tenant.deleted) == ([], [])


def test_jobs_go_first_and_only_those_that_have_not_ended(find, tenant):
    tenant.jobs = [
        {"job_id": f"j{number}", "status": status, "entities": {"image_name": f"{OWN}-copy"}}
        for number, status in enumerate(("INIT", "RUNNING", "SUCCESS", "FAIL"))
    ]
    tenant.servers = [{"id": "s1", "name": f"{OWN}-server"}]
    assert find() == [f"job j0 ({OWN}-copy)", f"job j1 ({OWN}-copy)"]
    assert tenant.deleted == ["/v1/p1/jobs/j0", "/v1/p1/jobs/j1"]


def test_what_is_in_the_other_region(find, tenant):
    tenant.jobs_there = [
        {"job_id": "j1", "status": "RUNNING", "entities": {"image_name": f"{OWN}-copy"}}
    ]
    assert find() == [f"job j1 ({OWN}-copy)"]
    tenant.jobs_there, tenant.images_there = [], [image(f"{OWN}-two", 2)]
    assert find() == [f"image {OWN}-two"]
    assert tenant.deleted == ["/v1/p1/jobs/j1", "/v2/images/i2"]


def test_servers_on_all_pages(find, tenant):
    tenant.servers = [{"id": f"s{n}", "name": f"{OWN}-{n}" if n % 2 else "mine"} for n in range(5)]
    tenant.volumes = [volume(f"{OWN}-disk")]
    assert find() == [f"server {OWN}-1", f"server {OWN}-3"]
    assert tenant.deleted == ["/v2.1/servers/s1", "/v2.1/servers/s3"]


@pytest.mark.parametrize(
    ("status", "goes"),
    [("available", True), ("error", True), ("in-use", False), ("deleting", False)],
)
def test_volumes_by_their_name_or_by_that_of_their_image(find, tenant, status, goes):
    tenant.volumes = [
        volume(f"{OWN}-disk", status),
        volume("", status, f"{OWN}-whole disk 0"),
        volume("", status, f"{OTHER}-whole disk 0"),
    ]
    tenant.images = [image(f"{OWN}-guest")]
    assert find() == [f"volume {OWN}-disk", "volume v1"]
    assert tenant.deleted == ["/v3/p1/volumes/v1"] * (2 if goes else 0)


@pytest.mark.parametrize(
    ("found", "waited"),
    [
        (volume("", "creating"), True),
        (volume("", "downloading"), True),
        (volume("", "available"), False),
        (volume("mine", "creating"), False),
        (volume("", "creating", created="2026-01-02T03:04:04.000000"), False),
    ],
)
def test_what_may_turn_out_to_be_ours_is_waited_for(find, tenant, found, waited):
    tenant.volumes = [found]
    assert bool(find(SINCE)) is waited
    assert (find(), tenant.deleted) == ([], [])


def test_the_visible_images_go_first(find, tenant):
    tenant.images = [image("mine"), image("yours", 2), image(f"{OWN}-whole", 3)]
    tenant.hidden = [image(f"{OWN}-whole disk 0", 4)]
    assert find() == [f"image {OWN}-whole"]
    tenant.images = []
    assert find() == [f"image {OWN}-whole disk 0"]
    assert tenant.deleted == ["/v2/images/i3", "/v2/images/i4"]


def test_keys_and_their_orders(find, tenant):
    tenant.orders = [{"meta": {"name": f"{OWN}-key"}, "order_ref": "http://h:1/v1/orders/o1"}]
    tenant.secrets = [{"name": "mine", "secret_ref": "http://h:1/v1/secrets/x"}] * 100
    tenant.secrets += [{"name": f"{OWN}-key", "secret_ref": "http://h:1/v1/secrets/k1"}]
    assert find() == [f"order {OWN}-key"]
    tenant.orders = []
    assert find() == [f"secret {OWN}-key"]
    assert tenant.deleted == ["/v1/orders/o1", "/v1/secrets/k1"]


def test_both_tenants_log_in(tmp_path, monkeypatch):
    def session(url, user, password, project):
        return SimpleNamespace(user=user, project=project, password=password, url=url)

    monkeypatch.setattr("pocket_cloud.rest.Session", session)
    cloud = Cloud(tmp_path)
    found: list[Any] = [*things.sessions(cloud)]
    assert [each.user for each in found] == ["demo", "other"]
    assert found[0].password == cloud.secrets["password_demo"]


def test_products_are_taken_from_the_market(find, tenant):
    def product(number, name, state):
        return {"id": f"p{number}", "name": claim.spelled(name), "state": state}

    tenant.products = [
        product(1, OWN, "draft"),
        product(2, OWN, "rejected"),
        product(3, OWN, "submitted"),
        product(4, OWN, "listed"),
        product(5, OWN, "withdrawn"),
        product(6, OTHER, "listed"),
        product(7, "Database", "listed"),
    ]
    assert find() == [f"product {claim.spelled(OWN)}"] * 4
    assert [each.rpartition("/")[2] for each in tenant.deleted] == ["p1", "p2"]
    assert tenant.withdrawn == ["p3/withdraw", "p4/withdraw"]
    tenant.is_seller = False
    assert find() == []


def test_a_marketplace_that_is_broken_is_told(find, tenant, monkeypatch):
    def away(_tenant, _method, _url, _body=None):
        raise HttpError(503, "later")

    monkeypatch.setattr(Tenant, "__call__", away)
    with pytest.raises(HttpError):
        find()
