# SPDX-License-Identifier: Apache-2.0
"""One image from the link to Glance: what is done twice, and what is not."""

import os
import random
import threading
import time

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.region import Region
from ims_glance.flows.copy.data import CopyDiffers, DataCopy, DiskImage
from ims_glance.flows.replication import handover
from ims_glance.flows.replication import part as parts
from ims_glance.flows.replication.part import PartCopy
from ims_glance.flows.replication.receive import Meter
from ims_glance.flows.replication.source import ReceivedPart, SourceGone
from ims_glance.jobs.context import JobContext
from ims_glance.model.copy import Digest
from ims_glance.model.job import RECEIVE_IMAGE
from ims_glance.store.spools import Spools
from tests.unit.jobs import job_bench
from tests.unit.store.stores import KEY_ID

DATA = random.Random(3).randbytes(1_200_000)


@pytest.fixture
def job(tables, server, far, monkeypatch):
    made = job_bench.context(
        tables, type=RECEIVE_IMAGE, project_id="demo", arguments={"source_region": "RegionTwo"}
    )
    made.session = server.session()
    made.source_region = Region(far.session(), "RegionTwo")
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())
    return made


@pytest.fixture
def copy(job, server, far):
    """A copy of an image whose first half is in another one here."""
    source = far.make(DATA, name="source")
    base_id = server.make(DATA[:655_360])

    def copy(**digest):
        far.images[source].update(digest)
        part = ReceivedPart(
            1, source, Digest.of(far.images[source]), base_id, {"disk_format": "raw"}
        )
        target = DiskImage(job, 1, lambda: part.body)
        return PartCopy(job, part, KEY_ID, target, Meter(job, len(DATA)))

    return copy


def test_it_is_copied_once(copy, server, far, job):
    image_id = copy().run()
    assert server.data[image_id] == DATA
    assert job._done == len(DATA)
    link, asked = list(far.link), len(server.requests)
    assert sum(link) < 600_000
    # Another worker finds that it is there.
    assert copy().run() == image_id
    assert far.link == link
    assert not any(each.startswith("PUT") for each in server.requests[asked:])


def test_what_differs_is_received_whole_once_more(copy, server, far, monkeypatch):
    """And nothing is taken from the other image then."""
    run, runs = DataCopy.run, []

    def differs_at_first(self, wanted):
        runs.append(wanted)
        image_id = run(self, wanted)
        if len(runs) == 1:
            raise CopyDiffers(image_id="i", found=wanted, wanted=wanted)
        return image_id

    monkeypatch.setattr(DataCopy, "run", differs_at_first)
    image_id = copy().run()
    assert server.data[image_id] == DATA
    assert len(far.link) == 2
    assert far.link[0] < 600_000 < len(DATA) < far.link[1]


def test_what_differs_again_is_refused(copy, far):
    with pytest.raises(CopyDiffers):
        copy(os_hash_value="0" * 128).run()
    assert len(far.link) == 2


# --- both at once ------------------------------------------------------------------------------


@pytest.fixture
def both_at_once(monkeypatch):
    """The image is filled while it is received; nobody waits long for the link."""
    monkeypatch.setattr(parts, "_WORTH_BOTH_AT_ONCE", 0)
    monkeypatch.setattr(handover, "_PATIENCE", 0.02)
    monkeypatch.setattr(handover, "_LOOK", 0.01)


@pytest.fixture
def filled(server):
    """What was in images when they became active."""
    fill, found = server.fill, []

    def watched(image_id, data):
        found.append(data)
        fill(image_id, data)

    server.fill = watched
    return found


def uploads(server):
    return sum(each.startswith("PUT") for each in server.requests)


@pytest.mark.usefixtures("both_at_once")
@pytest.mark.parametrize("end", [0, 16, 60, 200_000, 400_000, 540_000, -2])
def test_a_link_that_stands_still_ends_the_upload(copy, server, far, filled, end):
    """It is begun anew when all is there; of the first one nothing is used, and nothing is left."""
    ends = [end]
    far.spoil = lambda stream: stream[: ends.pop()] if ends else stream

    def before(request):
        if request.endswith("/frames") and len(far.link) == 1:
            time.sleep(0.2)

    far.before = before
    image_id = copy().run()
    assert filled == [DATA]
    assert [each for each in server.images.values() if each["status"] != "active"] == []
    assert server.data[image_id] == DATA
    assert uploads(server) == (1 if end == -2 else 2)


@pytest.mark.usefixtures("both_at_once")
def test_what_differs_is_never_active_if_it_is_filled_meanwhile(copy, filled):
    with pytest.raises(CopyDiffers):
        copy(os_hash_value="0" * 128).run()
    assert filled == []


@pytest.mark.usefixtures("both_at_once")
@pytest.mark.parametrize("status", [500, 503])
def test_an_upload_that_breaks_keeps_nothing_from_coming(copy, server, far, filled, status):
    """It has its whole patience once all is here."""
    server.failures["PUT .*"] = [status] * 3
    image_id = copy().run()
    assert filled == [DATA]
    assert server.data[image_id] == DATA
    assert len(far.link) == 1


@pytest.mark.usefixtures("both_at_once")
def test_what_refuses_the_data_is_said_at_once(copy, server, far, monkeypatch):
    monkeypatch.setattr(handover, "_PATIENCE", 5.0)
    server.failures["PUT .*"] = [413]
    with pytest.raises(rest.Refused, match="as the test"):
        copy().run()
    assert len(far.link) == 1


@pytest.mark.usefixtures("both_at_once")
def test_nothing_is_uploaded_of_what_does_not_come(copy, server, far, filled):
    far.failures["POST .*"] = [404]
    with pytest.raises(SourceGone):
        copy().run()
    assert filled == []
    assert not any(each.name.startswith("ims-upload") for each in threading.enumerate())


def test_nothing_of_it_stays(copy, inner, job):
    made = copy()
    made.run()
    assert list(inner.objects()) != []
    parts.delete_spool(job, made._part)
    assert list(inner.objects()) == []


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("left", [0, 10, 60, 300_000])
def test_what_a_power_failure_left_of_the_spool_is_fetched_again(
    copy, server, inner, key_manager, job, number, left
):
    """Its objects are never forced to the disk: that takes longer than all else."""
    made = copy()
    owner = made._part.owner(job)
    spool = Spools(lambda: inner, lambda: key_manager).open(owner, KEY_ID)
    spool.data(DATA[:655_360])
    spool.flush()
    os.truncate(inner.uri(f"{owner.prefix}{number}").removeprefix("file://"), left)
    assert server.data[made.run()] == DATA


# --- before the last byte ----------------------------------------------------------------------


def test_what_differs_is_never_active(copy, server):
    """Not for a moment: Glance never gets its last bytes."""
    filled = []
    server.fill = lambda *image: filled.append(image)
    with pytest.raises(CopyDiffers):
        copy(os_hash_value="0" * 128).run()
    assert filled == []
