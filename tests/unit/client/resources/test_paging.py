# SPDX-License-Identifier: Apache-2.0
"""Lists of several pages."""

from typing import Any

from tests.unit.client.cloud import IMAGE, Answer, image


def pages(request):
    """Five images, two a page at most; like the service, asks for more only if there is more."""
    names = [f"i{number}" for number in range(5)]
    first = names.index(request.query["marker"]) + 1 if "marker" in request.query else 0
    size = min(2, int(request.query.get("limit", 2)))
    found = names[first : first + size]
    body: dict[str, Any] = {"images": [image(name, name) for name in found]}
    if first + size < len(names):
        body["page_info"] = {"next_marker": found[-1]}
    return Answer(200, body)


def test_all_pages(cloud, ims):
    cloud.on("GET", f"{IMAGE}/v2/cloudimages", pages)
    assert [each.id for each in ims.images(os_type="Linux")] == ["i0", "i1", "i2", "i3", "i4"]
    assert [request.query.get("marker") for request in cloud.requests] == [None, "i1", "i3"]
    assert all(request.query["__os_type"] == "Linux" for request in cloud.requests)


def test_no_more_than_wanted(cloud, ims):
    cloud.on("GET", f"{IMAGE}/v2/cloudimages", pages)
    assert [each.id for each in ims.images(max_items=3)] == ["i0", "i1", "i2"]
    assert [request.query.get("limit") for request in cloud.requests] == ["3", "3"]


def test_no_page_is_asked_for_in_vain(cloud, ims):
    cloud.on("GET", f"{IMAGE}/v2/cloudimages", pages)
    assert len(list(ims.images(max_items=2))) == 2
    assert len(cloud.requests) == 1
    list(ims.images(max_items=100_000))
    assert cloud.requests[1].query["limit"] == "500"
    cloud.requests.clear()
    cloud.ims("GET", "/v2/cloudimages", {"images": [], "page_info": None})
    assert list(ims.images()) == []
    assert len(cloud.requests) == 1
