# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from ims_glance.model.text.printable import printable


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("plain", "plain"),
        ("  two \r\n lines\t", "two lines"),
        ("a\x00\x1b[0m\u202eb\ud800", "a [0m b"),
        (b"bytes \xff", "bytes \ufffd"),
        (7, "7"),
        ("x" * 11, "x" * 9 + "…"),
        ("\x00" * 10_000 + "late", ""),
    ],
)
def test_one_line_of_printable_characters(said: Any, line: str) -> None:
    assert printable(said, 10) == line
