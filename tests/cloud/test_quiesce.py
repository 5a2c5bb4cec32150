# SPDX-License-Identifier: Apache-2.0
"""Servers whose guest agent holds their disks still, and one whose agent does not answer."""

from typing import Any

import pytest

from ims_glance.model.image import attributes
from tests.cloud import captures, flow_jobs, jobs, machines, servers

pytestmark = pytest.mark.pocket

PATIENCE = 400
REQUIRED: dict[str, Any] = {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes"}
FROZEN, THAWED = "IMS-GUEST-FROZEN", "IMS-GUEST-THAWED"


@pytest.fixture(scope="module")
def with_agent(tenant):
    """It counts quickly: disks that were not held still would differ."""
    with (
        machines.guest(tenant, agent=True, **REQUIRED) as image,
        machines.volume_root(tenant, image, pause=machines.QUICK) as server,
    ):
        yield server


@pytest.fixture
def silent(tenant):
    """It has the same properties, and no agent."""
    with (
        machines.guest(tenant, **REQUIRED) as image,
        machines.volume_root(tenant, image, disks=1) as server,
    ):
        yield server


def captured(tenant, server, **wishes):
    """The ended job that made a whole-machine image, and the image as Glance shows it."""
    before = captures.left(tenant)
    job = tenant.ims.create_whole_image("whole", instance_id=server.id, **wishes)
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    jobs.eventually(lambda: captures.left(tenant).get("snapshots"), before.get("snapshots"))
    assert captures.left(tenant)["servers"] == before["servers"]
    return ended, flow_jobs.view(tenant, ended.image_id)


def counts_after_boot(tenant, image):
    with machines.booted(tenant, image_id=image["id"]) as server:
        return machines.counters(tenant, server)


def events(tenant, server):
    """What the hook in the guest told, in its order."""
    lines = servers.console(tenant, server).splitlines()
    return [line.strip() for line in lines if line.strip() in (FROZEN, THAWED)]


def check_goes_on(tenant, server, counts):
    """Check that a guest runs, and has gone on counting."""
    assert tenant.compute.get_server(server.id).status == "ACTIVE"
    tenant.compute.reboot_server(server, "HARD")
    tenant.compute.wait_for_server(server, wait=240)
    # It tells where it has come to when it starts.
    servers.wait_until(lambda: max(machines.counters(tenant, server), default=0) > max(counts))


def test_the_agent_holds_the_disks_still(tenant, with_agent):
    before = len(events(tenant, with_agent))
    ended, image = captured(tenant, with_agent)
    assert image[attributes.CAPTURE] == "quiesced", ended.entities
    assert 0 < int(image[attributes.STANDSTILL]) < 60_000
    servers.wait_until(lambda: events(tenant, with_agent)[before:] == [FROZEN, THAWED], 30)
    counts = counts_after_boot(tenant, image)
    # Between two rounds; a paused guest may be within one.
    assert len(counts) == 3
    assert len(set(counts)) == 1, counts
    assert counts[0] > 1
    tenant.ims.delete_image(image["id"])
    check_goes_on(tenant, with_agent, counts)


def test_a_backup_is_made_the_same_way(tenant, with_agent):
    job = tenant.ims.create_backup("quiesced", with_agent.id)
    ended = tenant.ims.wait_for_job(job, timeout=PATIENCE)
    found = tenant.ims.find_backup(ended.backup_id)
    assert found.capture == "quiesced", ended.entities
    tenant.ims.delete_backup(found)
    assert events(tenant, with_agent)[-1] == THAWED


def test_an_agent_that_does_not_answer(tenant, silent):
    ended, image = captured(tenant, silent)
    assert image[attributes.CAPTURE] == "paused"
    assert ended.quiesce_refused
    assert tenant.compute.get_server(silent.id).status == "ACTIVE"
    tenant.ims.delete_image(image["id"])
