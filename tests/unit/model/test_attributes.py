# SPDX-License-Identifier: Apache-2.0
"""Names that look like attributes of the service."""

import pytest

from ims_glance.model import attributes


@pytest.mark.parametrize(
    "name", ["__system__CMKID", "__SYSTEM__cmkid", " __system__cmkid", "__system__encrypted"]
)
def test_misspelt_names_are_found(name):
    assert attributes.unknown_system_names(["name", name]) == [name]


def test_other_names_are_everybodys():
    names = [attributes.CMK_ID, "__system_support_market", "__os_type", "system", "hw_disk_bus"]
    assert attributes.unknown_system_names(names) == []
