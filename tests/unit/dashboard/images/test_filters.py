# SPDX-License-Identifier: Apache-2.0
from django.http import QueryDict

from ims_glance.dashboard.images.filters import FilterForm


def form(text):
    return FilterForm(QueryDict(text))


def test_what_is_asked_for():
    given = form("kind=whole&os_type=Linux&name=web&tag=env%3Dtest&status=active&marker=x")
    assert given.query == {
        "whole_image": "true",
        "os_type": "Linux",
        "name": "web",
        "tag": "env=test",
        "status": "active",
    }
    assert form(given.address).query == given.query
    assert "marker" not in given.address


def test_nonsense_is_left_out():
    assert form("kind=cat&name=web").query == {"name": "web"}
    assert form("").query == {}
