# SPDX-License-Identifier: Apache-2.0
"""What tests of refusals have in common."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.functional.client import ApiError
from tests.functional.key_vault import Vault

CMK_ID = "__system__cmkid"
DATA = b"an image" * 1000


@contextlib.contextmanager
def refused(status: int, code: str = "IMG.") -> Iterator[None]:
    """The block is answered with *status*, by ims_glance if *code* is not empty."""
    with pytest.raises(ApiError) as caught:
        yield
    answer = caught.value.answer
    assert (status, code in answer.text) == (answer.status, True), answer
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    assert bool(code) == ("IMG." in answer.text)


def by_glance(status: int) -> contextlib.AbstractContextManager[None]:
    """The block is answered with *status*, by Glance."""
    return refused(status, "")


def default_keys(vault: Vault, project: str) -> list[str]:
    """Ids of a project's keys of the name that default keys have."""
    return [key.id for key in vault.keys(project) if key.name == "ims/default"]
