# SPDX-License-Identifier: Apache-2.0
"""Manifests of machines: what is written is read, and of what a stranger writes nothing is followed that is odd."""

import copy
import json
from typing import Any

import jsonschema
import pytest

from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.machine import carried, manifest
from ims_glance.model.machine.exported import ExportedMachine
from ims_glance.model.machine.manifest import (
    MachineManifest,
    ManifestRefused,
    ManifestVersionUnknown,
)
from ims_glance.model.server import Disk

FILE = BucketFile("bucket", "a/web.json")
GIB = 1 << 30
SHA256 = "0f" * 32
_VALIDATOR = jsonschema.Draft202012Validator(manifest.SCHEMA)


def _disk(number, **changes):
    return {
        "object": f"web-disk{number + 1}.qcow2",
        "role": "data" if number else "system",
        "boot_index": -1 if number else 0,
        "format": "qcow2",
        "file_size": 1000,
        "size": GIB,
        "volume_size": 2,
        "volume_type": None,
        "delete_on_termination": True,
        "digest": {"algorithm": "sha256", "value": SHA256},
        **changes,
    }


GOOD = {
    "ims_machine": 1,
    "name": "web",
    "os_version": "CentOS 7.3 64bit",
    "disks": [_disk(0), _disk(1, volume_type="fast", delete_on_termination=False)],
    "properties": {"hw_disk_bus": "scsi", "hw_firmware_type": "uefi"},
}


def _read(told, file=FILE):
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    known = manifest.decoded(data, file)
    _VALIDATOR.validate(known)
    return MachineManifest.of(known, file)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(manifest.SCHEMA)


def test_what_is_written_is_read():
    machine = _read(GOOD)
    assert _read(machine.to_bytes()) == machine
    assert json.loads(machine.to_bytes()) == GOOD
    assert machine.disks[1].goes_with_server is False


def test_what_an_export_tells():
    parts = [Component(Disk(0, None, 40, "fast", False), "d0"), Component(Disk(1, None, 1), "d1")]
    view: dict[str, Any] = {
        "id": "w",
        "name": "web",
        **whole_image.properties(parts),
        "hw_disk_bus": "scsi",
    }
    view |= {attributes.OS_VERSION: "CentOS 7.3 64bit", attributes.CMK_ID: "k", "min_ram": 512}
    machine = ExportedMachine.of(view, [{"id": "d0", "size": GIB}, {"id": "d1", "size": 7}])
    written = [
        {"file_size": 5, "size": GIB, "digest": ["sha256", SHA256]},
        {"file_size": 6, "size": 7, "digest": ["sha256", SHA256]},
    ]
    made = MachineManifest.of_export(machine, FILE, "raw", written)
    assert _read(made.to_bytes()) == made
    assert [each.object for each in made.disks] == ["web-disk1.raw", "web-disk2.raw"]
    assert [(each.volume_size, each.volume_type) for each in made.disks] == [
        (40, "fast"),
        (1, None),
    ]
    assert made.properties == {"hw_disk_bus": "scsi", "min_ram": "512"}
    sealed = [{**each, "digest": None} for each in written]
    made = MachineManifest.of_export(machine, FILE, "sealed", sealed)
    assert _read(made.to_bytes()) == made
    assert made.disks[0].object == "web-disk1.ims"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u7f51\u7ad9\u3000\u4e3b\u673a", "\u7f51\u7ad9 \u4e3b\u673a"),
        ("a\u00a0b\u200d\u202e", "a b"),
        ("\ud83d\ude00", ""),
        ("n" * 300, "n" * 255),
        ("<b>&'\"\\</b>", "<b>&'\"\\</b>"),
    ],
    ids=["blank", "invisible", "halves", "long", "markup"],
)
def test_what_somebody_called_an_image_can_come_in_again(name, shown):
    parts = [Component(Disk(0, None, 40, "fast\u3000", False), "d0")]
    view = {"id": "w", "name": name, **whole_image.properties(parts), attributes.OS_VERSION: name}
    machine = ExportedMachine.of(view, [{"id": "d0", "size": GIB}])
    written = [{"file_size": 5, "size": GIB, "digest": ["sha256", SHA256]}]
    made = MachineManifest.of_export(machine, FILE, "raw", written)
    again = _read(made.to_bytes())
    assert again == made
    assert (again.name, again.os_version, again.disks[0].volume_type) == (shown, shown, None)


def test_facts():
    assert _read(GOOD).facts == {
        "image hw_disk_bus": "scsi",
        "image hw_firmware_type": "uefi",
        "machine": "web",
        "os_description": "CentOS 7.3 64bit",
        "firmware": "uefi",
        carried.WHOLE: True,
    }


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("web", "web.json"),
        ("a/web.json", "a/web.json"),
        ("a/web.JSON", "a/web.JSON"),
        ("a/", "a/machine.json"),
        ("web.qcow2", "web.qcow2.json"),
        (".json", "machine.json"),
        ("a/.JSON", "a/machine.json"),
    ],
)
def test_names(name, wanted):
    file = manifest.named(BucketFile("bucket", name))
    assert file.name == wanted
    assert manifest.is_manifest(file)
    disk = manifest.object_of(file, 1, "vmdk")
    assert disk.name == f"{wanted[:-5]}-disk2.vmdk"


def test_disks_lie_beside_it():
    assert [manifest.beside(FILE, each).name for each in _read(GOOD).disks] == [
        "a/web-disk1.qcow2",
        "a/web-disk2.qcow2",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"[" * 100_000,
        b"{}",
        b"\xff",
        b'{"ims_machine": "1"}',
        b'{"ims_machine": true}',
        b'{"ims_machine": 1.0}',
        b'{"ims_machine": NaN}',
        b'{"ims_machine": 1, "ims_machine": 1}',
        b'{"ims_machine": 1' + b"0" * 5000 + b"}",
        json.dumps({"ims_machine": 1, "disks": [{"a": 1e9}]}).encode(),
    ],
)
def test_what_is_none(data):
    with pytest.raises(ManifestRefused) as refused:
        manifest.decoded(data, FILE)
    assert (refused.value.code, "a/web.json" in str(refused.value)) == ("IMG.0057", True)


@pytest.mark.parametrize("version", [0, 2, -1, 10**40])
def test_another_version(version):
    with pytest.raises(ManifestVersionUnknown) as refused:
        manifest.decoded(json.dumps({**GOOD, "ims_machine": version}).encode(), FILE)
    assert refused.value.code == "IMG.0072"
    assert "ova" in str(refused.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("disks",), []),
        (("disks",), [_disk(0)] * 61),
        (("disks", 0, "size"), 1 << 60),
        (("disks", 0, "size"), 0),
        (("disks", 0, "size"), True),
        (("disks", 0, "file_size"), -1),
        (("disks", 0, "volume_size"), 1 << 40),
        (("disks", 0, "format"), "vdi"),
        (("disks", 0, "role"), "swap"),
        (("disks", 0, "boot_index"), 1),
        (("disks", 0, "object"), 7),
        (("disks", 0, "digest"), {"algorithm": "crc32", "value": SHA256}),
        (("disks", 0, "digest"), {"algorithm": "sha256", "value": SHA256 + "\n"}),
        (("disks", 0, "digest"), {"algorithm": "sha256", "value": SHA256.upper()}),
        (("disks", 0, "url"), "http://x"),
        (("properties",), {"a": 1}),
        (("properties",), {str(number): "x" for number in range(200)}),
        (("more",), 1),
    ],
)
def test_what_does_not_fit(place, value):
    told = copy.deepcopy(GOOD)
    at: Any = told
    for each in place[:-1]:
        at = at[each]
    at[place[-1]] = value
    assert not _VALIDATOR.is_valid(told)


@pytest.mark.parametrize(
    ("disks", "said"),
    [
        ([_disk(0, object="other-disk1.qcow2")], "begin with 'web-'"),
        ([_disk(0, object="web")], "begin with 'web-'"),
        ([_disk(0, object="web-")], "begin with 'web-'"),
        ([_disk(0, object="web-/../../x")], "begin with 'web-'"),
        ([_disk(0, object="web-a/b")], "begin with 'web-'"),
        ([_disk(0, object="../web-disk1.qcow2")], "begin with 'web-'"),
        ([_disk(0, object="a/web-disk1.qcow2")], "begin with 'web-'"),
        ([_disk(0, object="web-disk1.qcow2\n")], "begin with 'web-'"),
        ([_disk(0, object="web-ü")], "begin with 'web-'"),
        ([_disk(0), _disk(1, object="web-disk1.qcow2")], "the same object"),
        ([_disk(0, role="data", boot_index=-1)], "has to be the system disk"),
        ([_disk(0), _disk(0)], "has to be the data disk"),
        ([_disk(0, boot_index=-1)], "has to be the system disk"),
        ([_disk(0, size=2 * GIB + 1)], "does not fit"),
        ([_disk(0, digest=None)], "needs the digest"),
        ([_disk(0, format="sealed")], "needs the digest"),
        ([_disk(0, digest={"algorithm": "sha512", "value": SHA256})], "none of sha512"),
        ([_disk(0, volume_type="a\nb")], "characters"),
    ],
)
def test_what_nobody_follows(disks, said):
    with pytest.raises(ManifestRefused, match=said):
        _read({**GOOD, "disks": disks})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a\0b"},
        {"os_version": "\ud800"},
        {"properties": {"hw_x": "\x1b[2J"}},
        {"properties": {"\n": "x"}},
    ],
)
def test_texts_that_no_image_has(changes):
    with pytest.raises(ManifestRefused, match="characters"):
        _read({**GOOD, **changes})


def test_what_is_sealed_tells_no_digest():
    assert (
        _read({**GOOD, "disks": [_disk(0, format="sealed", digest=None)]}).disks[0].digest is None
    )
