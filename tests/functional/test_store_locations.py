# SPDX-License-Identifier: Apache-2.0
"""Forged locations: nobody reads or deletes an image through another image.

The Glance here shows locations and lets members set them, as its default policy does, and the
guard is not in its pipeline: what refuses is the driver.
"""

import secrets
from collections.abc import Iterator

import pytest

from tests.functional import identity, stored
from tests.functional.client import Client
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService
from tests.functional.stored import Stored

DATA = secrets.token_bytes(5000)
OPEN = {"DEFAULT": {"show_multiple_locations": True, "show_image_direct_url": True}}
UNGUARDED = {
    "paste_deploy": {"flavor": "keystone", "config_file": "{root}/etc/glance-api-paste.ini"}
}
SERVICE = identity.Caller("other", ("member", "reader", "service"))


@pytest.fixture(scope="module", params=["guarded", "unguarded"])
def service(request: pytest.FixtureRequest, make_glance: MakeGlance) -> Iterator[GlanceService]:
    with make_glance({**OPEN, **(UNGUARDED if request.param == "unguarded" else {})}) as service:
        yield service


@pytest.fixture
def victim(service: GlanceService) -> Iterator[Stored]:
    """An image of project ``demo``, which is as it was after the test."""
    client = service.client()
    image = client.create(cmkid=service.vault.make("demo"))["id"]
    client.upload(image, DATA, store="kms")
    found = stored.find(service.directories.kms, image)
    files = {path: path.read_bytes() for path in (found.body, found.header)}
    yield found
    assert {path: path.read_bytes() for path in files} == files
    assert client.download(image) == DATA


@pytest.fixture
def attacker(service: GlanceService) -> Client:
    """A member of another project, who has learned the location."""
    return service.client(identity.OTHER)


def forged(victim: Stored) -> Iterator[tuple[str, dict]]:
    """Locations that lead to the image, or could."""
    uri = victim.uri
    for url in (uri, uri.replace("ims-kms", "IMS-KMS"), f" {uri}"):
        for metadata in ({}, {"store": "kms"}, {"store": "kms2"}, {"store": "plain"}):
            yield url, metadata
    yield f"ims-kms://kms2/{victim.object_id}", {"store": "kms"}
    yield f"ims-kms://kms/{victim.object_id}?x", {"store": "kms"}
    yield f"ims-kms://kms/{victim.object_id}#x", {"store": "kms"}
    yield f"ims-kms://kms/../kms/{victim.object_id}", {"store": "kms"}
    yield f"ims-kms://kms/{victim.body}", {"store": "kms"}
    yield f"ims-kms://x:y@kms/{victim.object_id}", {"store": "kms"}
    yield f"file://{victim.body}", {"store": "plain"}
    yield f"file://{victim.body}", {"store": "kms_inner"}
    yield f"file://{victim.body}", {"store": "kms"}


def gains_nothing(client: Client, image_id: str, victim: Stored) -> None:
    """The attacker's image gives away nothing, and its deletion deletes nothing."""
    answer = client.send("GET", f"/v2/images/{image_id}/file")
    assert DATA not in answer.body
    assert victim.body.read_bytes()[:100] not in answer.body
    client.delete(image_id)
    assert victim.body.exists()
    assert victim.header.exists()


@pytest.mark.parametrize("operation", ["add", "replace"])
def test_patch(attacker: Client, service: GlanceService, victim: Stored, operation: str) -> None:
    for url, metadata in forged(victim):
        image = attacker.create(cmkid=service.vault.make("other"))["id"]
        location = {"url": url, "metadata": metadata}
        change: dict[str, object] = (
            {"op": "add", "path": "/locations/-", "value": location}
            if operation == "add"
            else {"op": "replace", "path": "/locations", "value": [location]}
        )
        answer = attacker.send(
            "PATCH",
            f"/v2/images/{image}",
            json_body=[change],
            headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
        )
        assert answer.status in (400, 403, 409), (url, metadata, answer)
        assert attacker.show(image)["status"] == "queued"
        gains_nothing(attacker, image, victim)


def test_patch_of_an_image_that_has_data(attacker, service, victim) -> None:
    image = attacker.create(cmkid=service.vault.make("other"))["id"]
    attacker.upload(image, b"mine", store="kms")
    mine = attacker.show(image)["locations"]
    for value in (
        [{"url": victim.uri, "metadata": {"store": "kms"}}],
        [*mine, {"url": victim.uri, "metadata": {"store": "kms"}}],
    ):
        answer = attacker.send(
            "PATCH",
            f"/v2/images/{image}",
            json_body=[{"op": "replace", "path": "/locations", "value": value}],
            headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
        )
        assert answer.status in (400, 403, 409), answer
    assert attacker.show(image)["locations"] == mine
    assert attacker.download(image) == b"mine"
    gains_nothing(attacker, image, victim)


@pytest.mark.parametrize("caller", [identity.OTHER, SERVICE], ids=["member", "service"])
@pytest.mark.parametrize("validation", [{}, {"os_hash_algo": "sha512", "os_hash_value": "0" * 128}])
def test_locations_api(service, attacker, victim, caller, validation) -> None:
    """For others than services this API takes http locations only; then a task looks at it."""
    client = service.client(caller)
    for url in (victim.uri, f" {victim.uri}", f"ims-kms://kms2/{victim.object_id}"):
        image = attacker.create(cmkid=service.vault.make("other"))["id"]
        body = {"url": url, **({"validation_data": validation} if validation else {})}
        client.send("POST", f"/v2/images/{image}/locations", json_body=body)
        shown = attacker.wait(image, "queued")
        assert (shown["size"], shown["locations"]) == (None, [])
        gains_nothing(attacker, image, victim)


def test_locations_say_nothing_but_an_object_id(service: GlanceService, victim: Stored) -> None:
    shown = service.client().show(victim.fields["image_id"])
    assert shown["direct_url"] == victim.uri
    (location,) = shown["locations"]
    assert (location["url"], location["metadata"]) == (victim.uri, {"store": "kms"})
