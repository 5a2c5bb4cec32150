# SPDX-License-Identifier: Apache-2.0
"""The pocket cloud, which ``devstack/pocket test`` has brought up."""

import pytest
from pocket_cloud import status
from pocket_cloud.cloud import Cloud


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
