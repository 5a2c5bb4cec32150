# SPDX-License-Identifier: Apache-2.0
"""Images from another region: whatever breaks, there is one right copy, or none and a true reason."""

import random
import re

import pytest
from glance_store import exceptions as store_exceptions

from ims_glance import exceptions
from ims_glance.clouds.rest import Rest
from ims_glance.flows.replication import part
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from ims_glance.store import spools
from ims_glance.store.spools import find
from ims_glance.transfer import cuts
from tests.unit.store.stores import KeyRing

PIECE = 1 << 16
NOISE = random.Random(14).randbytes(3_000_000)
# Some of it is zeros, some is in the older version, elsewhere, and some is new.
OLD = NOISE[:1_500_000] + bytes(300_000) + NOISE[1_500_000:2_000_000]
DATA = NOISE[PIECE : 20 * PIECE] + bytes(5 * PIECE) + NOISE[2_000_000:] + bytes(12_345)
KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _both_at_once(monkeypatch):
    """Small ones, too, are filled while they are received."""
    monkeypatch.setattr(part, "_WORTH_BOTH_AT_ONCE", 0)


@pytest.fixture
def one_after_the_other(monkeypatch):
    """All is in the spool before the image is filled."""
    monkeypatch.setattr(part, "_WORTH_BOTH_AT_ONCE", len(DATA))


@pytest.fixture
def source(far):
    body = {"disk_format": "raw", "container_format": "bare", "min_disk": 1, "tags": ["a=b"]}
    return far.make(DATA, name="source", hw_disk_bus="scsi", **body)


@pytest.fixture
def receive(cloud, source):
    """Have the image received."""

    def receive(**settings):
        wanted = {
            "source_region": "RegionTwo",
            "source_project_id": "demo",
            "image_id": source,
            "name": "copy",
            "disks": 0,
            **settings,
        }
        return cloud.run(model.RECEIVE_IMAGE, **wanted)

    return receive


@pytest.fixture
def is_copy(server, far, inner, source):
    """Check that there is a copy, and nothing else."""

    def check(job, *others):
        assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
        assert set(server.images) == {job.image_id, *others}
        assert server.data[job.image_id] == far.data[source]
        image = server.images[job.image_id]
        assert (image["name"], image["tags"], image["min_disk"]) == ("copy", ["a=b"], 1)
        assert image["__image_size"] == str(len(far.data[source]))
        assert image["__data_origin"] == f"image,RegionTwo,{source}"
        assert image["hw_disk_bus"] == "scsi"
        assert list(inner.objects()) == []

    return check


@pytest.fixture
def is_undone(server, inner):
    """Check that nothing is there, and why."""

    def check(job, code, *reasons):
        assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
        for reason in reasons:
            assert reason in job.fail_reason
        assert server.images == {}
        assert list(inner.objects()) == []

    return check


@pytest.fixture
def older(server):
    """A version that was copied before."""
    return server.make(OLD, name="source", disk_format="raw", container_format="bare")


@pytest.mark.parametrize("odd", [-1, 1.5, 2**70, [1], {"a": 1}, "x" * 100_000, "\0", [["\0"]]])
def test_a_region_that_tells_odd_things_of_its_image(receive, far, source, is_copy, is_undone, odd):
    """What no image has is left out, and without what the copy needs there is none."""
    far.images[source].update(__os_version=odd, hw_qemu=odd, __whole_image=odd)
    is_copy(receive())


@pytest.mark.parametrize("change", [{"size": "many"}, {"size": -1}, {"status": None}, {"id": 7}])
def test_what_is_no_image_there(receive, far, source, is_undone, change):
    far.images[source].update(change)
    is_undone(receive(), "IMG.0014", "RegionTwo gave an answer that this one does not understand")


@pytest.mark.parametrize("key", [None, KEY])
def test_a_copy(receive, server, far, is_copy, key_manager, key):
    key_manager.keys[KEY] = bytes(32)
    job = receive(cmk_id=key)
    is_copy(job)
    assert server.images[job.image_id].get("__system__cmkid") == key
    assert (job.done_bytes, job.total_bytes) == (len(DATA), len(DATA))
    told = job.entities
    assert told["received_bytes"] == sum(far.link)
    assert 4 * PIECE < told["saved_bytes"] <= 5 * PIECE + 12_345


def test_no_more_is_received_than_there_was_room_for(receive, far, is_undone):
    """Whoever asks the receiving region may tell it any size; not a byte more comes to lie there."""
    is_undone(receive(size=len(DATA) - 1), "IMG.0105", f"has {len(DATA)} bytes")
    assert sum(far.link) == 0


def test_as_much_is_received_as_there_was_room_for(receive, is_copy):
    is_copy(receive(size=len(DATA)))


def test_an_encrypted_image_gets_no_plain_copy_whatever_the_receiving_region_was_told(
    receive, far, source, is_undone
):
    far.images[source]["__system__cmkid"] = KEY
    is_undone(receive(), "IMG.0105", "is encrypted in region RegionTwo")
    assert sum(far.link) == 0


def test_only_what_is_new_is_sent(receive, far, is_copy, older):
    job = receive()
    is_copy(job, older)
    new = 1_000_000
    assert new < sum(far.link) < new + 2 * PIECE


MOVED = OLD[:4096] + b"x" * 4096 + OLD[4096:]


@pytest.fixture
def made_anew(far, server, source):
    """The image is made anew: all that the older version has lies elsewhere in it."""
    server.make(OLD, name="source", disk_format="raw", container_format="bare")
    view = server.images[server.make(MOVED)]
    for name in ("size", "checksum", "os_hash_value", "os_hash_algo"):
        far.images[source][name] = view[name]
    far.data[source] = MOVED
    del server.images[view["id"]]


def test_what_lies_elsewhere_is_found(receive, far, server, made_anew):
    job = receive()
    assert server.data[job.image_id] == MOVED
    assert sum(far.link) < 2 * cuts.CONTENT[0].piece


def test_a_region_that_is_older_cuts_as_it_can(receive, far, server, older, is_copy):
    far.cuts.clear()
    is_copy(receive(), older)
    assert 1_000_000 < sum(far.link) < 1_000_000 + 2 * PIECE


def test_a_region_that_becomes_older_meanwhile_cuts_as_it_can(receive, far, server, made_anew):
    """One of its processes is newer, say: then more is sent, and it is right."""
    asked = []

    def before(request_):
        if request_.endswith("/frames"):
            asked.append(request_)
            far.cuts = set() if len(asked) > 1 else far.cuts

    far.before = before
    job = receive()
    assert server.data[job.image_id] == MOVED
    assert len(asked) == 3


# More than a job has: the last ones die never.
@pytest.mark.parametrize("dies_at", range(1, 16))
def test_dead_before_any_request(receive, is_copy, older, dies_at):
    is_copy(receive(dies_at=dies_at), older)


@pytest.mark.parametrize("cancels_at", range(1, 9))
def test_cancelled_before_any_request(receive, is_undone, cancels_at):
    is_undone(receive(cancels_at=cancels_at), "IMG.0018")


@pytest.mark.parametrize("request_", ["GET .*", "POST /v2.*", "PUT .*", "GET .*/file"])
def test_this_region_is_away_for_a_while(receive, server, is_copy, older, request_):
    server.failures[request_] = [503, 503]
    is_copy(receive(), older)


@pytest.mark.parametrize("request_", ["GET .*", "POST .*frames"])
def test_the_other_region_is_away_for_a_while(receive, far, is_copy, request_):
    far.failures[request_] = [503, 503, 502]
    is_copy(receive(), *[])


def test_it_is_seen_that_the_other_region_is_away(receive, far, is_copy, monkeypatch):
    far.failures["POST .*frames"] = [503, 503]
    told = []

    def pause(self, _seconds):
        told.append(self.entities.get("waiting_for"))
        self.check()

    monkeypatch.setattr(JobContext, "pause", pause)
    job = receive()
    is_copy(job)
    assert len(told) == 2
    assert all(each.startswith("RegionTwo: The Image service is unavailable") for each in told)
    assert job.entities["waiting_for"] is None


def test_the_other_region_is_away_for_too_long(receive, far, cloud, is_undone, monkeypatch):
    far.failures["POST .*frames"] = [503] * 1000
    cloud.tables.conf.set_override("region_patience_seconds", 0.0, "ims_jobs")
    cloud.tables.conf.set_override("patience_seconds", 0.0, "ims_jobs")
    is_undone(receive(), "IMG.0014", "RegionTwo")


class Cut:
    """Cuts streams: each after so many bytes; what is given for no more is whole."""

    def __init__(self, *ends):
        self.ends = list(ends)

    def __call__(self, stream):
        return stream[: self.ends.pop(0)] if self.ends else stream


def test_a_link_that_is_cut_again_and_again_sends_nothing_twice(receive, far, is_copy):
    far.spoil = Cut(1_500_000, 700_000, 10, 1_200_000)
    is_copy(receive())
    assert sum(far.link) > len(DATA)
    asked = [1_500_000, 700_000, 10, 1_200_000, far.link[-1]]
    # Of each stream that was cut, the run is lost that it was cut in.
    assert sum(asked) < len(DATA) + 3 * (1 << 20)


def test_nothing_is_waited_for_behind_the_last_byte(receive, far, is_copy, monkeypatch):
    """What the end of a stream says is nothing of the image."""
    far.spoil = Cut(-10)
    monkeypatch.setattr(JobContext, "pause", None)
    is_copy(receive())
    assert len(far.link) == 1


def flipped(at):
    def spoil(stream):
        wrong = bytearray(stream)
        wrong[at] ^= 1
        return bytes(wrong)

    return spoil


def test_what_is_wrong_on_the_way_is_asked_for_again(receive, far, is_copy):
    spoils = [flipped(30), flipped(1_100_000), flipped(900_000)]
    far.spoil = lambda stream: spoils.pop(0)(stream) if spoils else stream
    is_copy(receive())
    assert len(far.link) == 4


def test_what_is_always_wrong_is_refused(receive, far, is_undone):
    far.spoil = flipped(30)
    is_undone(receive(), "IMG.0057", "wrong at byte 0")
    assert len(far.link) == 3


def once(far, pattern, action):
    """Have something happen before the second request of a kind."""
    seen = []

    def before(request):
        if re.fullmatch(pattern, request):
            seen.append(request)
            if len(seen) == 2:
                action()

    far.before = before


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (
            lambda far, image: far.images.pop(image),
            "IMG.0027",
            "does not exist in region RegionTwo",
        ),
        (
            lambda far, image: far.images[image].update(status="deactivated"),
            "IMG.0026",
            "RegionTwo",
        ),
    ],
    ids=["deleted or unshared", "deactivated"],
)
def test_the_source_goes_midway(receive, far, source, is_undone, change, code, reason):
    far.spoil = Cut(1_500_000)
    once(far, "POST .*/frames", lambda: change(far, source))
    is_undone(receive(), code, reason)


def test_the_source_is_not_there(receive, is_undone):
    is_undone(receive(image_id="other"), "IMG.0027", "other", "RegionTwo")


@pytest.mark.parametrize("request_", ["GET .*", "POST .*/frames"])
def test_the_region_over_there_could_not_ask_keystone(receive, far, is_copy, request_):
    far.failures[request_] = [401] * 3
    is_copy(receive())


def test_glance_could_not_ask_keystone(receive, server, is_copy):
    """When the data has come."""
    server.failures["PUT .*"] = [401] * 2
    is_copy(receive())


def test_the_key_manager_over_there_is_away_for_a_while(receive, far, is_copy):
    """Nothing is received twice, and nothing is undone."""
    far.spoil = Cut(1_500_000)
    once(far, "POST .*/frames", lambda: far.failures.update({"POST .*/frames": [503] * 3}))
    job = receive()
    is_copy(job)
    assert job.entities["waiting_for"] is None
    assert job.entities["received_bytes"] < len(DATA) + 1_000_000


@pytest.mark.parametrize("status", [404, 403], ids=["deleted", "deactivated"])
def test_the_base_goes_midway(receive, server, is_copy, older, status, monkeypatch):
    """What was sealed of it stays, and the copy is right."""
    monkeypatch.setattr("ims_glance.clouds.image_api.CHUNK", 10 * PIECE)
    chunks = Rest.data

    def broken(self, response, size, *more):
        for number, chunk in enumerate(chunks(self, response, size, *more)):
            if number == 2:
                server.failures[f"GET /v2/images/{older}/file"] = [status]
                raise self.away("it broke off")
            yield chunk

    monkeypatch.setattr(Rest, "data", broken)
    job = receive()
    is_copy(job, older)
    assert job.entities["saved_bytes"] > 500_000


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [("POST .*", 403, "IMG.0099"), ("POST .*", 413, "IMG.0099"), ("PUT .*", 413, "IMG.0099")],
)
def test_what_this_region_refuses(receive, server, far, is_undone, request_, status, code):
    server.failures[request_] = [status]
    is_undone(receive(), code, "as the test wants it")
    # An image that may not be made is refused before anything is sent.
    assert (far.link == []) is request_.startswith("POST")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"__component_of": "w"}, "IMG.0130"),
        ({"block_device_mapping": '[{"snapshot_id": "s"}]'}, "IMG.0130"),
        ({"cinder_encryption_key_id": "k"}, "IMG.0105"),
        ({"owner": "others"}, "IMG.0047"),
        ({"virtual_env_type": "IsoImage"}, "IMG.0024"),
    ],
)
def test_images_that_rules_keep_from_going_there(receive, far, is_undone, body, code):
    is_undone(receive(image_id=far.make(b"data", **body)), code)


# --- the spool ---------------------------------------------------------------------------------


def test_the_key_manager_is_away_for_a_while(receive, key_manager, is_copy, monkeypatch):
    left = [exceptions.KeyManagerUnavailable(reason="away")] * 3

    def away(_self, key_id):
        if left:
            raise left.pop()
        return KeyRing.ask(key_manager, key_id)

    monkeypatch.setattr(type(key_manager), "present_key", away)
    is_copy(receive())


def test_a_key_that_may_not_be_used(receive, is_undone):
    is_undone(receive(cmk_id=KEY), "IMG.0095", KEY)


@pytest.mark.parametrize("objects", [0, 1])
def test_a_full_disk(receive, inner, is_undone, objects, monkeypatch):
    put = type(inner).put_for_now
    written: list[str] = []

    def full(self, name, chunks, size):
        if len(written) == objects:
            raise store_exceptions.StorageFull
        written.append(name)
        put(self, name, chunks, size)

    monkeypatch.setattr(type(inner), "put_for_now", full)
    is_undone(receive(), "IMG.0061", "full")


def test_no_store_for_it(receive, server, monkeypatch):
    monkeypatch.setattr(spools, "find", find)
    job = receive()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0035")
    assert "spool_store" in job.fail_reason
    assert server.images == {}


@pytest.mark.usefixtures("one_after_the_other")
def test_nothing_readable_lies_anywhere_while_it_is_on_its_way(
    receive, cloud, is_copy, older, tmp_path
):
    seen: list[bytes] = []

    def look(request):
        if request.startswith("PUT"):
            seen.extend(path.read_bytes() for path in (tmp_path / "inner").iterdir())

    cloud.watch = look
    far_apart = [NOISE[at : at + 32] for at in range(0, len(NOISE), 100_000)]
    is_copy(receive(), older)
    assert len(seen) > 1
    assert not any(each in content for content in seen for each in far_apart)


@pytest.mark.usefixtures("one_after_the_other")
def test_damage_in_the_spool_is_fetched_again(receive, server, far, inner, is_copy, cloud):
    """It is met while the image is filled."""

    def damage(request):
        if request.startswith("PUT") and len(far.link) == 1:
            name = max(each.name for each in inner.objects())
            path = inner.uri(name).removeprefix("file://")
            with open(path, "r+b") as file:
                file.seek(500_000)
                file.write(b"wrong")

    cloud.watch = damage
    is_copy(receive())


def test_a_source_that_says_another_digest_of_its_data(receive, far, source, is_undone):
    far.images[source]["os_hash_value"] = "0" * 128
    is_undone(receive(), "IMG.0057", "differs")


def test_without_a_digest_of_the_source_the_stream_is_compared(receive, far, source, is_copy):
    for name in ("checksum", "os_hash_algo", "os_hash_value"):
        del far.images[source][name]
    is_copy(receive())


def test_two_of_the_same_at_once(receive, server, inner):
    first, second = receive(), receive(number=2)
    assert (first.status, second.status) == (JobStatus.SUCCESS, JobStatus.SUCCESS)
    assert len(server.images) == 2
    assert list(inner.objects()) == []


def test_an_image_without_data(receive, far, is_copy, source):
    far.data[source] = b""
    far.fill(source, b"")
    is_copy(receive())
    assert far.link == []
