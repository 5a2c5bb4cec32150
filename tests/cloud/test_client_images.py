# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image|tag|quota|os`` on the real cloud."""

import csv
import io
import secrets
import subprocess

import pytest

from tests.cloud import client_shell, login
from tests.cloud.client_shell import ims, read, refusal


@pytest.fixture
def name():
    return f"client-{secrets.token_hex(4)}"


@pytest.fixture
def image(demo, name):
    with client_shell.image(demo, name) as image_id:
        yield image_id


def test_list_and_show(name, image):
    (row,) = read("demo", "image", "list", "--name", name)
    assert (row["ID"], row["Status"], row["Kind"], row["Encrypted"]) == (
        image,
        "active",
        "system",
        False,
    )
    shown = read("demo", "image", "show", name)
    assert (shown["id"], shown["type"], shown["size"]) == (image, "private", client_shell.MIB)
    assert shown == read("demo", "image", "show", image)


def test_filters(name, image):
    def found(*arguments):
        return [row["ID"] for row in read("demo", "image", "list", *arguments)]

    assert image in found("--type", "private", "--status", "active")
    assert image in found(
        "--visibility", "private", "--owner", login.project_name("demo"), "--sort", "name:asc"
    )
    assert image not in found("--type", "public")
    assert image not in found("--kind", "data")
    assert found("--limit", "1", "--name", name) == [image]
    assert found("--name", f"{name}-none") == []


def test_both_csvs(name, image, tmp_path):
    text = ims("demo", "image", "list", "--name", name, "-f", "csv", "--quote", "none")
    assert f"{image},{name},active" in text
    target = tmp_path / "images.csv"
    ims("demo", "image", "save-list", "--name", name, "--file", str(target))
    header, row = csv.reader(io.StringIO(target.read_text("utf-8-sig")))
    assert image in row
    assert name in row
    assert len(header) == len(row) == 9


def test_set_and_unset(name, image):
    arguments = ["--description", "a disk", "--min-ram", "1024", "--max-ram", "4096"]
    shown = read(
        "demo", "image", "set", name, *arguments, "--multi-queue", "on", "--property", "colour=red"
    )
    assert (shown["description"], shown["min_ram_mb"]) == ("a disk", 1024)
    assert (shown["max_ram_mb"], shown["multi_queue"]) == ("4096", "true")
    assert shown["properties"]["colour"] == "red"
    shown = read("demo", "image", "set", name, "--description", "another")
    assert shown["description"] == "another"
    shown = read("demo", "image", "unset", name, "--property", "colour", "--multi-queue")
    assert "colour" not in shown["properties"]
    assert not shown["multi_queue"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--name", " x"], "IMG.0003"),
        (["--description", "<b>"], "IMG.0054"),
        (["--property", "__imagetype=gold"], "IMG."),
    ],
)
def test_refusals_have_codes_and_request_ids(name, image, arguments, code):
    said = refusal("demo", "image", "set", name, *arguments)
    assert code in said
    assert "request req-" in said


def test_an_ambiguous_name(demo, name, image):
    with client_shell.image(demo, name) as second:
        said = refusal("demo", "image", "show", name)
        assert image in said
        assert second in said
        assert "Several images" in said


def test_delete_several(demo, name):
    with client_shell.image(demo, f"{name}-kept", is_protected=True) as kept:
        for _ in range(2):
            demo.image.create_image(name=name, disk_format="raw", container_format="bare")
        ids = [row["ID"] for row in read("demo", "image", "list", "--name", name)]
        assert len(ids) == 2
        said = refusal("demo", "image", "delete", ids[0], f"{name}-kept", f"{name}-none", ids[1])
        assert "2 of 4 images were not deleted" in said
        assert "is protected and cannot be deleted" in said
        assert read("demo", "image", "list", "--name", name) == []
        demo.image.update_image(kept, is_protected=False)


def test_tags(name, image):
    ims("demo", "tag", "add", name, "env=test", "team")
    assert read("demo", "tag", "list", name) == [
        {"Key": "env", "Value": "test"},
        {"Key": "team", "Value": ""},
    ]
    assert [row["ID"] for row in read("demo", "image", "list", "--tag", "env=test")] == [image]
    assert {"env", "team"} <= {row["Key"] for row in read("demo", "tag", "list")}
    ims("demo", "tag", "set", name, "env=live", "new=1")
    assert read("demo", "tag", "list", name) == [
        {"Key": "env", "Value": "live"},
        {"Key": "new", "Value": "1"},
    ]
    said = refusal("demo", "tag", "remove", name, "team", "new")
    assert "1 of 2 tags were not removed" in said
    assert [row["Key"] for row in read("demo", "tag", "list", name)] == ["env"]
    said = refusal("demo", "tag", "add", name, *[f"k{number}" for number in range(10)])
    assert "IMG.0116" in said


def test_quota_counts_the_image(image):
    before = {row["Resource"]: row for row in read("demo", "quota", "show")}
    assert before["image"]["Used"] >= 1
    assert before["image"]["Quota"] == before["image"]["Used"] + before["image"]["Remaining"]


def test_operating_systems():
    rows = read("demo", "os", "list", "--platform", "Ubuntu")
    assert rows
    assert {row["Platform"] for row in rows} == {"Ubuntu"}
    assert len(read("demo", "os", "list")) > len(rows)


def test_others_do_not_see_it(image):
    assert "IMG.0027" in refusal("other", "image", "delete", image) or "no image" in refusal(
        "other", "image", "show", image
    )


def test_completion_knows_the_commands():
    done = client_shell.openstack("demo", "complete")
    assert "cmds_ims_image=" in done.stdout
    line = next(line for line in done.stdout.splitlines() if "cmds_ims_image=" in line)
    assert {"copy", "share", "list"} <= set(line.partition("'")[2].rstrip("'").split())


def test_help_names_units():
    done = subprocess.run(
        [str(client_shell.OPENSTACK), "help", "ims", "image", "set"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "in MB" in done.stdout
