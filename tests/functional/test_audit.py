# SPDX-License-Identifier: Apache-2.0
"""What is done at both doors of a real Glance is on record in the database, and an operator reads it."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.functional import identity
from tests.functional.client import ApiError
from tests.functional.commands import Commands
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService

NOBODY = "00000000-0000-0000-0000-000000000000"
_PATIENCE = 240.0


@pytest.fixture
def service(make_glance: MakeGlance) -> Iterator[GlanceService]:
    """A Glance whose database of jobs has no tables yet."""
    options = {"ims_database": {"connection": "sqlite:///{root}/jobs.sqlite"}}
    with make_glance(options) as made:
        yield made


def _trail(commands: Commands, service: GlanceService, *chosen: str) -> list[list[str]]:
    """What was done, and how it ended. (Who did it, is tested on the pocket cloud: no Keystone is here.)"""
    done = commands.run(service, "audit", *chosen)
    assert done.returncode == 0, done.stderr
    return [line.split()[2:4] for line in done.stdout.splitlines()]


def test_both_doors_are_on_record(service: GlanceService, commands: Commands) -> None:
    """From before the database is usable until Glance is killed."""
    owner, other = service.client(), service.client(identity.OTHER)
    # There is no table yet: nobody waits for that, and it is not forgotten.
    with pytest.raises(ApiError, match="404"):
        other.call("DELETE", f"/v2/images/{NOBODY}")
    assert "run 'ims-manage db sync'" in commands.run(service, "audit").stderr
    assert commands.run(service, "db", "sync").returncode == 0
    image = str(owner.create(name="audited")["id"])
    owner.upload(image, b"data")
    with pytest.raises(ApiError, match="404"):
        other.call("DELETE", f"/v2/images/{image}")
    patch = [{"op": "replace", "path": "/name", "value": "by ims"}]
    assert owner.send("PATCH", f"/v2/cloudimages/{image}", json_body=patch).status == 200
    owner.delete(image)
    expected = [
        ["createImage", "success"],
        ["updateImage", "success"],
        ["deleteImage", "failure"],
        ["updateImage", "success"],
        ["deleteImage", "success"],
    ]
    end = time.monotonic() + _PATIENCE
    while _trail(commands, service, "--image", image) != expected:
        assert time.monotonic() < end, _trail(commands, service)
        time.sleep(0.1)
    service.kill()
    assert _trail(commands, service, "--since", "1h") == [expected[2], *expected]
    (last,) = json.loads(commands.run(service, "audit", "--last", "1", "--json").stdout)
    assert last["target"]["id"] == image
