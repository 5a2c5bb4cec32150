# SPDX-License-Identifier: Apache-2.0
"""The pocket cloud, which ``devstack/pocket test`` has brought up; or another (:mod:`tests.cloud.login`)."""

import pytest
from pocket_cloud import status
from pocket_cloud.cloud import Cloud

from ims_glance import client
from tests.cloud import leftovers, login, machines, tenants

# What takes longest begins first, so that no process is left alone with it at the end; the rest
# follows in the order of the alphabet.
LONGEST = (
    "test_whole_machine.py",
    "test_backups.py",
    "test_demo.py",
    "test_guest_preparation.py",
    "test_quiesce.py",
    "test_tempest.py",
    "test_torture_backups.py",
    "test_flow_volume_image.py",
    "test_fuzz.py",
    "test_torture_machines.py",
    "test_jobs.py",
    "test_pocket_lifecycle.py",
    "test_elsewhere.py",
    "test_flow_copy.py",
    "test_flow_members.py",
    "test_store_contract.py",
    "test_guest.py",
    "test_small_clouds.py",
)
# Last comes what takes the cloud's database and queue away: Nova and Cinder need a while.
LAST = "test_torture.py"
_BEFORE = pytest.StashKey[leftovers.Found]()


@pytest.fixture(scope="session")
def cloud() -> Cloud:
    """The cloud's ports, folders and passwords."""
    return Cloud.from_environment()


@pytest.fixture(scope="session", autouse=True)
def _is_up(cloud):
    """Say at once what is wrong, instead of a timeout in every test."""
    if login.IS_ELSEWHERE:
        return
    text, is_up = status.report(cloud)
    if not is_up:
        pytest.fail(f"the cloud is not up, 'devstack/pocket test' starts it:\n{text}")


@pytest.fixture(scope="session", autouse=True)
def _tenants(_is_up, tmp_path_factory):
    """``demo`` and ``other`` are this process's own."""
    with tenants.of_this_process(tmp_path_factory.mktemp("tenants")):
        yield


@pytest.fixture(scope="module")
def demo(cloud):
    """A connection as tenant ``demo``."""
    return login.connect("demo")


@pytest.fixture(scope="module")
def other(cloud):
    """A connection as tenant ``other``."""
    return login.connect("other")


@pytest.fixture(scope="module")
def tenant(cloud):
    """A connection as the only user of a project of its own."""
    with tenants.tenant() as tenant:
        yield client.register(tenant)


@pytest.fixture(scope="module")
def guest(tenant):
    """Id of the image of a guest that counts on its disks."""
    with machines.guest(tenant) as image_id:
        yield image_id


@pytest.fixture(scope="module")
def local(tenant, guest):
    """A server with its root disk on its host and one data volume."""
    with machines.local_root(tenant, guest, disks=1) as server:
        yield server


def pytest_collection_modifyitems(config, items):
    """Have the longest modules first, and the one that harms most last.

    On another cloud there is nothing of what the pocket cloud's own tests look into, and perhaps no
    Volume service.
    """
    if login.IS_ELSEWHERE:
        missing = {"pocket"} | ({"volumes"} if not login.has_service("block-storage") else set())
        left_out = [item for item in items if any(map(item.get_closest_marker, missing))]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: _place(item.path.name))


def _place(name):
    if name == LAST:
        return len(LONGEST) + 1
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def pytest_sessionstart(session):
    """Count what there is in the cloud; once, and not in each of several processes."""
    if not login.IS_ELSEWHERE and not hasattr(session.config, "workerinput"):
        session.config.stash[_BEFORE] = leftovers.of_cloud()


def pytest_sessionfinish(session, exitstatus):
    """Fail if anything in the cloud was left, whosever it is."""
    before = session.config.stash.get(_BEFORE, None)
    if before is None or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return
    if left := leftovers.more(before, leftovers.of_cloud()):
        lines = "\n".join(f"  {kind}: {each}" for kind, found in left.items() for each in found)
        print(f"\nleft in the cloud by these tests, or by who else used it:\n{lines}", flush=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
