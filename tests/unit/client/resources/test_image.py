# SPDX-License-Identifier: Apache-2.0
"""Images as the client reads them."""

import pytest
from openstack import exceptions

from ims_glance.client.resources.image import KINDS, Image, changes
from tests.unit.client.cloud import image


def read(**wire):
    body = image(**wire)
    body.pop("self")
    return Image.existing(**body)


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ({}, "system"),
        ({"virtual_env_type": None}, "system"),
        ({"virtual_env_type": "DataImage"}, "data"),
        ({"virtual_env_type": "Ironic"}, "baremetal"),
        ({"virtual_env_type": "IsoImage"}, "iso"),
        ({"__whole_image": "true"}, "whole"),
        ({"__whole_image": True}, "whole"),
        ({"__whole_image": "false"}, "system"),
    ],
)
def test_kind(wire, kind):
    assert read(**wire).kind == kind
    assert kind in KINDS


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        ({}, "private"),
        ({"__imagetype": "gold"}, "public"),
        ({"__imagetype": "market"}, "market"),
        ({"__imagetype": None, "visibility": "community"}, "community"),
    ],
)
def test_type(wire, shown):
    assert read(**wire).type_for_me == shown


@pytest.mark.parametrize(
    ("wire", "count"),
    [
        ({}, 1048576),
        ({"__image_size": "0"}, 0),
        ({"__image_size": None, "size": 7}, 7),
        ({"__image_size": "0", "size": 7}, 7),
        ({"__image_size": None, "size": None}, 0),
        ({"__image_size": "much"}, 0),
    ],
)
def test_bytes(wire, count):
    assert read(**wire).bytes == count


def test_encrypted():
    assert not read().is_encrypted
    assert read(__system__cmkid="key").is_encrypted


def test_what_is_not_known_is_a_property():
    assert read().properties == {"colour": "red"}


def test_query_translates_names():
    assert Image.query({"os_type": "Linux", "name": "x", "__platform": "Ubuntu"}) == {
        "__os_type": "Linux",
        "name": "x",
        "__platform": "Ubuntu",
    }
    with pytest.raises(exceptions.InvalidResourceQuery, match="ostype"):
        Image.query({"ostype": "Linux"})


def test_names_on_the_wire():
    assert Image.on_wire({"description": "d", "colour": "blue"}) == {
        "__description": "d",
        "colour": "blue",
    }


def test_changes():
    assert changes({"name": "n", "__description": "d"}, ["max_ram"]) == [
        {"op": "replace", "path": "/name", "value": "n"},
        {"op": "add", "path": "/__description", "value": "d"},
        {"op": "remove", "path": "/max_ram"},
    ]
