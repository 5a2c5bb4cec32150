# SPDX-License-Identifier: Apache-2.0
"""What every operation does: lists go on, and refusals are errors."""

import pytest
from openstack import exceptions

from ims_glance.client import errors
from ims_glance.client.operations.base import segment
from tests.unit.client.cloud import IMAGE_ID, Answer, image


def _pages(*, gone=(), size=2, count=7):
    """A list of images 0, 1, ... of which some vanish as soon as a page has shown them."""
    present = [f"{number:036}" for number in range(count)]

    def answer(request):
        marker = request.query.get("marker")
        if marker and marker not in present:
            return Answer(400, {"error": {"code": "IMG.0017", "message": "No such marker."}})
        begin = present.index(marker) + 1 if marker else 0
        page = present[begin : begin + size]
        info = {"page_info": {"next_marker": page[-1]}} if begin + size < len(present) else {}
        present[:] = [each for each in present if each not in page or int(each) not in gone]
        return Answer(200, {"images": [image(each) for each in page], **info})

    return answer


@pytest.mark.parametrize("gone", [(), (1,), (0, 1), (3,), (1, 2, 3), range(7)])
def test_a_list_goes_on_when_its_marker_is_gone(cloud, ims, gone):
    cloud.on("GET", ".*/v2/cloudimages", _pages(gone=gone))
    assert [int(each.id) for each in ims.images()] == list(range(7))


def test_a_list_that_begins_after_what_never_was(cloud, ims):
    cloud.on("GET", ".*/v2/cloudimages", _pages())
    with pytest.raises(errors.BadRequest, match="No such marker"):
        list(ims.images(marker="x"))


def test_a_service_that_refuses_every_marker(cloud, ims):
    answer = _pages()
    vanished = Answer(400, {"error": {"code": "IMG.0017", "message": "No such marker."}})
    cloud.on("GET", ".*/v2/cloudimages", lambda r: vanished if "marker" in r.query else answer(r))
    with pytest.raises(errors.BadRequest, match="No such marker"):
        list(ims.images())


def test_a_refusal(cloud, ims):
    cloud.refuse("DELETE", f"/v2/images/{IMAGE_ID}", 403, "IMG.0094", "It is public.")
    with pytest.raises(errors.Forbidden) as caught:
        ims.delete_image(IMAGE_ID)
    assert str(caught.value) == "IMG.0094: It is public. (HTTP 403, request req-7)"


def test_a_token_without_a_project(ims, monkeypatch):
    monkeypatch.setattr(ims, "get_project_id", lambda: None)
    with pytest.raises(exceptions.ConfigException, match="project"):
        ims.jobs()


def test_what_is_in_a_path_stays_one_segment():
    assert segment("a/b ?c") == "a%2Fb%20%3Fc"
