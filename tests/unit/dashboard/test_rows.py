# SPDX-License-Identifier: Apache-2.0
"""Of an address that anybody may have written, a row takes what it keeps, and of that texts and numbers."""

import json

import pytest
from django.test import RequestFactory

from ims_glance.dashboard import refusals, rows


class AwayRow(rows.KeptRow):
    shown = ("name", "size")

    def __init__(self):
        """Without a table."""

    def fetch(self, request, datum_id):
        raise refusals.RowNotRead("Not now.")

    def as_it_was(self, datum_id, shown, why):
        return datum_id, shown, why


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": "<b>", "size": 3}, {"name": "<b>", "size": 3}),
        ({"name": {"a": 1}, "size": None}, {}),
        ({"connection": "x", "id": "y", "name": "n"}, {"name": "n"}),
        ([1], {}),
        ("text", {}),
        (None, {}),
    ],
)
def test_what_is_kept(given, kept):
    request = RequestFactory().get("/", {"shown": json.dumps(given)})
    assert AwayRow().get_data(request, "i") == ("i", kept, "Not now.")


def test_nothing_is_kept():
    assert AwayRow().get_data(RequestFactory().get("/"), "i") == ("i", {}, "Not now.")
