# SPDX-License-Identifier: Apache-2.0
"""The Image API's client against a small Glance."""

import pytest
from urllib3.connection import HTTPConnection

from ims_glance.clouds import image_api, rest
from ims_glance.clouds.region import Region
from tests.base import pattern
from tests.unit.clouds.small_cloud import OWNER

SIZE = 3 * image_api.CHUNK + 17


@pytest.fixture
def images(server):
    return image_api.ImageApi(Region(server.session()))


def test_records(server, images):
    made = images.create({"id": "1", "name": "a"})
    assert images.get("1") == made
    assert images.find("2") is None
    assert [each["id"] for each in images.named("a", OWNER)] == ["1"]
    changed = images.update("1", {"a/b~c": "d", "tags": ["t"]}, ("name",))
    assert (changed["a/b~c"], changed["tags"]) == ("d", ["t"])
    assert "name" not in changed
    with pytest.raises(rest.Refused) as caught:
        images.create({"id": "1"})
    assert caught.value.status == 409
    images.delete("1")
    images.delete("1")
    assert server.images == {}


def test_only_what_is_called_so_is_found(server, images):
    """Also hidden ones, and whatever else an answer has in it."""
    for name, is_hidden in (("a", False), ("b", False), ("a", True)):
        server.make(name=name, os_hidden=is_hidden)
    first, _other, last = server.images
    server.ignored.add("name")
    assert [each["id"] for each in images.named("a", OWNER)] == [first, last]


@pytest.mark.parametrize("is_gone", [True, False])
def test_somebody_else_deletes_it_at_the_same_time(server, images, is_gone):
    """Glance refuses the second with 400, as not in this state."""
    image_id = server.make()
    server.failures["DELETE .*"] = [400]

    def before(request):
        if is_gone and request.startswith("DELETE"):
            del server.images[image_id]

    server.before = before
    if is_gone:
        images.delete(image_id)
        return
    with pytest.raises(rest.Refused):
        images.delete(image_id)


def test_data_goes_in_pieces_and_with_its_length(server, images):
    data = pattern(0, SIZE)
    source, target = server.make(data), server.make()
    largest = 0

    def watched(chunks):
        nonlocal largest
        for chunk in chunks:
            largest = max(largest, len(chunk))
            yield chunk

    with images.download(source) as download:
        assert download.size == SIZE
        images.upload(target, watched(download.chunks), download.size)
    assert server.data[target] == data
    assert largest == image_api.CHUNK


def test_glance_may_take_its_time_to_read(server, images, monkeypatch):
    """What waits for a connection waits for room to send as well, unless it is told otherwise."""
    waits = []
    send = HTTPConnection.send

    def watched(connection, data):
        send(connection, data)
        if len(data) == image_api.CHUNK:
            waits.append(connection.sock.gettimeout())

    monkeypatch.setattr(HTTPConnection, "send", watched)
    source, target = server.make(pattern(0, SIZE)), server.make()
    with images.download(source) as download:
        images.upload(target, download.chunks, download.size)
    assert len(waits) == 3
    assert min(waits) >= 60


def test_no_data_is_data(server, images):
    source, target = server.make(b""), server.make()
    with images.download(source) as download:
        images.upload(target, download.chunks, download.size)
    assert server.data[target] == b""


def test_what_goes_wrong_on_the_way_is_raised(server, images):
    target = server.make()

    def broken():
        yield b"x"
        raise KeyError("on the way")

    with pytest.raises(KeyError, match="on the way"):
        images.upload(target, broken(), 1000)
    assert server.images[target]["status"] == "queued"


def test_a_download_that_ends_early_is_an_error(server, images):
    source = server.make(b"x" * 1000)
    with images.download(source) as download:
        server.data.clear()
        rest_api = Region(server.session()).service("image", "Image")
        short = rest_api.data(_Response(), download.size, image_api.CHUNK, "a download")
        with pytest.raises(rest.ServiceUnavailable, match="1 of 1000 bytes"):
            list(short)


def test_a_download_that_breaks_off_is_an_error(images):
    with pytest.raises(rest.ServiceUnavailable, match="broke off: gone"):
        list(images._rest.data(_Response(OSError("gone")), 1000, image_api.CHUNK, "a download"))


class _Response:
    """An answer with one byte, and an error after it."""

    def __init__(self, error=None):
        self.error = error
        self.raw, self._left = self, [b"x"]

    def read1(self, _size):
        if self._left:
            return self._left.pop()
        if self.error:
            raise self.error
        return b""


def test_members(server, images):
    image_id = server.make(b"")
    images.add_member(image_id, "p")
    with pytest.raises(rest.Refused):
        images.add_member(image_id, "p")
    images.set_member_status(image_id, "p", "accepted")
    assert images.members(image_id) == {"p": "accepted"}
    images.delete_member(image_id, "p")
    images.delete_member(image_id, "p")
    with pytest.raises(rest.Refused, match="Only shared images"):
        images.members(image_id)


def test_active_images_come_page_by_page(images, monkeypatch):
    asked = []

    def answer(_method, _path, params):
        asked.append(params)
        begin = 0 if "marker" not in params else int(params["marker"]) + 1
        page = [{"id": str(number)} for number in range(begin, min(begin + 2, 3))]
        return {"images": page} | ({"next": "x"} if page else {})

    monkeypatch.setattr(images._rest, "json", answer)
    assert [each["id"] for each in images.active("p", "t")] == ["0", "1", "2"]
    query = {"owner": "p", "status": "active", "sort": "created_at:asc", "limit": "100", "tag": "t"}
    assert asked == [query, {**query, "marker": "1"}, {**query, "marker": "2"}]
    assert [each["id"] for each in images.active("p")] == ["0", "1", "2"]
    assert "tag" not in asked[-1]
