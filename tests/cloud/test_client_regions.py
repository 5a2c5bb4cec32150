# SPDX-License-Identifier: Apache-2.0
"""Copies in another region of the real cloud: two Glances, workers of both, one Keystone."""

import secrets

import pytest

from tests.cloud import client_shell, jobs, login, pocket, servers
from tests.cloud.client_shell import MIB, ims, read, refusal

pytestmark = pytest.mark.pocket

_TO = ("--region", "RegionTwo")
_BIG = 256  # MiB; long enough on its way to be cancelled


@pytest.fixture(scope="module")
def there(cloud):
    """The same tenant in the other region."""
    return login.connect("demo-two")


@pytest.fixture
def name(demo, there):
    chosen = f"client-{secrets.token_hex(4)}"
    yield chosen
    for each in (f"copy_{chosen}", f"{chosen}-again"):
        client_shell.forget(there, each)
    # Both regions have given back what was delegated to them.
    jobs.eventually(lambda: jobs.trusts(demo), [])


def view(there, image_id):
    return there.image.get(f"/images/{image_id}").json()


def test_an_encrypted_image_and_the_same_again(demo, there, name):
    """Of what is there nothing is sent a second time, though it is encrypted in both regions."""
    with client_shell.image(demo, name, 8, __system__cmkid="ims/default") as image_id:
        shown = read("demo", "image", "copy", name, *_TO, "--wait")
        copy = view(there, shown["image_id"])
        original = demo.image.get_image(image_id)
        assert copy["os_hash_value"] == original.hash_value
        assert copy["__system__cmkid"]
        assert copy["__data_origin"] == f"image,RegionOne,{image_id}"
        options = ("--name", f"{name}-again", "--base", copy["id"], "--wait")
        again = read("demo", "image", "copy", image_id, *_TO, *options)
        assert view(there, again["image_id"])["os_hash_value"] == original.hash_value
        assert again["saved"] > 7 * MIB
        assert again["received"] < MIB


def test_with_an_agency_and_what_it_would_come_to(demo, there, name):
    user, agency = demo.current_user_id, f"copies-{secrets.token_hex(4)}"
    with client_shell.image(demo, name) as image_id:
        said = refusal("demo", "image", "copy", name, *_TO, "--agency", agency)
        assert "IMG.0179" in said
        made = demo.identity.create_application_credential(user, agency)
        try:
            foreseen = read("demo", "image", "copy", name, *_TO, "--agency", agency, "--dry-run")
            assert (foreseen["to_send_at_most"], foreseen["key"]) == (MIB, None)
            shown = read("demo", "image", "copy", name, *_TO, "--agency", agency, "--wait")
        finally:
            demo.identity.delete_application_credential(user, made)
        copy = view(there, shown["image_id"])
        assert copy["os_hash_value"] == demo.image.get_image(image_id).hash_value


def test_a_copy_is_verified_from_both_sides_and_found_from_everywhere(demo, there, name):
    with client_shell.image(demo, name) as image_id:
        assert "no copy" in refusal("demo", "image", "verify", name, *_TO)
        copy_id = read("demo", "image", "copy", name, *_TO, "--wait")["image_id"]
        (row,) = read("demo", "image", "verify", name, *_TO)
        assert (row["Image There"], row["Result"], row["Relation"]) == (copy_id, "same", "copy")
        (row,) = read("demo-two", "image", "verify", copy_id, "--region", "RegionOne")
        assert (row["Image There"], row["Result"], row["Relation"]) == (image_id, "same", "source")
        shown = read("demo", "image", "show", name, "--all-regions")
        places = [(each["region"], each["image_id"], each["status"]) for each in shown["copies"]]
        assert places == [("RegionTwo", copy_id, "active")]
        assert shown["regions_away"] == []
        shown = read("demo-two", "image", "show", copy_id, "--all-regions")
        assert [each["image_id"] for each in shown["copied_from"]] == [image_id]


def test_cancelled_here_it_is_undone_there(demo, there, name):
    with client_shell.image(demo, name, _BIG):
        job = read("demo", "image", "copy", name, *_TO)
        ims("demo", "job", "cancel", job["job_id"])
        refusal("demo", "job", "wait", job["job_id"])
        ended = read("demo-two", "job", "show", job["target_job"])
        assert (ended["status"], ended["error_code"]) == ("FAIL", "IMG.0018")
        assert list(there.image.images(name=f"copy_{name}")) == []


@pytest.mark.alone
def test_a_killed_worker_loses_little(demo, there, name):
    """What it had written down is not asked for again."""
    with client_shell.image(demo, name, _BIG) as image_id:
        job = read("demo", "image", "copy", name, *_TO)
        servers.wait_until(lambda: (_received(job) or 0) > _BIG * MIB // 8)
        with pocket.killed("ims-worker-two"):
            pass
        ended = read("demo", "job", "wait", job["job_id"])
        copy = view(there, ended["image_id"])
        assert copy["os_hash_value"] == demo.image.get_image(image_id).hash_value
        assert _BIG * MIB // 2 < ended["received"] < (_BIG + 8) * MIB
        show = pocket.manage("orphans", region="two")
        assert "spool" not in show.stdout


def _received(job):
    return read("demo", "job", "show", job["job_id"])["received"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--region", "Mars"), "IMG.0108"),
        (("--region", "RegionOne"), "IMG.0016"),
        ((*_TO, "--project", "nobody"), "IMG.0067"),
        ((*_TO, "--base", "00000000-0000-4000-8000-000000000000"), "IMG.0027"),
        ((*_TO, "--key", "00000000-0000-4000-8000-000000000000"), "IMG.0095"),
    ],
)
def test_refusals(demo, name, arguments, code):
    with client_shell.image(demo, name):
        assert code in refusal("demo", "image", "copy", name, *arguments)
