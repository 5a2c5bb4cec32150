# SPDX-License-Identifier: Apache-2.0
"""The pocket cloud, which ``devstack/pocket test`` has brought up."""

import pytest
from pocket_cloud import status
from pocket_cloud.cloud import Cloud

from ims_glance import client
from tests.cloud import jobs, machines, pocket


@pytest.fixture(scope="session")
def cloud() -> Cloud:
    """The cloud's ports, folders and passwords."""
    return Cloud.from_environment()


@pytest.fixture(scope="session", autouse=True)
def _is_up(cloud):
    """Say at once what is wrong, instead of a timeout in every test."""
    text, is_up = status.report(cloud)
    if not is_up:
        pytest.fail(f"the cloud is not up, 'devstack/pocket test' starts it:\n{text}")


@pytest.fixture(scope="module")
def demo(cloud):
    """A connection as the cloud's tenant ``demo``."""
    return pocket.connect("demo")


@pytest.fixture(scope="module")
def other(cloud):
    """A connection as its tenant ``other``."""
    return pocket.connect("other")


@pytest.fixture(scope="module")
def tenant(cloud):
    """A connection as the only user of a project of its own."""
    with jobs.tenant() as tenant:
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


def pytest_collection_modifyitems(items):
    """Last comes what takes the cloud's database and queue away: Nova and Cinder need a while."""
    items.sort(key=lambda item: item.path.name == "test_torture.py")
