# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image set|unset|delete``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.image_change import DeleteImages, SetImage, UnsetImage
from tests.unit.client.cloud import IMAGE_ID, image


@pytest.fixture
def one(cloud):
    cloud.images(image())
    cloud.ims("PATCH", f"/v2/cloudimages/{IMAGE_ID}", image(name="new"))
    cloud.ims("DELETE", f"/v2/images/{IMAGE_ID}", status=204)
    return cloud


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        (["--name", "new"], ("replace", "/name", "new")),
        (["--description", ""], ("add", "/__description", "")),
        (["--min-ram", "0"], ("replace", "/min_ram", 0)),
        (["--max-ram", "4096"], ("add", "/max_ram", "4096")),
        (["--multi-queue", "off"], ("add", "/hw_vif_multiqueue_enabled", "false")),
        (["--boot-mode", "uefi"], ("add", "/hw_firmware_type", "uefi")),
        (["--shutdown-timeout", "90"], ("add", "/os_shutdown_timeout", "90")),
        (["--enterprise-project", "0"], ("add", "/enterprise_project_id", "0")),
        (["--property", "colour=a=b"], ("add", "/colour", "a=b")),
    ],
)
def test_set(one, run, arguments, change):
    shown = json.loads(run(SetImage, "mine", *arguments, "-f", "json"))
    assert shown["name"] == "new"
    op, path, value = change
    assert one.only("PATCH").body == [{"op": op, "path": path, "value": value}]


def test_unset(one, run):
    run(UnsetImage, "mine", "--description", "--property", "colour", "--max-ram")
    removed = [(each["op"], each["path"]) for each in one.only("PATCH").body]
    assert removed == [("remove", "/__description"), ("remove", "/colour"), ("remove", "/max_ram")]


@pytest.mark.parametrize("command", [SetImage, UnsetImage])
def test_nothing_to_change(one, run, command):
    with pytest.raises(exceptions.CommandError, match="Say what"):
        run(command, "mine")


@pytest.mark.parametrize("arguments", [["--min-ram", "-1"], ["--max-ram", "1 GB"]])
def test_amounts_are_whole(one, run, arguments):
    with pytest.raises(SystemExit):
        run(SetImage, "mine", *arguments)


@pytest.mark.parametrize(
    ("more", "body"), [([], None), (["--with-backup"], {"delete_backup": True})]
)
def test_delete(one, run, more, body):
    assert run(DeleteImages, "mine", *more) == ""
    assert one.only("DELETE").body == body
