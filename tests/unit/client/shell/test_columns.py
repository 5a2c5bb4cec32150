# SPDX-License-Identifier: Apache-2.0
"""How values are shown."""

from typing import Any

import pytest

from ims_glance.client.shell.columns import Lines, Size, TextLines, YesNo


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (128 * 1024**3, "128.0 GiB"),
        (5000 * 1024**4, "5000.0 TiB"),
    ],
)
def test_sizes(count, text):
    assert Size(count).human_readable() == text
    assert Size(count).machine_readable() == count


@pytest.mark.parametrize(("value", "text"), [(True, "yes"), (False, "no")])
def test_truth(value, text):
    assert YesNo(value).human_readable() == text
    assert YesNo(value).machine_readable() is value


def test_records():
    records: list[dict[str, Any]] = [
        {"image_id": "i", "status": "success", "why": None},
        {"image_id": "j"},
    ]
    assert Lines(records).human_readable() == "image_id=i, status=success\nimage_id=j"
    assert Lines(records).machine_readable() == records
    assert Lines([]).human_readable() == ""


def test_sentences():
    assert TextLines(["One.", "Two."]).human_readable() == "One.\nTwo."
    assert TextLines([]).human_readable() == ""
