# SPDX-License-Identifier: Apache-2.0
"""The table of images: piece by piece, and safe to open."""

import csv
import io
import tracemalloc

import pytest

from ims_glance.api.ims.operations import image_csv

VIEW = {"id": "i", "name": "n", "status": "active", "created_at": "2026-01-01T00:00:00Z"}


def _table(*pages):
    text = b"".join(image_csv.rows(pages)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_columns():
    view = {
        **VIEW, "__os_type": "Linux", "__os_version": "CentOS 7.3 64bit", "min_disk": 40,
        "__system__cmkid": "k", "virtual_env_type": "DataImage",
    }  # fmt: skip
    assert _table([view]) == [
        {
            "id": "i", "name": "n", "status": "active", "os_type": "Linux",
            "os": "CentOS 7.3 64bit", "kind": "data disk", "disk_gb": "40", "encrypted": "yes",
            "created": "2026-01-01T00:00:00Z",
        }
    ]  # fmt: skip


def test_images_that_say_little():
    row = _table([{**VIEW, "name": None}])[0]
    assert (row["name"], row["kind"], row["disk_gb"], row["encrypted"]) == (
        "", "system disk", "0", "no",
    )  # fmt: skip


def test_whole_machines():
    assert _table([{**VIEW, "__whole_image": "true"}])[0]["kind"] == "whole machine"


def test_odd_names_stay_in_their_cells():
    names = ["=1+1", 'a,"b"', "two\nlines", " +x", "映像"]
    rows = _table([{**VIEW, "name": name} for name in names])
    assert [row["name"] for row in rows] == ["'=1+1", 'a,"b"', "two\nlines", "' +x", "映像"]


def test_one_page_at_a_time():
    asked = []

    def pages():
        for number in range(3):
            asked.append(number)
            yield [{**VIEW, "id": str(number)}]

    pieces = image_csv.rows(pages())
    next(pieces)
    assert asked == []
    next(pieces)
    assert asked == [0]


def test_no_images():
    assert b"".join(image_csv.rows([])).startswith(b"id,name,")


def test_a_table_of_many_images_needs_little_memory():
    """And is closed by whoever sends it."""
    page = [{**VIEW, "name": "x" * 200}] * 1000
    tracemalloc.start()
    table, length = image_csv.made(page for _ in range(50))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length > 10_000_000
    assert peak < 6_000_000
    assert sum(map(len, table)) == length
    table.close()


def test_a_page_that_fails_is_no_end():
    def pages():
        yield [VIEW]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        image_csv.made(pages())
