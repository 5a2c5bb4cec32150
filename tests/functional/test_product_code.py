# SPDX-License-Identifier: Apache-2.0
"""The product code follows the data by every door of a real Glance, and nobody removes or invents one."""

import uuid
from collections.abc import Iterator

import pytest

from ims_glance.model.image import whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk
from tests.functional import identity
from tests.functional.client import Client
from tests.functional.conftest import MakeGlance
from tests.functional.refusals import by_glance, refused
from tests.functional.service import ETC, GlanceService
from tests.functional.test_guard_sharing import change

CODE, OTHERS = "c0de" * 8, "0dd1" * 8
AS_SERVICE = {"X-Service-Roles": "ims_service"}
# What Nova and Cinder send beside their callers' tokens.
AS_NEIGHBOUR = {"X-Service-Roles": "service"}
SELLER = identity.Caller("market")
BARE = {"disk_format": "raw", "container_format": "bare"}
DATA = b"sold" * 100
PATCH = "application/openstack-images-v2.1-json-patch"


@pytest.fixture(scope="module")
def service(make_glance: MakeGlance) -> Iterator[GlanceService]:
    with make_glance({"ims_api": {"members": 3}}) as service:
        yield service


@pytest.fixture(scope="module")
def buyer(service: GlanceService) -> Client:
    return service.client(identity.DEMO)


@pytest.fixture(scope="module")
def stranger(service: GlanceService) -> Client:
    return service.client(identity.OTHER)


@pytest.fixture(scope="module")
def admin(service: GlanceService) -> Client:
    return service.client(identity.ADMIN)


def sold(service: GlanceService, code: str, project: str) -> str:
    """The id of the service's copy of a product that a project has agreed to."""
    owner = service.client(SELLER)
    body = {"name": "product", **BARE, "visibility": "shared", "__imagetype": "market"}
    made = owner.call(
        "POST", "/v2/images", json_body={**body, "__productcode": code}, headers=AS_SERVICE
    ).json
    owner.upload(made["id"], DATA)
    members = f"/v2/images/{made['id']}/members"
    owner.call("POST", members, json_body={"member": project}, headers=AS_SERVICE)
    return str(made["id"])


@pytest.fixture(scope="module")
def product(service: GlanceService) -> str:
    """Of the buyer."""
    return sold(service, CODE, "demo")


@pytest.fixture(scope="module")
def anothers(service: GlanceService) -> str:
    """Of the stranger."""
    return sold(service, OTHERS, "other")


def made(client: Client, headers: dict[str, str] | None = None, **said: object) -> dict:
    """A new image, as Nova or Cinder make it for their caller, or the caller alone."""
    body = {"name": "derived", **BARE, **said}
    return dict(client.call("POST", "/v2/images", json_body=body, headers=headers or {}).json)


@pytest.fixture
def derived(buyer: Client, product: str) -> str:
    """A snapshot of a server that was made of the product, with data."""
    image = made(buyer, AS_NEIGHBOUR, __productcode=CODE, base_image_ref=product)
    buyer.upload(image["id"], DATA)
    return str(image["id"])


@pytest.mark.usefixtures("product", "anothers")
class TestFollows:
    def test_into_what_nova_makes_of_a_server(self, buyer: Client, product: str) -> None:
        """Nova carries the properties of the server's image; without them its record is enough."""
        assert made(buyer, AS_NEIGHBOUR, __productcode=CODE)["__productcode"] == CODE
        assert made(buyer, AS_NEIGHBOUR, base_image_ref=product)["__productcode"] == CODE

    def test_of_a_cloud_without_service_tokens_too(self, buyer: Client, product: str) -> None:
        assert made(buyer, __productcode=CODE)["__productcode"] == CODE
        assert made(buyer, base_image_ref=product)["__productcode"] == CODE

    def test_of_an_image_that_is_gone(self, service: GlanceService, buyer: Client) -> None:
        """Servers outlive their images, and a product may be withdrawn meanwhile."""
        gone = sold(service, "dead" * 8, "demo")
        service.client(SELLER).call("DELETE", f"/v2/images/{gone}", headers=AS_SERVICE)
        assert made(buyer, AS_NEIGHBOUR, base_image_ref=gone)["__productcode"] == "dead" * 8

    def test_into_what_cinder_makes_of_a_volume(self, stranger: Client) -> None:
        """A volume may have been given to another project, with all that is on it."""
        assert made(stranger, AS_NEIGHBOUR, __productcode=CODE)["__productcode"] == CODE

    def test_all_of_them(self, buyer: Client, product: str) -> None:
        image = made(buyer, AS_NEIGHBOUR, __productcode=OTHERS, base_image_ref=product)
        assert image["__productcode"] == f"{OTHERS},{CODE}"

    def test_into_copies_by_the_service(self, buyer: Client) -> None:
        assert made(buyer, AS_SERVICE, __productcode=CODE)["__productcode"] == CODE

    def test_what_was_made_of_nothing_sold_has_none(self, buyer: Client) -> None:
        plain = made(buyer)["id"]
        assert "__productcode" not in made(buyer, AS_NEIGHBOUR)
        for base in (plain, str(uuid.uuid4())):
            assert "__productcode" not in made(buyer, AS_NEIGHBOUR, base_image_ref=base)


@pytest.mark.usefixtures("product", "anothers")
class TestHostile:
    def test_nobody_removes_or_changes_it(self, buyer: Client, derived: str) -> None:
        # What changes nothing is answered as done, for clients that take away what they do not know.
        assert (
            buyer.patch(derived, change("/__productcode", None, "remove"))["__productcode"] == CODE
        )
        for op in ("add", "replace"):
            with refused(403, "IMG.0026"):
                buyer.patch(derived, change("/__productcode", OTHERS, op))
        with refused(400):
            buyer.patch(derived, change("/__ProductCode", "", "add"))
        assert buyer.show(derived)["__productcode"] == CODE

    def test_nobody_invents_one(self, buyer: Client, anothers: str) -> None:
        for code in (OTHERS, "made up", "f" * 32):
            assert "__productcode" not in made(buyer, __productcode=code)
        assert "__productcode" not in made(buyer, base_image_ref=anothers)
        plain = made(buyer)["id"]
        with refused(403, "IMG.0026"):
            buyer.patch(plain, change("/__productcode", CODE))

    def test_what_is_made_anew_has_it_anew(self, buyer: Client, derived: str, product: str) -> None:
        buyer.delete(derived)
        with by_glance(409):
            made(buyer, id=derived)
        image = made(buyer, AS_NEIGHBOUR, base_image_ref=product)
        assert image["__productcode"] == CODE

    def test_nobody_downloads_it(self, buyer: Client, derived: str, product: str) -> None:
        for image in (derived, product):
            for path in ("file", "/file", "file?_method=GET"):
                with refused(409, "IMG.0079"):
                    buyer.call("GET", f"/v2/images/{image}/{path}")
            with refused(409, "IMG.0079"):
                buyer.download(image, 0, 3)
            got = buyer.call("GET", f"/v2/images/{image}/file", headers=AS_NEIGHBOUR)
            assert got.body == DATA

    def test_nor_by_the_door_for_other_regions(self, buyer: Client, derived: str) -> None:
        path = f"/v1/demo/images/{derived}/frames"
        with refused(400, "IMG.0024"):
            buyer.call("POST", path, json_body={})
        assert buyer.call("POST", path, json_body={}, headers=AS_SERVICE).status == 200

    def test_an_import_from_another_region_finds_no_data(self, buyer: Client, product: str) -> None:
        """Glance's own import downloads as its caller does, and its copy would have no code."""
        with refused(409, "IMG.0079"):
            buyer.call("GET", f"/v2/images/{product}/file", headers={"X-Service-Roles": "member"})


@pytest.mark.usefixtures("product")
class TestRules:
    def test_it_is_not_shared_nor_opened(self, buyer: Client, admin: Client, derived: str) -> None:
        with refused(409, "IMG.0024"):
            buyer.share(derived, "other")
        for visibility in ("shared", "community"):
            image = made(buyer, AS_NEIGHBOUR, __productcode=CODE, visibility="private")["id"]
            with refused(409, "IMG.0024"):
                buyer.patch(image, change("/visibility", visibility, "replace"))
        with refused(409, "IMG.0024"):
            admin.patch(derived, change("/visibility", "public", "replace"))
        for client, visibility in ((buyer, "community"), (admin, "public")):
            with refused(409, "IMG.0024"):
                made(client, AS_NEIGHBOUR, __productcode=CODE, visibility=visibility)

    def test_nova_gives_it_to_the_project_of_the_server(self, admin: Client) -> None:
        """An administrator who shelves a server makes an image that only Nova shares."""
        image = made(admin, AS_NEIGHBOUR, __productcode=CODE, visibility="shared")["id"]
        members = f"/v2/images/{image}/members"
        admin.call("POST", members, json_body={"member": "demo"}, headers=AS_NEIGHBOUR)
        with refused(409, "IMG.0024"):
            admin.share(image, "other")

    def test_ims_refuses_the_same(self, buyer: Client, derived: str) -> None:
        wanted: dict[str, dict[str, object]] = {
            "members": {"images": [derived], "projects": ["0" * 32]},
            f"{derived}/file": {"bucket_url": "bucket:object", "file_format": "qcow2"},
            f"{derived}/cross_region_copy": {
                "name": "copy",
                "region": "RegionTwo",
                "project_name": "demo",
                "agency_name": "agency",
            },
        }
        for path, body in wanted.items():
            with refused(400, "IMG.0079" if path.endswith("/file") else "IMG.0024"):
                buyer.call("POST", f"/v1/cloudimages/{path}", json_body=body)

    def test_its_owner_names_tags_and_deletes_it(self, buyer: Client, derived: str) -> None:
        buyer.patch(derived, change("/name", "mine", "replace"))
        buyer.call("PUT", f"/v2/images/{derived}/tags/mine")
        buyer.deactivate(derived)
        buyer.reactivate(derived)
        buyer.delete(derived)

    def test_the_services_copy_is_nobodys(self, service: GlanceService, admin: Client) -> None:
        image = sold(service, "feed" * 8, "demo")
        path = f"/v2/images/{image}"
        for client in (service.client(SELLER), admin):
            for request in (
                ("DELETE", path),
                ("PUT", f"{path}/tags/x"),
                ("POST", f"{path}/actions/deactivate"),
                ("DELETE", f"{path}/members/demo"),
                ("DELETE", f"/v2/stores/plain/{image}"),
            ):
                with refused(409, "IMG.0024"):
                    client.call(*request)
            with refused(409, "IMG.0024"):
                client.share(image, "other")
            for name, value in (("name", "x"), ("visibility", "private"), ("owner", "demo")):
                with refused(409, "IMG.0024"):
                    client.patch(image, change(f"/{name}", value, "replace"))
        assert service.client(identity.DEMO).show(image)["__imagetype"] == "market"


class TestEntitled:
    def test_whoever_agreed_has_it_in_the_lists(self, buyer: Client, product: str) -> None:
        """The service shares it, and it is accepted at once."""
        for path in ("/v2/images", "/v2/cloudimages"):
            listed = buyer.call("GET", f"{path}?__imagetype=market&limit=100").json["images"]
            assert product in {each["id"] for each in listed}
            assert {each["__imagetype"] for each in listed} == {"market"}
            listed = buyer.call("GET", f"{path}?__imagetype=shared&limit=100").json["images"]
            assert product not in {each["id"] for each in listed}

    def test_nobody_else_sees_it(self, stranger: Client, product: str) -> None:
        with by_glance(404):
            stranger.show(product)
        listed = stranger.call("GET", "/v2/images?__imagetype=market&limit=100").json["images"]
        assert product not in {each["id"] for each in listed}

    def test_it_is_taken_away_again(self, service: GlanceService, buyer: Client) -> None:
        image = sold(service, "bead" * 8, "demo")
        members = f"/v2/images/{image}/members"
        for caller in (SELLER, identity.ADMIN):
            client = service.client(caller)
            client.call("DELETE", f"{members}/demo", headers=AS_SERVICE)
            with by_glance(404):
                buyer.show(image)
            for _ in range(2):
                client.send("POST", members, json_body={"member": "demo"}, headers=AS_SERVICE)
            assert buyer.show(image)["status"] == "active"
            listed = buyer.call("GET", f"/v2/images?name=product&id={image}").json["images"]
            assert [each["id"] for each in listed] == [image]
        assert service.client(SELLER).show(image)["visibility"] == "shared"

    def test_more_may_have_it_than_what_tenants_share(self, service: GlanceService) -> None:
        """Glance's own bound is off; that of this service holds for all others."""
        assert "image_member_quota = -1" in (ETC / "ims-glance.conf").read_text().splitlines()
        image = sold(service, "cafe" * 8, "demo")
        owner, members = service.client(SELLER), f"/v2/images/{image}/members"
        for number in range(4):
            body = {"member": f"{number:032x}"}
            owner.call("POST", members, json_body=body, headers=AS_SERVICE)
        listed = owner.call("GET", members).json["members"]
        assert len(listed) == 5
        assert {each["status"] for each in listed} == {"accepted"}
        plain = made(owner)["id"]
        owner.upload(plain, DATA)
        for number in range(3):
            owner.share(plain, f"{number:032x}")
        with refused(413, "IMG.0088"):
            owner.share(plain, "one more")


def test_who_may_name_no_place_learns_of_no_product(stranger: Client, product: str) -> None:
    """This Glance shows no locations, and so takes none."""
    image = made(stranger)["id"]
    for named in (product, str(uuid.uuid4())):
        location = {"url": f"http://127.0.0.1:1/{named}", "metadata": {}}
        with by_glance(403):
            stranger.patch(image, {"op": "add", "path": "/locations/-", "value": location})


def test_who_has_a_machine_has_its_disks(service: GlanceService, stranger: Client) -> None:
    """Of one that is sold; and nobody else, nor they any longer than the machine."""
    owner = service.client(SELLER)
    marked = {**BARE, "visibility": "shared", "__imagetype": "market", "__productcode": OTHERS}

    def call(method: str, path: str, body: object = None, status: int = 200) -> dict:
        answer = owner.send(method, path, json_body=body, headers=AS_SERVICE)
        assert answer.status in (status, 200, 201, 204), answer.text
        return dict(answer.json) if path == "/v2/images" else {}

    disks = []
    for number in range(2):
        disk = call("POST", "/v2/images", {**marked, "name": f"disk {number}", "os_hidden": True})
        owner.upload(disk["id"], DATA)
        disks.append(str(disk["id"]))
    parts = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(disks)]
    whole: dict[str, object] = {**marked, "name": "machine", **whole_image.properties(parts)}
    machine = str(call("POST", "/v2/images", whole)["id"])
    for disk_id in disks:
        changes = [{"op": "add", "path": "/__component_of", "value": machine}]
        owner.call(
            "PATCH",
            f"/v2/images/{disk_id}",
            json_body=changes,
            headers={**AS_SERVICE, "Content-Type": PATCH},
        )
    owner.upload(machine, b"")

    def seen() -> list[int]:
        each = (machine, *disks)
        return [stranger.send("GET", f"/v2/images/{image}").status for image in each]

    members = f"/v2/images/{machine}/members"
    assert seen() == [404] * 3
    call("POST", members, {"member": "other"})
    assert seen() == [200] * 3
    with refused(409, "IMG.0079"):
        stranger.call("GET", f"/v2/images/{disks[1]}/file")
    # Twice, as a worker does that did not learn that it was done.
    call("POST", members, {"member": "other"}, 409)
    assert seen() == [200] * 3
    for status in (204, 404):
        call("DELETE", f"{members}/other", status=status)
        assert seen() == [404] * 3
