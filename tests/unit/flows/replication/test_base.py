# SPDX-License-Identifier: Apache-2.0
"""What a new version is compared with, and that it does no harm whatever becomes of it."""

import itertools
import random

import pytest

from ims_glance.clouds.rest import Rest, ServiceUnavailable
from ims_glance.flows.replication import base
from ims_glance.model.image import whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import RECEIVE_IMAGE
from ims_glance.model.server import Disk
from ims_glance.store.sealed import Owner
from ims_glance.store.spools import Spools
from ims_glance.transfer import cuts
from ims_glance.transfer.held import piece_prefix
from tests.unit.jobs import job_bench
from tests.unit.store.stores import KEY_ID

PIECE = 1 << 16
NOISE = random.Random(1).randbytes(10 * PIECE + 100)
SOURCE = {"id": "s", "name": "web", "disk_format": "raw"}
RAW = {"disk_format": "raw"}


@pytest.fixture
def job(tables, server):
    """Makes a job."""

    numbers = itertools.count(1)

    def make(**arguments):
        wanted = {"source_region": "RegionTwo", "name": "web copy", **arguments}
        values = {"type": RECEIVE_IMAGE, "project_id": "demo", "image_id": "own"}
        made = job_bench.context(tables, next(numbers), arguments=wanted, **values)
        made.session = server.session()
        return made

    return make


@pytest.fixture
def whole(server):
    """A whole machine of two disks."""

    def make(**properties):
        ids = [server.make(b"disk", os_hidden=True, **RAW) for _number in range(2)]
        parts = [Component(Disk(number, None, 1), each) for number, each in enumerate(ids)]
        return server.make(b"", **whole_image.properties(parts), **properties), ids

    return make


def older(server, created="2026-11-01T00:00:00Z", **properties):
    return server.make(b"data", created_at=created, **{"name": "web", **RAW, **properties})


def chosen(job, source=SOURCE):
    """Ids of what is chosen."""
    return [[each["id"] for each in views] for views in base.choose(job, source)]


def test_the_newest_two_of_the_name_or_the_lineage(job, server):
    older(server, created="2026-11-02T00:00:00Z")
    before = older(server, created="2026-11-03T00:00:00Z", name="web copy")
    newest = older(
        server, created="2026-11-04T00:00:00Z", name="x", __data_origin="image,RegionTwo,s"
    )
    assert chosen(job()) == [[newest, before]]


def test_what_the_source_itself_was_copied_from(job, server):
    """Two versions have one origin; or the origin is here."""
    sibling = older(server, name="x", __data_origin="image,RegionOne,o")
    source = {**SOURCE, "__data_origin": "image,RegionOne,o"}
    assert chosen(job(), source) == [[sibling]]
    del server.images[sibling]
    origin = older(server, name="y", id="o")
    assert chosen(job(), source) == [[origin]]
    assert chosen(job(), {**SOURCE, "__data_origin": "server_backup,x"}) == []


@pytest.mark.parametrize(
    "properties",
    [
        {"owner": "others"},
        {"status": "deactivated"},
        {"disk_format": "qcow2"},
        {"os_hidden": True},
        {"__component_of": "w"},
        {"__whole_image": "true"},
        {"id": "own"},
    ],
)
def test_others_are_none(job, server, properties):
    image_id = older(server, **properties)
    server.images[image_id].update(properties)
    assert chosen(job()) == []


def test_one_that_is_named_goes_before_all(job, server):
    older(server)
    named = older(server, name="z", owner="others", disk_format="qcow2")
    assert chosen(job(base_image_id=named)) == [[named]]


def test_as_many_as_are_named(job, server):
    newest, *others = [older(server, created=f"2026-{month}") for month in (12, 11, 10, 9)]
    wished = job(base_image_id=others[2], base_image_ids=[others[0], newest, others[2]])
    assert chosen(wished) == [[others[2], others[0], newest]]
    server.images[others[0]]["status"] = "deactivated"
    assert chosen(wished) == [[others[2], newest]]
    assert chosen(job(base_image_ids=[others[1]])) == [[others[1]]]


def test_they_are_cut_by_content_where_the_other_region_can():
    views = [{"id": "a", "size": 12 << 30}, {"id": "b", "size": 4 << 30}]
    fine, coarse = cuts.CONTENT
    assert base.Bases.of(views, by_content=True) == base.Bases(("a", "b"), fine)
    assert base.Bases.of([*views, {"id": "c", "size": 1}], by_content=True).cut is coarse
    assert base.Bases.of(views, by_content=False) == base.Bases(("a", "b"), cuts.FIXED)


@pytest.mark.parametrize("change", [dict.clear, lambda view: view.update(status="deactivated")])
def test_one_that_is_named_and_gone_is_none(job, server, change):
    """It was there when the job was accepted."""
    older(server)
    named = older(server, name="z")
    change(server.images[named])
    if not server.images[named]:
        del server.images[named]
    assert chosen(job(base_image_id=named)) == []


def test_whole_machines_disk_by_disk(job, server, whole):
    image_id, ids = whole(name="web", created_at="2026")
    source = {**SOURCE, "__whole_image": "true"}
    del source["disk_format"]
    for wished in ({"base_image_id": image_id}, {}):
        assert chosen(job(**wished), source) == [[each] for each in ids]
    _other, more = whole(name="web", created_at="2025")
    together = [list(each) for each in zip(ids, more, strict=True)]
    assert chosen(job(), source) == together
    del server.images[ids[0]]
    assert chosen(job(), source) == [together[0][1:], together[1]]


# --- its pieces --------------------------------------------------------------------------------


@pytest.fixture
def spool(inner, key_manager):
    with_keys = Spools(lambda: inner, lambda: key_manager)
    return lambda: with_keys.open(Owner(f"{1:032x}", 0, "s"), KEY_ID)


def test_pieces_that_are_not_zeros(job, server, spool):
    data = NOISE[: 3 * PIECE] + bytes(2 * PIECE) + NOISE[3 * PIECE :]
    opened = spool()
    base.keep(job(), opened, [server.make(data)])
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    wanted = {piece_prefix(each): each for each in pieces if each.strip(b"\0")}
    for found in (opened, spool()):
        assert found.prefixes() == b"".join(sorted(wanted))
        for prefix, piece in wanted.items():
            assert found.at(found.place(prefix)) == piece


def test_as_many_as_may_be_named(job, server, spool, monkeypatch):
    monkeypatch.setattr(base, "HELD_LIMIT", 1)
    monkeypatch.setattr("ims_glance.store.spool.CONTENTS", PIECE)
    opened = spool()
    base.keep(job(), opened, [server.make(NOISE)])
    assert opened.pieces < 5


@pytest.mark.parametrize("status", [403, 404])
def test_what_cannot_be_read_is_done_without(job, server, spool, status):
    server.failures["GET .*/file"] = [status]
    opened = spool()
    base.keep(job(), opened, [server.make(NOISE)])
    assert opened.pieces == 0


def test_what_is_damaged_is_done_without(job, server, spool):
    """As the store answers if it finds that before it has sent anything."""
    server.reason = "IMG.0057: The stored data of the image is damaged."
    server.failures["GET .*/file"] = [500]
    opened = spool()
    base.keep(job(), opened, [server.make(NOISE)])
    assert opened.pieces == 0


def test_a_service_that_is_away_is_waited_for(job, server, spool):
    server.failures["GET .*/file"] = [500]
    with pytest.raises(ServiceUnavailable):
        base.keep(job(), spool(), [server.make(NOISE)])


def breaks_off(monkeypatch, at):
    """Have each download break off before its chunk *at*(number of the download)."""
    chunks, seen = Rest.data, []

    def broken(self, response, size, *more):
        seen.append(response)
        for number, chunk in enumerate(chunks(self, response, size, *more)):
            if number == at(len(seen)):
                raise self.away("it broke")
            yield chunk

    monkeypatch.setattr("ims_glance.clouds.image_api.CHUNK", 3 * PIECE)
    monkeypatch.setattr(Rest, "data", broken)


def test_what_breaks_off_is_gone_on_with(job, server, spool, monkeypatch):
    breaks_off(monkeypatch, lambda _number: 1)
    opened = spool()
    base.keep(job(), opened, [server.make(NOISE)])
    assert opened.pieces == 11
    assert server.ranges == [f"bytes={at * PIECE}-" for at in (3, 6, 9)]


def test_what_breaks_off_at_one_place_is_done_without(job, server, spool, monkeypatch):
    """There is damage in the store."""
    breaks_off(monkeypatch, lambda number: 1 if number == 1 else 0)
    opened = spool()
    base.keep(job(), opened, [server.make(NOISE)])
    assert opened.pieces == 3


def test_another_worker_goes_on_with_it(job, server, spool):
    opened = spool()
    for number in range(4):
        piece = NOISE[number * PIECE : (number + 1) * PIECE]
        opened.piece(piece_prefix(piece), number * PIECE, piece)
    opened.flush()
    other = spool()
    base.keep(job(), other, [server.make(NOISE)])
    assert other.pieces == len(other.prefixes()) // 8 == 11
    assert server.ranges[-1] == f"bytes={4 * PIECE}-"


def prefixes(*images, cut=cuts.FIXED):
    """Those of the pieces that are not zeros."""
    pieces = {each for data in images for each in cut.cut([data], 0) if each.strip(b"\0")}
    return b"".join(sorted(map(piece_prefix, pieces)))


MOVED = NOISE[:4096] + b"x" * 4096 + NOISE[4096:]


@pytest.mark.parametrize("cut", [cuts.FIXED, cuts.CONTENT[0]], ids=lambda cut: cut.name)
def test_of_several_images_each_piece_is_kept_once(job, server, spool, cut):
    opened = spool()
    base.keep(job(), opened, [server.make(each) for each in (NOISE, MOVED, NOISE)], cut)
    for found in (opened, spool()):
        assert found.prefixes() == prefixes(NOISE, MOVED, cut=cut)
        assert found.pieces == len(found.prefixes()) // 8
    fewer = len(prefixes(MOVED, cut=cut)) // 2
    assert (found.pieces < len(prefixes(NOISE, cut=cut)) // 8 + fewer // 8) is (
        cut is not cuts.FIXED
    )


def test_one_of_several_that_is_gone_is_done_without(job, server, spool):
    opened = spool()
    base.keep(job(), opened, ["gone", server.make(NOISE), "gone as well", server.make(MOVED)])
    assert opened.prefixes() == prefixes(NOISE, MOVED)


@pytest.mark.parametrize("dies", range(1, 6))
def test_another_worker_goes_on_with_several(job, server, spool, monkeypatch, dies):
    """Wherever the one before died, all is there in the end, and it is not read from the first byte."""
    monkeypatch.setattr("ims_glance.store.spool.CONTENTS", 3 * PIECE)
    images = [server.make(NOISE), server.make(MOVED)]
    cut, flush, left = cuts.CONTENT[0], spool().flush.__func__, [dies]

    def dying(self):
        if not left[0]:
            raise SystemExit
        left[0] -= 1
        flush(self)

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr("ims_glance.store.spool.Spool.flush", dying)
        base.keep(job(), spool(), images, cut)
        raise SystemExit
    server.ranges.clear()
    opened = spool()
    base.keep(job(), opened, images, cut)
    assert opened.prefixes() == prefixes(NOISE, MOVED, cut=cut)
    assert len(server.ranges) >= (dies < 4)
