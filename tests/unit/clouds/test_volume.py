# SPDX-License-Identifier: Apache-2.0
"""Cinder's client against a small Cinder."""

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.region import Region
from ims_glance.clouds.volume import VolumeApi


@pytest.fixture
def volumes(server):
    return VolumeApi(Region(server.session()))


def test_volumes_and_their_images(server, volumes):
    volume_id = server.volume(size=7)
    assert volumes.get(volume_id)["size"] == 7
    image_id = volumes.upload_to_image(volume_id, "ims-job-1")
    assert server.images[image_id]["name"] == "ims-job-1"
    with pytest.raises(rest.Missing):
        volumes.get("other")


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("Invalid volume: status must be available", rest.Refused),
        # As Cinder says it, although nothing is wrong with the request.
        (
            "Connection to glance failed: Error finding address for x: refused",
            rest.ServiceUnavailable,
        ),
    ],
)
def test_cinder_cannot_reach_glance(server, volumes, reason, error):
    volume_id = server.volume()
    server.reason = reason
    server.failures[f"POST /volumes/{volume_id}/action"] = [400]
    with pytest.raises(error, match=reason.partition(":")[0]) as caught:
        volumes.upload_to_image(volume_id, "ims-job-1")
    assert type(caught.value) is error
    assert volumes.upload_to_image(volume_id, "ims-job-1") in server.images


def test_volumes_of_images_and_empty_ones(server, volumes):
    image_id = server.make(b"data")
    of_image = volumes.create_from_image(image_id, "a", 3)
    empty = volumes.create_empty("b", 4, "fast")
    assert (server.volumes[of_image]["imageRef"], server.volumes[of_image]["size"]) == (image_id, 3)
    assert (server.volumes[empty]["volume_type"], server.volumes[empty]["size"]) == ("fast", 4)
    assert "volume_type" not in server.volumes[volumes.create_empty("c", 1, None)]


def test_messages(server, volumes):
    assert volumes.last_message("v") == ""
    server.messages = [{"user_message": "disk full"}]
    assert volumes.last_message("v") == "disk full"
    server.failures["GET /messages"] = [406]
    assert volumes.last_message("v") == ""


def test_snapshots_and_volumes_of_them(server, volumes):
    source = server.volume()
    snapshot_id = volumes.create_snapshot(source, "ims-job-1-0")
    assert volumes.get_snapshot(snapshot_id)["status"] == "available"
    assert [each["id"] for each in volumes.snapshots_named("ims-job-1-0")] == [snapshot_id]
    volumes.rename_snapshot(snapshot_id, "snapshot for a")
    assert [each["id"] for each in volumes.snapshots_named("snapshot for a")] == [snapshot_id]
    volumes.rename_snapshot(snapshot_id, "ims-job-1-0")
    made = volumes.create_from_snapshot(snapshot_id, "ims-job-1-0", 2)
    assert [(each["id"], each["size"]) for each in volumes.named("ims-job-1-0")] == [(made, 2)]
    volumes.set_image_metadata(made, {"a": "b"})
    assert server.images[volumes.upload_to_image(made, "x")]["a"] == "b"
    with pytest.raises(rest.Refused):
        volumes.delete_snapshot(snapshot_id)
    for _again in range(2):
        volumes.delete(made)
        volumes.delete_snapshot(snapshot_id)
    assert (volumes.named("ims-job-1-0"), volumes.snapshots_named("ims-job-1-0")) == ([], [])


def test_types(server, volumes):
    server.volume_types = ["fast", "slow"]
    assert volumes.types() == {"fast", "slow"}


@pytest.mark.parametrize("filters", [True, False])
def test_only_what_is_called_so_is_found(server, volumes, filters):
    """Also by a Cinder whose operator lets nobody filter by names, and page by page."""
    server.machines.filters_names, server.machines.most_listed = filters, 2
    names = ["other", "ims-job-1-0", "other", "ims-job-1-0", "ims-job-1-0"]
    ids = [server.volume(name=name) for name in names]
    assert [each["id"] for each in volumes.named("ims-job-1-0")] == [ids[1], ids[3], ids[4]]
    taken = [volumes.create_snapshot(ids[0], name) for name in names]
    found = [each["id"] for each in volumes.snapshots_named("ims-job-1-0")]
    assert found == [taken[1], taken[3], taken[4]]


@pytest.mark.parametrize("deleted", [1, 9])
def test_a_list_whose_next_page_follows_what_is_gone(server, volumes, deleted):
    server.machines.most_listed = 1
    ids = [server.volume(name="ims-job-1-0") for _ in range(3)]
    left = [*range(deleted)]

    def before(request):
        if left and server.requests.count(request) % 2 == 0:
            # What the marker names.
            left.pop()
            server.failures["GET /volumes/detail"] = [404]

    server.before = before
    if deleted > 5:
        with pytest.raises(rest.Missing):
            volumes.named("ims-job-1-0")
        return
    assert [each["id"] for each in volumes.named("ims-job-1-0")] == ids


def test_a_cinder_that_refuses_for_another_reason(server, volumes):
    server.failures["GET /volumes/detail"] = [403]
    with pytest.raises(rest.Refused):
        volumes.named("ims-job-1-0")
    assert server.requests == ["GET /volumes/detail"]
