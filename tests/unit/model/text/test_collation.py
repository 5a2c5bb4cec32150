# SPDX-License-Identifier: Apache-2.0
"""Names that a database takes for one."""

import pytest

from ims_glance.model.text import collation


@pytest.mark.parametrize(
    "name",
    [
        "__os_type", "__Os_Type", "__ös_type", "__os_type ", " __os_type", "__o\N{COMBINING ACUTE ACCENT}s_type",
        "__ø\N{LATIN SMALL LETTER LONG S}_type", "__o\N{LATIN SMALL LETTER SHARP S}_type",
        "\N{FULLWIDTH LOW LINE}_os_type", "__os\N{ZERO WIDTH SPACE}_type", "__os\x01_type",
        "\N{ZERO WIDTH NO-BREAK SPACE}__os_type", "__os_typ\N{COMBINING LATIN SMALL LETTER E}",
    ],
)  # fmt: skip
def test_one_and_the_same(name):
    assert collation.folded(name) == "__os_type"


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("DÐdð", "dddd"),
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\N{LATIN SMALL LETTER DOTLESS I}", "ii"),
        ("Größe", "grose"),
        ("名前", "名前"),
        ("Ж", "ж"),
        ("hw_disk_bus", "hw_disk_bus"),
        ("a b", "a b"),
        ("", ""),
        ("X" * 256, "X" * 256),
    ],
)
def test_others(name, folded):
    assert collation.folded(name) == folded


def test_twins():
    assert collation.twin("colour", ["name", "Colour", "colour"]) == "Colour"
    assert collation.twin("colour", ["name", "colour", "colours"]) is None
