# SPDX-License-Identifier: Apache-2.0
"""Manifests of machines, as far as a request is answered at once; with a small object storage."""

import json

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import creation, image_report
from ims_glance.model import job as jobs
from ims_glance.model.machine import manifest
from tests.unit.api.ims import calls
from tests.unit.api.ims.operations.test_sealed_file import KEY, OTHER, Keys
from tests.unit.crypto import sealed_files

DISKS = {"a/web-disk1.raw": b"x" * 1000, "a/web-disk2.raw": b"y" * 512}
SHA256 = "0f" * 32
FILE = {"name": "image", "image_url": "bucket:a/web.json"}


def told(names=tuple(DISKS), form="raw", objects=DISKS, **changes):
    """A manifest."""
    disks = [
        {
            "object": name.removeprefix("a/"),
            "role": "data" if number else "system",
            "boot_index": -1 if number else 0,
            "format": form,
            "file_size": len(objects[name]),
            "size": 1000,
            "volume_size": 20 + number,
            "volume_type": None,
            "delete_on_termination": True,
            "digest": None if form == "sealed" else {"algorithm": "sha256", "value": SHA256},
            **changes,
        }
        for number, name in enumerate(names)
    ]
    return json.dumps({"ims_machine": 1, "disks": disks, "properties": {}}).encode()


@pytest.fixture
def make(site, server):
    server.objects |= {**DISKS, "a/web.json": told(), "plain": b"x" * 1000}

    def make(body=None, *views, **arguments):
        call = site.call({**FILE, **(body or {})}, None, *views, **arguments)
        object.__setattr__(call.service, "keys", Keys())
        return call

    return make


def accepted(call, handler=creation.create_whole_image):
    handler(call)
    [(job_type, arguments, entities, creates)] = call.service.jobs.accepted
    assert (job_type, creates) == (jobs.IMPORT_IMAGE, True)
    assert entities == {"image_name": "image"}
    assert call.service.quota.asked == 1
    return arguments


def refused(call, code, handler=creation.create_whole_image):
    with pytest.raises(exceptions.ImsError) as error:
        handler(call)
    assert error.value.code == code, error.value
    assert (call.service.jobs.accepted, call.service.quota.asked) == ([], 0)
    return str(error.value)


@pytest.mark.parametrize("handler", [creation.create_whole_image, creation.create_image])
def test_all_its_disks(make, handler):
    arguments = accepted(make(), handler)
    machine = arguments["machine"]
    assert "file" not in arguments
    assert [each["object"] for each in machine["files"]] == list(DISKS)
    assert (machine["file"]["object"], machine["manifest"]) == ("a/web.json", told().decode())
    # As large as it was, though of other files IMS makes none of less than 40 GiB.
    assert (arguments["min_disk"], arguments["purpose"]) == (20, "FusionCompute")
    assert arguments["cmk_id"] is None


def test_what_is_asked_for(make):
    more = {
        "min_disk": 50,
        "cmk_id": "k",
        "tags": ["a.b"],
        "is_quick_import": True,
        "is_config": True,
    }
    arguments = accepted(make(more))
    assert (arguments["min_disk"], arguments["cmk_id"]) == (50, "id of k")
    assert (arguments["tags"], arguments["is_config"]) == (["a=b"], True)


def test_quickly(make):
    more = {"min_disk": 40, "os_version": "CentOS 7.3 64bit"}
    assert accepted(make(more), creation.import_image_quick)["machine"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"min_disk": 19}, "IMG.0055"),
        ({"min_disk": 1025}, "IMG.0055"),
        ({"image_url": "bucket:absent.json"}, "IMG.0057"),
        ({"image_url": "bucket:plain"}, "IMG.0072"),
        ({"image_url": "no-bucket:web.json"}, "IMG.0057"),
        ({"instance_id": calls.IMAGE}, "IMG.0016"),
        ({"unseal_key": "k1"}, "IMG.0105"),
    ],
)
def test_refusals(make, body, code):
    refused(make(body), code)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "IMG.0057"),
        (b"{}", "IMG.0057"),
        (b" " * (manifest.MAX_SIZE + 1), "IMG.0057"),
        (b'{"ims_machine": 2}', "IMG.0072"),
        (told(size=1 << 60), "IMG.0057"),
        (told(file_size=999), "IMG.0057"),
        (told(object="web-absent"), "IMG.0057"),
        (told(object="../x"), "IMG.0057"),
        (told(form="sealed"), "IMG.0057"),
    ],
)
def test_manifests_that_will_not_do(make, server, data, code):
    server.objects["a/web.json"] = data
    refused(make(), code)


def test_where_something_is_wrong(make, server):
    server.objects["a/web.json"] = told(boot_index=5)
    assert "].boot_index': 5 is not one of" in refused(make(), "IMG.0057")


def test_of_a_long_file_little_is_read(make, server):
    server.objects["a/web.json"] = b" " * (manifest.MAX_SIZE + 1)
    refused(make(), "IMG.0057")
    assert server.object_ranges == []


def test_more_disks_than_may_be(make):
    call = make()
    call.service.conf.set_override("most_disks", 1, group="ims_files")
    assert "most_disks" in refused(call, "IMG.0057")


def test_larger_than_files_may_be(make, monkeypatch):
    monkeypatch.setattr("ims_glance.model.image.from_file.GIB", 10)
    assert "image_quick" in refused(make(), "IMG.0059")
    accepted(make({"is_quick_import": True}))


@pytest.mark.parametrize(
    ("handler", "body", "code"),
    [
        (creation.create_data_image, {"min_disk": 40}, "IMG.0072"),
        (creation.create_image, {"type": "BMS"}, "IMG.0072"),
        (
            creation.create_image,
            {"data_images": [{"name": "d", "image_url": "bucket:plain", "min_disk": 40}]},
            "IMG.0016",
        ),
        (
            creation.create_image,
            {
                "image_url": "bucket:plain",
                "min_disk": 40,
                "data_images": [{"name": "d", "image_url": "bucket:a/web.json", "min_disk": 40}],
            },
            "IMG.0072",
        ),
        (image_report.check_image, {}, "IMG.0072"),
    ],
)
def test_where_one_disk_is_needed(make, handler, body, code):
    refused(make(body), code, handler)


def test_a_queued_image(make):
    call = make(None, calls.view(status="queued"), image_id=calls.IMAGE)
    refused(call, "IMG.0072", creation.register_image)


class TestSealed:
    FILES = {  # noqa: RUF012
        "a/web-disk1.ims": sealed_files.make(b"data" * 250, {"k1": KEY}),
        "a/web-disk2.ims": sealed_files.make(b"more" * 250, {"k2": OTHER}),
    }

    @pytest.fixture
    def sealed(self, make, server):
        server.objects |= {
            **self.FILES,
            "a/web.json": told(tuple(self.FILES), "sealed", self.FILES),
        }
        return make

    def test_each_disk_stays_under_its_key(self, sealed):
        call = sealed()
        call.service.keys.known = {"k1": KEY, "k2": OTHER}
        arguments = accepted(call)
        files = arguments["machine"]["files"]
        assert [each["unseal_key"] for each in files] == ["k1", "k2"]
        assert (arguments["cmk_id"], files[1]["cmk_id"]) == ("id of k1", "id of k2")
        assert "cmk_id" not in files[0]

    def test_or_all_under_one(self, sealed):
        call = sealed({"cmk_id": "new"})
        call.service.keys.known = {"k1": KEY, "k2": OTHER}
        arguments = accepted(call)
        assert arguments["cmk_id"] == "id of new"
        assert not any("cmk_id" in each for each in arguments["machine"]["files"])

    def test_keys_that_have_other_ids_here(self, sealed):
        call = sealed({"unseal_key": ["mine", "yours"]})
        call.service.keys.known = {"mine": OTHER, "yours": KEY}
        files = accepted(call)["machine"]["files"]
        assert [each["unseal_key"] for each in files] == ["yours", "mine"]

    def test_a_key_that_opens_none(self, sealed):
        call = sealed({"unseal_key": ["k1", "odd"]})
        call.service.keys.known = {"k1": KEY, "k2": OTHER, "odd": bytes(32)}
        assert "Key odd does not open" in refused(call, "IMG.0097")

    def test_a_key_that_is_missing(self, sealed):
        assert "web-disk2.ims" in refused(sealed(), "IMG.0099")

    def test_a_plain_disk_in_its_place(self, sealed, server):
        server.objects["a/web-disk1.ims"] = b"x" * len(self.FILES["a/web-disk1.ims"])
        assert "is not sealed" in refused(sealed(), "IMG.0057")
