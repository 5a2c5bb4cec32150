# SPDX-License-Identifier: Apache-2.0
"""Commands that begin jobs: copies, images of volumes, waiting, cancelling."""

import os
import pty
import secrets
import signal
import subprocess
import time

import pytest

from tests.cloud import client_shell, pocket
from tests.cloud.client_shell import ims, read, refusal

_BIG = 512  # MiB; long enough in copying to be interrupted


@pytest.fixture
def name(demo):
    chosen = f"client-{secrets.token_hex(4)}"
    yield chosen
    client_shell.forget(demo, f"copy_{chosen}")
    client_shell.forget(demo, f"{chosen}-made")


@pytest.fixture
def image(demo, name):
    with client_shell.image(demo, name) as image_id:
        yield image_id


@pytest.fixture(scope="module")
def big(demo):
    with client_shell.image(demo, f"client-big-{secrets.token_hex(4)}", _BIG) as image_id:
        yield image_id


def test_copy_and_wait(demo, name, image):
    copy = read("demo", "image", "copy", name, "--description", "twin", "--wait")
    assert (copy["name"], copy["status"], copy["description"]) == (f"copy_{name}", "active", "twin")
    assert not copy["encrypted"]
    original, twin = (demo.image.get_image(each) for each in (image, copy["id"]))
    assert original.hash_value == twin.hash_value


def test_encrypt_and_decrypt(demo, name, image):
    secret = read("demo", "image", "copy", name, "--key", "ims/default", "--wait")
    assert secret["encrypted"]
    assert secret["key"]
    said = refusal("demo", "image", "copy", secret["id"])
    assert "--decrypt" in said
    plain = read(
        "demo", "image", "copy", secret["id"], "--name", f"{name}-made", "--decrypt", "--wait"
    )
    assert not plain["encrypted"]
    assert demo.image.get_image(plain["id"]).hash_value == demo.image.get_image(image).hash_value


def test_a_job_on_its_own(name, image):
    job = read("demo", "image", "copy", image)
    job_id = job["job_id"]
    assert job["type"] == "imsCopyImageInRegionJob"
    waited = read("demo", "job", "wait", job_id)
    assert (waited["status"], waited["percent"]) == ("SUCCESS", 100.0)
    assert read("demo", "job", "show", job_id)["image_name"] == f"copy_{name}"
    assert job_id in [row["Job ID"] for row in read("demo", "job", "list", "--status", "success")]
    assert job_id not in [row["Job ID"] for row in read("demo", "job", "list", "--status", "fail")]
    assert len(read("demo", "job", "list", "--limit", "1")) == 1
    assert "IMG." in refusal("other", "job", "show", job_id)


@pytest.mark.pocket
def test_cancel(image):
    # So that it is not done before it can be cancelled.
    with pocket.frozen("ims-worker-one"), pocket.frozen("ims-worker-one-b"):
        job = read("demo", "image", "copy", image, "--name", "client-cancelled")
        job_id = job["job_id"]
        ims("demo", "job", "cancel", job_id)
    said = refusal("demo", "job", "wait", job_id)
    assert "cancel" in said.lower()
    assert read("demo", "job", "show", job_id)["status"] == "FAIL"
    assert read("demo", "image", "list", "--name", "client-cancelled") == []
    assert (
        "has ended before" in client_shell.openstack("demo", "ims", "job", "cancel", job_id).stderr
    )


def test_interrupted_waiting_says_how_to_go_on(big):
    waiting = subprocess.Popen(
        [
            # From a run in the background it would inherit that it takes no notice of Ctrl-C.
            *("env", "--default-signal=INT", str(client_shell.OPENSTACK)),
            *("ims", "image", "copy", big, "--name", "client-ctrl-c", "--wait"),
        ],
        env=client_shell.environment("demo"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    first = waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    _output, said = waiting.communicate(timeout=600)
    assert waiting.returncode == 130
    assert "Traceback" not in said
    job_id = first.split()[1].rstrip(":")
    assert f"openstack ims job wait {job_id}" in said
    assert read("demo", "job", "wait", job_id)["status"] == "SUCCESS"
    ims("demo", "image", "delete", "client-ctrl-c")


def test_a_bar_on_a_terminal(big):
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [
            str(client_shell.OPENSTACK),
            "ims",
            "image",
            "copy",
            big,
            "--name",
            "client-bar",
            "--wait",
        ],
        env=client_shell.environment("demo"),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            drawn += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
    assert done.wait(60) == 0
    assert b"MiB of 512.0 MiB" in drawn
    assert b"100%" in drawn
    ims("demo", "image", "delete", "client-bar")


@pytest.mark.volumes
def test_create_from_a_volume(demo, name):
    volume = demo.block_storage.create_volume(name=name, size=1)
    try:
        demo.block_storage.wait_for_status(volume, "available", ["error"], 2, 240)
        made = read(
            "demo",
            *("image", "create", f"{name}-made", "--volume", name, "--tag", "env=test"),
            *("--os-version", "Ubuntu 22.04 server 64bit", "--wait"),
        )
        assert (made["status"], made["os_type"], made["platform"]) == ("active", "Linux", "Ubuntu")
        assert made["origin"] == f"volume,{volume.id}"
        assert made["tags"] == ["env=test"]
    finally:
        demo.block_storage.delete_volume(volume)


@pytest.mark.volumes
def test_no_such_volume():
    said = refusal(
        "demo", "image", "create", "x", "--volume", "none", "--os-version", "CentOS 7.3 64bit"
    )
    assert "none" in said
