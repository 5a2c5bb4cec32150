# SPDX-License-Identifier: Apache-2.0
"""Machines in a bucket that are not what their manifest says, and what becomes of each disk; out and in is in ``test_disks``."""

import json

import pytest

from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import JobStatus
from tests.unit.flows import small_guests
from tests.unit.flows.files.machine.exports import DISKS, MIB, export, start, told


def is_refused(server, job, code, said):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert said in job.fail_reason
    kept = [each for each in server.images.values() if each.get("name") == "back"]
    assert (kept, len(server.images)) == ([], 4)


def _change(server, number, **changes):
    known = json.loads(server.objects["a/web.json"])
    known["disks"][number].update(changes)
    server.objects["a/web.json"] = json.dumps(known).encode()


@pytest.mark.parametrize(
    ("number", "changes", "said"),
    [
        (1, {"digest": {"algorithm": "md5", "value": "0" * 32}}, "has not the digest"),
        (0, {"size": MIB}, "data behind its end"),
        (1, {"size": 1 << 30}, "is qcow2 of"),
        (1, {"format": "vmdk"}, "is qcow2 of"),
    ],
)
def test_a_disk_that_is_another(cloud, server, make_machine, number, changes, said):
    export(cloud, make_machine())
    _change(server, number, **changes)
    is_refused(server, start(cloud, told(server)), "IMG.0057", said)


def test_a_disk_that_is_cut(cloud, server, make_machine):
    export(cloud, make_machine(), "raw")
    data = server.objects["a/web-disk2.raw"][:-1]
    server.objects["a/web-disk2.raw"] = data
    _change(server, 1, file_size=len(data))
    is_refused(server, start(cloud, told(server)), "IMG.0057", "is raw of")


def test_a_disk_that_was_replaced_meanwhile(cloud, server, make_machine):
    export(cloud, make_machine(), "raw")
    asked = told(server)
    server.objects["a/web-disk2.raw"] = bytes(len(DISKS[1]))
    job = start(cloud, asked)
    is_refused(server, job, "IMG.0057", "a/web-disk2.raw")


def test_disks_that_are_too_large(cloud, server, make_machine, tables):
    export(cloud, make_machine(), "raw")
    tables.conf.set_override("most_disks", 2, "ims_files")
    is_refused(server, start(cloud, told(server)), "IMG.0057", "has 3 disks")


def test_each_disk_under_its_own_key(cloud, server, make_machine):
    export(cloud, make_machine(DISKS[:2]), "raw")
    machine = told(server)
    machine["files"][1]["cmk_id"] = "own"
    job = start(cloud, machine, cmk_id="first")
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    parts = whole_image.components(server.images[job.image_id])
    keys = [server.images[each.image_id][attributes.CMK_ID] for each in parts]
    assert keys == ["first", "own"]


def test_the_system_of_its_first_disk_is_prepared(cloud, server, make_machine, guests):
    """And has the size that it had, though qcow2 has whole sectors alone, and zvhd whole GiB."""
    export(cloud, make_machine(DISKS[:2]))
    job = start(cloud, told(server), is_config=True)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    prepared = small_guests.MARK + DISKS[0][len(small_guests.MARK) :]
    parts = whole_image.components(server.images[job.image_id])
    assert [server.data[each.image_id] for each in parts] == [prepared, DISKS[1]]
    sizes = [server.images[each.image_id]["__image_size"] for each in parts]
    assert sizes == [str(len(each)) for each in DISKS[:2]]
    assert job.done_bytes == job.total_bytes == sum(map(len, DISKS[:2]))
    assert ([each.is_config for each in guests.examined], guests.open) == ([True], 0)
