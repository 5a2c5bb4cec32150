# SPDX-License-Identifier: Apache-2.0
"""What update_image takes, and as what Glance gets it."""

from typing import Any

import pytest

from ims_glance import exceptions
from ims_glance.model.image import update, values

VIEW = {
    "id": "i",
    "name": "n",
    "min_ram": 0,
    "__description": "d",
    "__os_type": "Linux",
    "own": "1",
}


def checked(op, path, value=None):
    return update.checked([{"op": op, "path": path, "value": value}], VIEW)[0]


@pytest.mark.parametrize(
    ("op", "path", "value", "native"),
    [
        ("replace", "/name", "new", ("replace", "new")),
        ("add", "/name", "new", ("replace", "new")),
        ("replace", "/min_ram", 1024, ("replace", 1024)),
        ("replace", "/min_ram", "1024", ("replace", 1024)),
        ("add", "/max_ram", 4096, ("add", "4096")),
        ("add", "/max_ram", "0", ("add", "0")),
        ("replace", "/__description", "x", ("replace", "x")),
        ("add", "/hw_vif_multiqueue_enabled", True, ("add", "true")),
        ("add", "/hw_vif_multiqueue_enabled", "false", ("add", "false")),
        ("add", "/os_shutdown_timeout", "60", ("add", "60")),
        ("add", "/my.own-1:x_", "v", ("add", "v")),
        ("replace", "/own", "2", ("replace", "2")),
    ],
)
def test_changes(op, path, value, native):
    assert checked(op, path, value) == {"op": native[0], "path": path, "value": native[1]}


def test_removal():
    assert checked("remove", "/own") == {"op": "remove", "path": "/own"}


@pytest.mark.parametrize(
    ("op", "path", "value", "code"),
    [
        ("replace", "/max_ram", "1", "IMG.0035"),  # absent: Terraform adds it then
        ("remove", "/max_ram", None, "IMG.0035"),
        ("remove", "/name", None, "IMG.0035"),
        ("add", "/__os_type", "Windows", "IMG.0035"),
        ("replace", "/__system__cmkid", "k", "IMG.0035"),
        ("add", "/__unknown", "x", "IMG.0035"),
        ("add", "/id", "x", "IMG.0035"),
        ("add", "/visibility", "public", "IMG.0035"),
        ("add", "/protected", "true", "IMG.0035"),
        ("add", "/Capital", "x", "IMG.0035"),
        ("add", "/own", None, "IMG.0035"),
        ("replace", "/min_ram", -1, "IMG.0035"),
        ("replace", "/min_ram", True, "IMG.0035"),
        ("replace", "/min_ram", 1.5, "IMG.0035"),
        ("add", "/max_ram", "much", "IMG.0035"),
        ("add", "/os_shutdown_timeout", 59, "IMG.0035"),
        ("add", "/os_shutdown_timeout", 301, "IMG.0035"),
        ("add", "/hw_firmware_type", "coreboot", "IMG.0141"),
        ("add", "/__support_xen", "yes", "IMG.0035"),
        ("add", "/own2", "\N{PILE OF POO}", "IMG.0035"),
        ("add", "/own2", "x" * 5000, "IMG.0035"),
        ("replace", "/name", "", "IMG.0013"),
        ("replace", "/name", " x", "IMG.0003"),
        ("replace", "/__description", "<", "IMG.0054"),
    ],
)
def test_refusals(op, path, value, code):
    with pytest.raises(exceptions.Invalid) as refused:
        checked(op, path, value)
    assert refused.value.code == code


def test_what_excludes_each_other():
    both: list[dict[str, Any]] = [
        {"op": "add", "path": "/__support_xen_hana", "value": "true"},
        {"op": "add", "path": "/__support_xen", "value": "true"},
    ]
    with pytest.raises(values.ValueWrong, match="not together"):
        update.checked(both, VIEW)
    other: dict[str, Any] = {"op": "remove", "path": "/own"}
    update.checked([both[0], other], VIEW)


def test_a_name_that_a_database_takes_for_another():
    view = {**VIEW, "Colour": "red"}
    with pytest.raises(update.ChangeRefused, match="'Colour'"):
        update.checked([{"op": "add", "path": "/colour", "value": "blue"}], view)
    operations: list[dict[str, Any]] = [
        {"op": "remove", "path": "/Colour"},
        {"op": "add", "path": "/colour", "value": "blue"},
    ]
    with pytest.raises(update.ChangeRefused):
        update.checked(operations, view)


def test_one_after_the_other():
    operations: list[dict[str, Any]] = [
        {"op": "add", "path": "/max_ram", "value": 1},
        {"op": "replace", "path": "/max_ram", "value": 2},
        {"op": "remove", "path": "/max_ram"},
    ]
    found = update.checked(operations, VIEW)
    assert [one["op"] for one in found] == ["add", "replace", "remove"]
