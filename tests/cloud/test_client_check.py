# SPDX-License-Identifier: Apache-2.0
"""Systems in files and images, by ``openstack ims image check`` and ``--prepare``: a real appliance looks into them."""

import secrets

import pytest
from pocket_cloud import guest

from tests.cloud import buckets, client_shell
from tests.cloud.client_shell import read, refusal

pytestmark = pytest.mark.pocket

ISO = bytes(32769) + b"CD001" + bytes(1 << 20)


@pytest.fixture(scope="module")
def small(cloud):
    """The disk of the guest that no distribution made."""
    return guest.build(cloud).read_bytes()


@pytest.fixture(scope="module")
def bucket(demo, cloud, small):
    with buckets.bucket(demo, f"check-{secrets.token_hex(4)}") as made:
        made.put("alpine.qcow2", guest.alpine(cloud).disk.read_bytes())
        made.put("small.raw", small)
        made.put("cd.iso", ISO)
        yield made


def test_a_distribution_in_a_bucket(demo, bucket):
    before = _own(demo)
    found = read("demo", "image", "check", "--file", f"{bucket.name}:alpine.qcow2")
    assert (found["kind"], found["architecture"]) == ("linux", "x86_64")
    assert "Alpine" in found["system"]
    # Nothing was made, and nothing lies about.
    assert _own(demo) == before


def _own(demo):
    return {each.id for each in demo.image.images(owner=demo.current_project_id)}


@pytest.fixture(scope="module")
def prepared(demo, bucket):
    """An encrypted image of the small guest, which is prepared."""
    name = f"check-{secrets.token_hex(4)}"
    of = ("--file", f"{bucket.name}:small.raw", "--min-disk", "1", "--key", "ims/default")
    yield read("demo", "image", "create", name, *of, "--prepare", "--wait")
    client_shell.forget(demo, name)


def test_a_system_that_nobody_knows_is_taken_as_it_is(demo, prepared, small):
    assert (prepared["status"], prepared["encrypted"]) == ("active", True)
    assert demo.image.download_image(prepared["id"]).content == small
    report = read("demo", "image", "show", prepared["id"], "--report")
    assert (report["image_id"], report["kind"]) == (prepared["id"], None)


def test_an_encrypted_image_is_checked(demo, prepared):
    before = read("demo", "image", "show", prepared["id"], "--report")
    found = read("demo", "image", "check", prepared["id"])
    assert found["kind"] is None
    after = read("demo", "image", "show", prepared["id"], "--report")
    assert after["made_at"] > before["made_at"]
    assert demo.image.get_image(prepared["id"]).status == "active"


def test_nobody_is_shown_the_report_of_another_project(demo, prepared):
    said = refusal("other", "image", "show", prepared["id"], "--report")
    assert "no image" in said


@pytest.mark.parametrize(
    ("file", "arguments", "code"),
    [
        ("cd.iso", ("--for", "iso", "--os-version", "CentOS 7.3 64bit"), None),
        ("absent", (), "IMG.0057"),
    ],
)
def test_what_is_not_prepared(bucket, file, arguments, code):
    of = ("--file", f"{bucket.name}:{file}", "--min-disk", "1", "--prepare", *arguments)
    said = refusal("demo", "image", "create", "x", *of)
    assert code is None or code in said


def test_no_file_is_checked_that_is_not_there(bucket):
    assert "IMG.0057" in refusal("demo", "image", "check", "--file", f"{bucket.name}:absent")
