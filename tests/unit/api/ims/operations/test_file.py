# SPDX-License-Identifier: Apache-2.0
"""Images of files, as far as a request is answered at once; with a small object storage."""

import hashlib

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import creation
from ims_glance.model import job as jobs
from tests.unit.api.ims import calls

DATA = b"x" * 1000
SYSTEM = "CentOS 7.3 64bit"
FILE = {"name": "image", "image_url": "bucket:disk.raw", "min_disk": 40}
QUICK = {**FILE, "os_version": SYSTEM}
REGISTER = {"image_url": "bucket:disk.raw"}
ISO = {**FILE, "image_url": "bucket:cd.iso", "type": "IsoImage", "os_version": SYSTEM}


@pytest.fixture
def make(site, server):
    server.objects |= {"disk.raw": DATA, "cd.iso": DATA, "empty": b"", "a:b/ü": DATA}
    return site.call


def accepted(call, handler):
    answer = handler(call)
    [(job_type, arguments, entities, creates)] = call.service.jobs.accepted
    assert (answer.body, answer.job_id, creates) == ({"job_id": calls.JOB}, calls.JOB, True)
    assert entities == {"image_name": arguments["name"]}
    assert call.service.quota.asked == 1
    return job_type, arguments


def refused(call, handler, code):
    with pytest.raises(exceptions.ImsError) as error:
        handler(call)
    assert error.value.code == code
    assert (call.service.jobs.accepted, call.service.quota.asked) == ([], 0)
    return str(error.value)


class TestSystem:
    def test_what_must_be_there(self, make):
        job_type, arguments = accepted(make(FILE), creation.create_image)
        assert job_type == jobs.IMPORT_IMAGE
        assert arguments == {
            "file": {
                "bucket": "bucket",
                "object": "disk.raw",
                "size": 1000,
                "etag": hashlib.md5(DATA).hexdigest(),
                "content_type": "application/octet-stream",
            },
            "access_key": None,
            "purpose": "FusionCompute",
            "min_disk": 40,
            "name": "image",
            "tags": [],
            **dict.fromkeys(
                (
                    "cmk_id", "description", "os_type", "os_version", "hw_firmware_type", "min_ram",
                    "max_ram", "architecture", "is_config", "is_config_init", "enterprise_project_id",
                )
            ),
        }  # fmt: skip

    def test_all_fields(self, make):
        wishes = {
            "description": "Old",
            "os_type": "Linux",
            "os_version": SYSTEM,
            "hw_firmware_type": "uefi",
            "architecture": "arm",
            "is_config_init": True,
            "enterprise_project_id": "0",
        }
        more = {"min_ram": "1024", "max_ram": 2048, "tags": ["env.a"], "cmk_id": "k"}
        others = {"is_config": False, "data_images": [], "volume_id": None, "is_quick_import": None}
        call = make({**FILE, **wishes, **more, **others})
        _type, arguments = accepted(call, creation.create_image)
        assert arguments.items() >= wishes.items()
        assert (arguments["min_ram"], arguments["max_ram"]) == (1024, 2048)
        assert (arguments["tags"], arguments["cmk_id"]) == (["env=a"], "id of k")

    @pytest.mark.parametrize("word", calls.WORDS)
    def test_any_name_will_do(self, make, server, word):
        server.objects[word] = DATA
        body = {**FILE, "name": word, "image_url": f"bucket:{word}"}
        _type, arguments = accepted(make(body), creation.create_image)
        assert arguments["file"]["object"] == word

    @pytest.mark.parametrize(
        ("wanted", "purpose"),
        [
            ("ECS", "FusionCompute"),
            ("BMS", "Ironic"),
            ("Ironic", "Ironic"),
            (None, "FusionCompute"),
        ],
    )
    def test_what_it_is_for(self, make, wanted, purpose):
        _type, arguments = accepted(make({**FILE, "type": wanted}), creation.create_image)
        assert arguments["purpose"] == purpose

    def test_odd_objects(self, make):
        _type, arguments = accepted(
            make({**FILE, "image_url": "bucket:a:b/ü"}), creation.create_image
        )
        assert arguments["file"]["object"] == "a:b/ü"

    def test_quickly(self, make):
        call = make({**QUICK, "is_quick_import": True})
        call.service.conf.set_override("file_gib", 1, group="ims_files")
        assert accepted(call, creation.create_image)[0] == jobs.IMPORT_IMAGE

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"min_disk": None}, "IMG.0055"),
            ({"min_disk": 39}, "IMG.0055"),
            ({"image_url": "bucket:absent"}, "IMG.0057"),
            ({"image_url": "no-bucket:disk.raw"}, "IMG.0057"),
            ({"image_url": "bucket:empty"}, "IMG.0057"),
            ({"image_url": "bucket:../x"}, "IMG.0075"),
            ({"type": "BMS", "cmk_id": "k"}, "IMG.0118"),
            ({"name": ""}, "IMG.0013"),
            ({"is_quick_import": True}, "IMG.0056"),
            ({"access_key": "a" * 32}, "IMG.0105"),
        ],
    )
    def test_refusals(self, make, changes, code):
        refused(make({**FILE, **changes}), creation.create_image, code)

    @pytest.mark.parametrize("wanted", ["ECS", "BMS", None])
    def test_prepared(self, make, wanted):
        call = make({**FILE, "type": wanted, "is_config": True})
        assert accepted(call, creation.create_image)[1]["is_config"] is True

    def test_a_file_that_is_too_large(self, make, monkeypatch):
        monkeypatch.setattr("ims_glance.model.image.from_file.GIB", 7)
        call = make(FILE)
        call.service.conf.set_override("file_gib", 100, group="ims_files")
        said = refused(call, creation.create_image, "IMG.0059")
        assert "import_image_quick" in said

    def test_a_neighbour_is_away(self, make, server):
        server.failures["HEAD .*"] = [503]
        with pytest.raises(exceptions.Unavailable):
            creation.create_image(make(FILE))

    def test_it_is_not_the_callers(self, make, server):
        server.failures["HEAD .*"] = [403]
        refused(make(FILE), creation.create_image, "IMG.0069")


class TestDataImages:
    DATA = {"name": "data", "image_url": "bucket:a:b/ü", "min_disk": 2048}  # noqa: RUF012

    def test_beside_a_system(self, make):
        more = {"name": "more", "image_url": "bucket:cd.iso", "min_disk": 40, "tags": ["c.d"]}
        wanted = [self.DATA, {**more, "description": "Own"}]
        call = make({**FILE, "tags": ["a.b"], "description": "Old", "data_images": wanted})
        creation.create_image(call)
        [(job_type, arguments, _entities, _creates)] = call.service.jobs.accepted
        assert job_type == jobs.IMPORT_IMAGE
        first, second = arguments["data_files"]
        assert (first["number"], first["name"], first["min_disk"]) == (1, "data", 2048)
        assert (first["file"]["object"], second["file"]["object"]) == ("a:b/ü", "cd.iso")
        # What is said inside wins.
        assert (first["tags"], first["description"]) == (["a=b"], "Old")
        assert (second["tags"], second["description"]) == (["c=d"], "Own")
        named = [(each["disk"]["number"], each["name"]) for each in arguments["wishes"]]
        assert named == [(0, "image"), (1, "data"), (2, "more")]
        assert call.service.quota.asked == 3

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"image_url": None}, "IMG.0016"),
            ({"volume_id": calls.SECOND}, "IMG.0016"),
            ({"image_url": FILE["image_url"]}, "IMG.0123"),
            ({"image_url": "bucket:absent"}, "IMG.0057"),
            ({"image_url": "bucket:empty"}, "IMG.0057"),
            ({"min_disk": None}, "IMG.0055"),
            ({"min_disk": 39}, "IMG.0055"),
            ({"name": ""}, "IMG.0013"),
        ],
    )
    def test_refusals(self, make, changes, code):
        body = {**FILE, "data_images": [{**self.DATA, **changes}]}
        refused(make(body), creation.create_image, code)

    def test_three_are_the_most(self, make):
        body = {**FILE, "data_images": [self.DATA] * 4}
        assert "3 are the most" in refused(make(body), creation.create_image, "IMG.0016")

    def test_an_iso_has_none(self, make):
        body = {**ISO, "data_images": [self.DATA]}
        refused(make(body), creation.create_image, "IMG.0016")

    def test_larger_files_quickly(self, make, monkeypatch):
        monkeypatch.setattr("ims_glance.model.image.from_file.GIB", 1)
        for is_quick in (False, True):
            data = {**self.DATA, "is_quick_import": is_quick}
            call = make({**QUICK, "is_quick_import": True, "data_images": [data]})
            if is_quick:
                creation.create_image(call)
            else:
                refused(call, creation.create_image, "IMG.0059")


class TestIso:
    def test_what_must_be_there(self, make):
        _type, arguments = accepted(make(ISO), creation.create_image)
        assert (arguments["purpose"], arguments["os_version"]) == ("IsoImage", SYSTEM)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"os_version": None}, "IMG.0166"),
            ({"cmk_id": "k"}, "IMG.0105"),
            ({"is_config": True}, "IMG.0105"),
            ({"image_url": "bucket:a:b/ü"}, "IMG.0075"),
        ],
    )
    def test_refusals(self, make, changes, code):
        refused(make({**ISO, **changes}), creation.create_image, code)


class TestData:
    def test_what_must_be_there(self, make):
        job_type, arguments = accepted(make(FILE), creation.create_data_image)
        assert (job_type, arguments["purpose"]) == (jobs.IMPORT_DATA_IMAGE, "DataImage")

    def test_all_fields(self, make):
        wishes = {"description": "Old", "os_type": "Windows", "enterprise_project_id": "0"}
        call = make({**FILE, **wishes, "cmk_id": "k", "tags": ["a"], "min_disk": 2048})
        _type, arguments = accepted(call, creation.create_data_image)
        assert arguments.items() >= wishes.items()
        assert (arguments["cmk_id"], arguments["min_disk"]) == ("id of k", 2048)

    @pytest.mark.parametrize("min_disk", [39, 1])
    def test_bounds_of_its_own(self, make, min_disk):
        call = make({**FILE, "min_disk": min_disk})
        assert "a data disk has 40 to 2048" in refused(call, creation.create_data_image, "IMG.0055")


class TestQuick:
    def test_a_system(self, make):
        job_type, arguments = accepted(make(QUICK), creation.import_image_quick)
        assert (job_type, arguments["purpose"]) == (jobs.IMPORT_IMAGE, "FusionCompute")

    def test_a_data_disk(self, make):
        call = make({**FILE, "type": "DataImage"})
        job_type, arguments = accepted(call, creation.import_image_quick)
        assert (job_type, arguments["purpose"]) == (jobs.IMPORT_DATA_IMAGE, "DataImage")

    def test_larger_files(self, make, monkeypatch):
        monkeypatch.setattr("ims_glance.model.image.from_file.GIB", 1)
        accepted(make(QUICK), creation.import_image_quick)
        call = make(QUICK)
        call.service.conf.set_override("quick_file_gib", 999, group="ims_files")
        refused(call, creation.import_image_quick, "IMG.0059")


class TestRegister:
    @pytest.fixture
    def queued(self, make):
        def queued(body=REGISTER, **changes):
            view = calls.view(**{"status": "queued", **changes})
            return make(body, None, view, image_id=calls.IMAGE)

        return queued

    def test_what_must_be_there(self, queued):
        call = queued()
        answer = creation.register_image(call)
        [(job_type, arguments, entities, creates)] = call.service.jobs.accepted
        assert (job_type, creates) == (jobs.REGISTER_IMAGE, False)
        assert arguments["file"]["object"] == "disk.raw"
        assert (arguments["image_id"], arguments["access_key"]) == (calls.IMAGE, None)
        assert entities == {"image_id": calls.IMAGE, "image_name": "image"}
        assert (answer.image_ids, answer.job_id) == ((calls.IMAGE,), calls.JOB)

    def test_one_that_is_being_filled(self, queued):
        call = queued()
        other = jobs.StoredJob(
            "f" * 32, jobs.REGISTER_IMAGE, calls.PROJECT, "u", arguments={"image_id": calls.IMAGE}
        )
        call.service.jobs.there = [other]
        assert other.id in refused(call, creation.register_image, "IMG.0046")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"image_url": "bucket:absent"}, "IMG.0057"),
            ({"image_url": "bucket:empty"}, "IMG.0057"),
            ({**REGISTER, "access_key": "a" * 32}, "IMG.0105"),
        ],
    )
    def test_refusals(self, queued, body, code):
        refused(queued(body), creation.register_image, code)

    def test_whole_machines_and_their_disks(self, queued):
        for odd in ({"__whole_image": "true"}, {"__component_of": calls.SECOND}):
            refused(queued(**odd), creation.register_image, "IMG.0024")
