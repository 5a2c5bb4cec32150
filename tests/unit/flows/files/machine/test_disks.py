# SPDX-License-Identifier: Apache-2.0
"""Whole machines of which each disk is an object, out and in again: the same disks, or nothing and a true reason."""

import hashlib
import json

import pytest

from ims_glance import keys
from ims_glance.clouds import objects
from ims_glance.clouds.ec2 import Credential
from ims_glance.clouds.objects.large_s3 import S3LargeFile
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.job import JobStatus
from ims_glance.model.machine import manifest
from tests.unit.crypto import sealed_files
from tests.unit.flows.files.machine.exports import DISKS, SYSTEM, export, start, told
from tests.unit.flows.small_world import SmallKeys


@pytest.mark.parametrize("form", [each for each in manifest.FORMATS if each != "sealed"])
@pytest.mark.parametrize("count", [3, 1])
def test_the_same_machine_again(cloud, server, make_machine, form, count):
    more = {"hw_firmware_type": "uefi", "__support_largememory": "true"}
    image = make_machine(DISKS[:count], **more)
    job = export(cloud, image, form)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    known = server.objects
    assert job.entities["file_bytes"] == sum(map(len, known.values()))
    names = [f"a/web-disk{number}.{form}" for number in range(1, count + 1)]
    assert sorted(known) == sorted(["a/web.json", *names])
    job = start(cloud, told(server))
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    again, before = server.images[job.image_id], server.images[image]
    parts = whole_image.components(again)
    assert [server.data[each.image_id] for each in parts] == list(DISKS[:count])
    assert [(each.disk.size, each.disk.goes_with_server) for each in parts] == [
        (each.disk.size, each.disk.goes_with_server) for each in whole_image.components(before)
    ]
    kept = ("hw_disk_bus", "min_ram", "hw_firmware_type", "__support_largememory", "__os_version")
    assert {name: again[name] for name in kept} == {name: before[name] for name in kept}


def _manifest(server):
    return json.loads(server.objects["a/web.json"])


def test_what_the_manifest_tells(cloud, server, make_machine):
    export(cloud, make_machine(), "raw")
    known = _manifest(server)
    assert (known["ims_machine"], known["name"], known["os_version"]) == (1, "web & co", SYSTEM)
    for number, (disk, data) in enumerate(zip(known["disks"], DISKS, strict=True)):
        assert server.objects[f"a/{disk['object']}"] == data
        assert (disk["size"], disk["file_size"]) == (len(data), len(data))
        assert (disk["role"], disk["boot_index"]) == (("data", -1) if number else ("system", 0))
        wanted = {"algorithm": "sha512", "value": hashlib.sha512(data).hexdigest()}
        assert disk["digest"] == wanted


def test_a_digest_that_glance_never_knew(cloud, server, make_machine):
    """Its locations were set by hand."""
    image = make_machine(DISKS[:2])
    first, second = (each.image_id for each in whole_image.components(server.images[image]))
    server.images[first] |= dict.fromkeys(("checksum", "os_hash_algo", "os_hash_value"))
    server.images[second] |= {"os_hash_algo": "whirlpool"}
    job = export(cloud, image, "raw")
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert [each["digest"] for each in _manifest(server)["disks"]] == [
        {"algorithm": "sha256", "value": hashlib.sha256(DISKS[0]).hexdigest()},
        {"algorithm": "md5", "value": hashlib.md5(DISKS[1]).hexdigest()},
    ]


def test_to_s3_and_back(cloud, server, make_machine, tables, monkeypatch):
    credential = Credential("a" * 32, "very-secret", "u", "demo")
    monkeypatch.setattr(objects, "_credential", lambda _conf, _reader: credential)
    tables.conf.set_override("s3_endpoint", server.url, "ims_files")
    server.s3_secret, server.s3_least = credential.secret, S3LargeFile.least_part
    job = export(cloud, make_machine(), access_key=credential.access)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert (server.uploads, len(server.objects)) == ({}, 4)
    job = start(cloud, told(server), access_key=credential.access)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)


def is_undone(server, job, code, objects=0):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert (len(server.objects), server.segments or {}) == (objects, {})
    return job.fail_reason


def test_damage_on_the_way_is_found(cloud, server, make_machine):
    image = make_machine()
    disk = whole_image.components(server.images[image])[1].image_id
    server.data[disk] = b"x" + DISKS[1][1:]
    assert disk in is_undone(server, export(cloud, image), "IMG.0057")


@pytest.mark.parametrize("name", ["a/web.json", "a/web-disk3.qcow2"])
def test_an_object_that_is_there(cloud, server, make_machine, name):
    server.objects[name] = b"mine"
    is_undone(server, export(cloud, make_machine()), "IMG.0070", 1)
    assert server.objects == {name: b"mine"}


def test_cancelled(cloud, server, make_machine):
    is_undone(server, export(cloud, make_machine(), cancels_at=40), "IMG.0018")


def test_sealed_disks_out_and_back(cloud, server, make_machine, monkeypatch):
    """As they lie in their store, each with a key of its own; nothing of them is told beside."""
    known = SmallKeys()
    monkeypatch.setattr(keys, "of_process", lambda _conf: known)
    image = make_machine(DISKS[:2])
    ids = [each.image_id for each in whole_image.components(server.images[image])]
    for number, each in enumerate(ids):
        secret = {f"key-{number}": known.wrapping_key(f"key-{number}")}
        server.sealed[each] = sealed_files.make(DISKS[number], secret)
    job = export(cloud, image, "sealed")
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert [server.objects[f"a/web-disk{number}.ims"] for number in (1, 2)] == [
        server.sealed[each] for each in ids
    ]
    total = sum(map(len, DISKS[:2]))
    assert (job.done_bytes, job.total_bytes) == (total, total)
    assert [each["digest"] for each in _manifest(server)["disks"]] == [None, None]
    machine = told(server)
    for number, each in enumerate(machine["files"]):
        each |= {"unseal_key": f"key-{number}", "cmk_id": f"key-{number}"}
    job = start(cloud, machine, cmk_id="key-0")
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    parts = whole_image.components(server.images[job.image_id])
    assert [server.data[each.image_id] for each in parts] == list(DISKS[:2])
    assert [server.images[each.image_id][attributes.CMK_ID] for each in parts] == ["key-0", "key-1"]
