# SPDX-License-Identifier: Apache-2.0
"""Server backups in the IMS API, with a small Nova and Cinder."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import backup, creation
from ims_glance.clouds.backups.cinder import CinderBackups
from ims_glance.clouds.region import Region
from ims_glance.model import backup as model
from ims_glance.model import capture
from ims_glance.model import job as jobs
from ims_glance.model.backup import BackupPlan
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.image import attributes
from ims_glance.model.server import Disk
from tests.unit.api.ims import calls
from tests.unit.clouds.backups_server import PROVER

ID = "11111111-0000-4000-8000-000000000000"
OTHER = "33333333-0000-4000-8000-000000000000"
ABSENT = "99999999-9999-4999-8999-999999999999"


def make(site, backup_id=ID, count=2, **values):
    plan = BackupPlan(
        backup_id,
        **{"name": "nightly", "server_id": site.on_volumes, "server_name": "web", **values},
    )
    driver = CinderBackups(Region(site.cloud.session()), prover=PROVER)
    for number in range(count):
        disk = Disk(number, site.cloud.volume(), 1, "fast")
        driver.back_up(plan, disk, 2)


def refused(call, handler, code):
    with pytest.raises(exceptions.ImsError) as error:
        handler(call)
    assert error.value.code == code
    assert (call.service.jobs.accepted, call.service.quota.asked) == ([], 0)


def used(backup_id=ID, **changes):
    """The image of a backup."""
    said = {attributes.BACKUP_ID: backup_id, attributes.WHOLE_IMAGE: "true"}
    return calls.view(calls.SECOND, **said, **changes)


class TestList:
    def test_all(self, site):
        make(site)
        make(site, OTHER, count=1, name="weekly")
        body = backup.list_server_backups(site.call(None, {}, used())).body
        found = {each["id"]: each for each in body["server_backups"]}
        assert (found[ID]["status"], found[ID]["image_id"]) == ("available", calls.SECOND)
        assert (found[OTHER]["status"], found[OTHER]["image_id"]) == ("incomplete", None)
        assert body["page_info"] == {"current_count": 2}

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"name": "weekly"}, 1),
            ({"status": "incomplete"}, 1),
            ({"status": "available", "name": "weekly"}, 0),
            ({"server_id": ABSENT}, 0),
        ],
    )
    def test_some(self, site, query, count):
        make(site)
        make(site, OTHER, count=1, name="weekly")
        body = backup.list_server_backups(site.call(None, query)).body
        assert len(body["server_backups"]) == count

    def test_pages(self, site):
        make(site)
        make(site, OTHER)
        call = site.call(None, {"limit": "1"})
        body = backup.list_server_backups(call).body
        [first] = body["server_backups"]
        assert body["page_info"] == {"current_count": 1, "next_marker": first["id"]}
        call = site.call(None, {"limit": "1", "marker": first["id"]})
        body = backup.list_server_backups(call).body
        assert {first["id"], body["server_backups"][0]["id"]} == {ID, OTHER}
        assert "next_marker" not in body["page_info"]

    def test_marker_that_does_not_fit_any_more(self, site):
        make(site)
        make(site, OTHER)
        [first, second] = backup.list_server_backups(site.call(None, {})).body["server_backups"]
        query = {"marker": first["id"], "status": "available"}
        CinderBackups(Region(site.cloud.session())).delete_part(first["disks"][0]["backup_id"])
        body = backup.list_server_backups(site.call(None, query)).body
        assert [each["id"] for each in body["server_backups"]] == [second["id"]]

    def test_marker_that_is_gone(self, site):
        make(site)
        call = site.call(None, {"marker": ABSENT})
        refused(call, backup.list_server_backups, "IMG.0020")


def test_show(site):
    make(site)
    body = backup.show_server_backup(site.call(backup_id=ID)).body
    assert (body["id"], body["image_id"], len(body["disks"])) == (ID, None, 2)
    refused(site.call(backup_id=ABSENT), backup.show_server_backup, "IMG.0020")


class TestCreate:
    def test_through_the_guest_agent(self, site, server):
        properties = server.volumes[site.root]["volume_image_metadata"]
        properties |= {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes"}
        call = site.call({"name": "nightly", "server_id": site.on_volumes})
        backup.create_server_backup(call)
        [(_type, arguments, _entities, _creates)] = call.service.jobs.accepted
        assert arguments["quiesces"] is True

    @pytest.mark.parametrize("no_pause", [None, True])
    def test_of_a_server(self, site, no_pause):
        body = {"name": "nightly", "server_id": site.local, "no_pause": no_pause}
        call = site.call(body)
        answer = backup.create_server_backup(call)
        assert answer.body == {"job_id": calls.JOB, "backup_id": jobs.id_of_backup(calls.JOB)}
        [(job_type, arguments, entities, creates)] = call.service.jobs.accepted
        assert (job_type, creates, call.service.quota.asked) == (jobs.SERVER_BACKUP, False, 0)
        disks = [DiskToCapture.of(each).disk.volume_id for each in arguments["wishes"]]
        assert disks == [None, site.data2]
        assert arguments["stands_still"] is not no_pause
        assert arguments["quiesces"] is False
        assert (arguments["name"], arguments["server_name"]) == ("nightly", "web")
        assert entities == {"backup_name": "nightly", "server_id": site.local}

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"server_id": ABSENT}, "IMG.0005"),
            ({"name": ""}, "IMG.0013"),
            ({"name": "<"}, "IMG.0003"),
            ({"description": "<"}, "IMG.0054"),
        ],
    )
    def test_what_is_refused(self, site, body, code):
        call = site.call({"name": "n", "server_id": site.on_volumes, **body})
        refused(call, backup.create_server_backup, code)

    def test_a_server_with_an_ephemeral_disk(self, site):
        flavor = {"disk": 1, "ephemeral": 1}
        server_id = site.server([site.volume()], flavor=flavor)
        call = site.call({"name": "n", "server_id": server_id})
        refused(call, backup.create_server_backup, "IMG.0063")


class TestDelete:
    def test_it_is_gone(self, site, server):
        make(site)
        make(site, OTHER)
        backup.delete_server_backup(site.call(backup_id=ID))
        assert len(server.backups) == 2
        refused(site.call(backup_id=ID), backup.delete_server_backup, "IMG.0020")

    def test_a_job_works_on_it(self, site, server):
        make(site)
        call = site.call(backup_id=ID)
        call.service.backups.in_use = lambda _project: {ID}
        refused(call, backup.delete_server_backup, "IMG.0136")
        assert len(server.backups) == 2

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"status": "restoring"}, "it is restoring"),
            ({"has_dependent_backups": True}, "incremental"),
        ],
    )
    def test_what_is_refused_is_not_deleted_in_part(self, site, server, changes, said):
        make(site)
        list(server.backups.values())[-1].update(changes)
        with pytest.raises(model.BackupNotFree, match=said):
            backup.delete_server_backup(site.call(backup_id=ID))
        assert len(server.backups) == 2


class TestWhole:
    def call(self, site, *views, **body):
        return site.call({"name": "again", "backup_id": ID, **body}, None, *views)

    def test_of_a_backup(self, site):
        make(site, attributes={"hw_firmware_type": "uefi"})
        call = self.call(site, backup_id=ID, cmk_id="k", tags=["a"], min_ram=512, vault_id="v")
        answer = creation.create_whole_image(call)
        assert (answer.body, call.service.quota.asked) == ({"job_id": calls.JOB}, 1)
        [(job_type, arguments, entities, creates)] = call.service.jobs.accepted
        assert (job_type, creates) == (jobs.WHOLE_OF_BACKUP, True)
        assert (arguments["backup_id"], arguments["server_id"]) == (ID, site.on_volumes)
        assert arguments["attributes"]["hw_firmware_type"] == "uefi"
        assert (arguments["cmk_id"], arguments["min_ram"]) == ("id of k", 512)
        wishes = [DiskToCapture.of(each).disk for each in arguments["wishes"]]
        assert [each.volume_type for each in wishes] == ["fast", "fast"]
        assert entities == {"image_name": "again"}
        assert "with_backup" not in arguments
        assert arguments["server_is_claimed"] is False

    def test_of_one_whose_metadata_somebody_wrote(self, site, server):
        """It becomes an image, which says nothing that only the service may say."""
        make(site, attributes={"hw_firmware_type": "uefi"})
        for each in server.backups.values():
            each["metadata"] |= {"ims_server": ABSENT, "ims_image:__support_kvm": "true"}
        call = self.call(site)
        creation.create_whole_image(call)
        [(_type, arguments, _entities, _creates)] = call.service.jobs.accepted
        assert arguments["server_is_claimed"] is True
        assert arguments["attributes"]["hw_firmware_type"] == "uefi"
        assert "__support_kvm" not in arguments["attributes"]
        said = capture.for_system(arguments)
        volume_id = arguments["wishes"][0]["disk"]["volume_id"]
        assert said[attributes.DATA_ORIGIN] == f"volume,{volume_id}"

    def test_no_such_backup(self, site):
        refused(self.call(site), creation.create_whole_image, "IMG.0020")

    @pytest.mark.parametrize("status", ["creating", "error", "restoring", "deleting"])
    def test_one_that_is_not_ready(self, site, server, status):
        make(site)
        for each in server.backups.values():
            each["status"] = status
        refused(self.call(site), creation.create_whole_image, "IMG.0032")

    def test_one_that_is_not_complete(self, site):
        make(site, count=1)
        refused(self.call(site), creation.create_whole_image, "IMG.0032")

    def test_one_that_has_an_image(self, site):
        make(site)
        refused(self.call(site, used()), creation.create_whole_image, "IMG.0134")

    def test_an_image_of_somebody_else_does_not_count(self, site):
        make(site)
        call = self.call(site, used(owner=calls.OTHER))
        assert creation.create_whole_image(call).body

    @pytest.mark.parametrize("status", ["available", "restoring"])
    def test_one_that_a_job_uses(self, site, server, status):
        make(site)
        next(iter(server.backups.values()))["status"] = status
        call = self.call(site)
        call.service.backups.in_use = lambda _project: {ID}
        refused(call, creation.create_whole_image, "IMG.0134")

    def test_several_at_once(self, site):
        make(site)
        accepted: set[str] = set()
        barrier = threading.Barrier(4)

        def ask(_number):
            call = self.call(site)
            call.service.backups.in_use = lambda _project: set(accepted)
            accept = call.service.jobs.accept

            def noted(*arguments, **named):
                accepted.add(ID)
                return accept(*arguments, **named)

            call.service.jobs.accept = noted
            barrier.wait()
            try:
                creation.create_whole_image(call)
            except exceptions.ImsError as error:
                return error.code
            return None

        with ThreadPoolExecutor(4) as pool:
            codes = list(pool.map(ask, range(4)))
        assert sorted(codes, key=str) == ["IMG.0134"] * 3 + [None]
