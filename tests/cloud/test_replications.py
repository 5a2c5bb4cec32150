# SPDX-License-Identifier: Apache-2.0
"""Replications on the real cloud: two Glances, workers of both, one Keystone."""

import secrets

import pytest

from tests.cloud import client_shell, jobs, login
from tests.cloud.client_shell import ims, read, refusal

pytestmark = pytest.mark.pocket

_TO = ("--region", "RegionTwo")
# A worker looks every two seconds, and a copy takes some.
_LONG = 120.0


@pytest.fixture(scope="module")
def there(cloud):
    """The same tenant in the other region."""
    return login.connect("demo-two")


@pytest.fixture
def name(demo, there):
    """Of a replication, of the images that it is about, and of their tag."""
    chosen = f"replica-{secrets.token_hex(4)}"
    yield chosen
    client_shell.openstack("demo", "ims", "replication", "delete", chosen)
    for each in (chosen, f"{chosen}-newer"):
        client_shell.forget(there, each)
    # Both regions have given back what was delegated to them.
    jobs.eventually(lambda: jobs.trusts(demo), [])


def view(there, image_id):
    return there.image.get(f"/images/{image_id}").json()


def _images(name):
    """What became of the images: id -> what is shown."""
    shown = read("demo", "replication", "show", name)
    return {each["image_id"]: each for each in shown["images"]}


def _states(name):
    return {image_id: each["state"] for image_id, each in _images(name).items()}


def _tagged(name):
    return {"tags": [f"ims={name}"]}


def test_each_image_is_copied_once_and_the_newest_is_kept(demo, there, name):
    made = read("demo", "replication", "create", name, *_TO, "--tag", f"ims={name}", "--keep", "1")
    assert (made["status"], made["tag"]) == ("active", f"ims={name}")
    with client_shell.image(demo, name, __system__cmkid="ims/default", **_tagged(name)) as first:
        jobs.eventually(lambda: _states(name), {first: "done"}, _LONG)
        copy_id = _images(name)[first]["copy_id"]
        copy = view(there, copy_id)
        original = demo.image.get_image(first)
        assert (copy["os_hash_value"], copy["tags"]) == (original.hash_value, [f"ims={name}"])
        assert copy["__system__cmkid"]
        with client_shell.image(demo, f"{name}-newer", **_tagged(name)) as second:
            jobs.eventually(lambda: _states(name), {first: "removed", second: "done"}, _LONG)
            kept = _images(name)[second]["copy_id"]
            assert [each.id for each in there.image.images(tag=f"ims={name}")] == [kept]


def test_paused_it_copies_nothing_until_it_is_resumed(demo, there, name):
    read("demo", "replication", "create", name, *_TO, "--image-name", name)
    assert read("demo", "replication", "pause", name)["status"] == "paused"
    with client_shell.image(demo, name) as image_id:
        assert _images(name) == {}
        assert read("demo", "replication", "resume", name)["status"] == "active"
        jobs.eventually(lambda: _states(name), {image_id: "done"}, _LONG)
        (row,) = [each for each in read("demo", "replication", "list") if each["Name"] == name]
        assert (row["Region"], row["Image Name"]) == ("RegionTwo", name)
        ims("demo", "replication", "delete", name)
        assert "There is no replication" in refusal("demo", "replication", "show", name)
        # Its copies stay.
        assert [each.name for each in there.image.images(name=name)] == [name]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (_TO, "IMG.0104"),
        ((*_TO, "--tag", "a b"), "IMG.0115"),
        (("--region", "Mars", "--tag", "a"), "IMG.0108"),
        ((*_TO, "--tag", "a", "--project", "nobody"), "IMG.0067"),
        ((*_TO, "--tag", "a", "--agency", "nobody"), "IMG.0179"),
        ((*_TO, "--tag", "a", "--key", "00000000-0000-4000-8000-000000000000"), "IMG.0095"),
    ],
)
def test_refusals(demo, arguments, code):
    assert code in refusal("demo", "replication", "create", "refused", *arguments)
    assert [each for each in read("demo", "replication", "list") if each["Name"] == "refused"] == []
    jobs.eventually(lambda: jobs.trusts(demo), [])
