# SPDX-License-Identifier: Apache-2.0
"""Images of servers, as far as a request is answered at once; with a small Nova and Cinder."""

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import creation
from ims_glance.model import job as jobs
from ims_glance.model.capture import DiskToCapture
from tests.unit.api.ims import calls

PROJECT = calls.PROJECT
ABSENT = "99999999-9999-4999-8999-999999999999"


def accepted(call, handler):
    answer = handler(call)
    [(job_type, arguments, entities, creates)] = call.service.jobs.accepted
    assert answer.body == {"job_id": calls.JOB}
    assert creates
    wishes = [DiskToCapture.of(each) for each in arguments["wishes"]]
    return job_type, arguments, entities, wishes


def refused(call, handler, code):
    with pytest.raises(exceptions.ImsError) as error:
        handler(call)
    assert error.value.code == code
    assert (call.service.jobs.accepted, call.service.quota.asked) == ([], 0)


class TestWhole:
    def test_on_volumes(self, site):
        call = site.call({"name": "w", "instance_id": site.on_volumes, "tags": ["a"]})
        job_type, arguments, entities, wishes = accepted(call, creation.create_whole_image)
        assert (job_type, call.service.quota.asked) == (jobs.WHOLE_OF_SERVER, 1)
        assert call.service.quota.disks == 2
        assert [each.disk.volume_id for each in wishes] == [site.root, site.data]
        assert (arguments["stands_still"], arguments["cmk_id"]) == (True, None)
        assert arguments["attributes"]["__platform"] == "CentOS"
        assert entities == {"image_name": "w"}
        assert arguments["quiesces"] is False

    @pytest.mark.parametrize("word", calls.WORDS)
    def test_any_name_will_do(self, site, server, word):
        said = {"__admin_password": word, "os_token": word, "hw_secret": word}
        server.volumes[site.root]["volume_image_metadata"] |= said
        body = {
            "name": word,
            "description": word,
            "tags": ["token.x"],
            "instance_id": site.on_volumes,
        }
        _type, arguments, entities, _ = accepted(site.call(body), creation.create_whole_image)
        assert (arguments["description"], entities) == (word, {"image_name": word})

    def test_what_the_owner_of_the_root_volume_writes_on_it(self, site, server):
        """Cinder lets them; the images are described in the service's own right."""
        properties = server.volumes[site.root]["volume_image_metadata"]
        properties |= {"__support_kvm": "true", "max_ram": "much", "hw_disk_bus": "scsi"}
        call = site.call({"name": "w", "instance_id": site.on_volumes})
        _type, arguments, _entities, _wishes = accepted(call, creation.create_whole_image)
        said = arguments["attributes"]
        assert (said["hw_disk_bus"], said["__platform"]) == ("scsi", "CentOS")
        assert {"__support_kvm", "max_ram"}.isdisjoint(said)

    def test_through_the_guest_agent(self, site, server):
        properties = server.volumes[site.root]["volume_image_metadata"]
        properties |= {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes"}
        call = site.call({"name": "w", "instance_id": site.on_volumes})
        _type, arguments, _entities, _found = accepted(call, creation.create_whole_image)
        assert (arguments["stands_still"], arguments["quiesces"]) == (True, True)

    def test_a_root_disk_on_its_host(self, site):
        wishes = {"no_pause": True, "cmk_id": "k", "max_ram": "2048"}
        call = site.call({"name": "w", "instance_id": site.local, **wishes})
        _type, arguments, _entities, found = accepted(call, creation.create_whole_image)
        assert [each.disk.volume_id for each in found] == [None, site.data2]
        assert (arguments["stands_still"], arguments["cmk_id"]) == (False, "id of k")
        assert arguments["max_ram"] == 2048

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"status": "ERROR"}, "IMG.0126"),
            ({"OS-EXT-STS:task_state": "rebooting"}, "IMG.0010"),
            ({"locked": True}, "IMG.0010"),
            ({"tenant_id": "other"}, "IMG.0005"),
            ({"flavor": {"disk": 1, "ephemeral": 1}}, "IMG.0063"),
        ],
    )
    def test_servers_that_will_not_do(self, site, values, code):
        server_id = site.server([site.volume()], **values)
        refused(
            site.call({"name": "w", "instance_id": server_id}), creation.create_whole_image, code
        )

    def test_no_such_server(self, site):
        refused(
            site.call({"name": "w", "instance_id": ABSENT}), creation.create_whole_image, "IMG.0005"
        )

    @pytest.mark.parametrize(
        ("values", "code"),
        [({"encrypted": True}, "IMG.0105"), ({"status": "detaching"}, "IMG.0139")],
    )
    def test_volumes_that_will_not_do(self, site, server, values, code):
        server.volumes[site.data].update(values)
        call = site.call({"name": "w", "instance_id": site.on_volumes})
        refused(call, creation.create_whole_image, code)

    @pytest.mark.parametrize(
        ("body", "keeps"),
        [
            ({}, False),
            ({"with_backup": True}, True),
            ({"vault_id": "v"}, True),
            ({"vault_id": "v", "with_backup": False}, False),
        ],
    )
    def test_a_backup_is_kept(self, site, body, keeps):
        call = site.call({"name": "w", "instance_id": site.on_volumes, **body})
        _type, arguments, _entities, _wishes = accepted(call, creation.create_whole_image)
        assert (arguments["with_backup"], arguments["server_name"]) == (keeps, "web")

    def test_nova_is_away(self, site, server):
        server.failures["GET /servers/.*"] = [503]
        call = site.call({"name": "w", "instance_id": site.on_volumes})
        with pytest.raises(exceptions.Unavailable):
            creation.create_whole_image(call)


class TestDisks:
    def test_the_system_disk(self, site):
        call = site.call({"name": "s", "instance_id": site.on_volumes})
        job_type, arguments, entities, wishes = accepted(call, creation.create_image)
        assert job_type == jobs.IMAGE_OF_SERVER
        assert [(each.name, each.disk.volume_id) for each in wishes] == [("s", site.root)]
        assert entities["left_out_volumes"] == [site.data]
        assert "stands_still" not in arguments
        assert "is_config" not in arguments

    def test_its_system_may_be_prepared(self, site):
        call = site.call({"name": "s", "instance_id": site.on_volumes, "is_config": True})
        _type, arguments, _entities, _wishes = accepted(call, creation.create_image)
        assert arguments["is_config"] is True

    def test_no_system_is_on_data_disks(self, site):
        data = {"name": "d", "volume_id": site.data}
        refused(
            site.call({"data_images": [data], "is_config": True}), creation.create_image, "IMG.0105"
        )

    def test_with_a_data_disk(self, site):
        data = {"name": "d", "volume_id": site.data, "tags": ["b"]}
        body = {"name": "s", "instance_id": site.on_volumes, "tags": ["a"], "data_images": [data]}
        call = site.call(body)
        _type, arguments, entities, wishes = accepted(call, creation.create_image)
        assert [(each.name, each.tags) for each in wishes] == [("s", ()), ("d", ("b",))]
        assert (arguments["tags"], call.service.quota.asked) == (["a"], 2)
        assert "left_out_volumes" not in entities

    def test_data_disks_alone(self, site):
        data = {"name": "d", "volume_id": site.data2, "description": "own"}
        call = site.call({"data_images": [data], "description": "common", "tags": ["c"]})
        job_type, _arguments, entities, [wish] = accepted(call, creation.create_image)
        assert job_type == jobs.IMAGES_OF_VOLUMES
        assert (wish.disk.number, wish.description, wish.tags) == (1, "own", ("c",))
        assert entities["image_name"] == "d"

    @pytest.mark.parametrize(
        ("names", "code"),
        [
            (["data", "data2"], "IMG.0140"),
            (["data", "data"], "IMG.0120"),
            (["root"], "IMG.0120"),
            (["absent"], "IMG.0120"),
            ([None], "IMG.0120"),
            (["free"], "IMG.0120"),
        ],
    )
    def test_data_disks_that_will_not_do(self, site, names, code):
        site.absent, site.free = ABSENT, site.volume()
        data = [
            {"name": f"d{number}", **({"volume_id": getattr(site, name)} if name else {})}
            for number, name in enumerate(names)
        ]
        refused(site.call({"data_images": data}), creation.create_image, code)

    def test_a_large_disk(self, site, server):
        server.volumes[site.root]["size"] = 1025
        body = {"name": "s", "instance_id": site.on_volumes}
        refused(site.call(body), creation.create_image, "IMG.0111")
        accepted(site.call(body), creation.create_whole_image)

    def test_a_data_disk_of_several_servers(self, site, server):
        server.volumes[site.data]["attachments"].append({"server_id": "x"})
        data = {"name": "d", "volume_id": site.data}
        refused(site.call({"data_images": [data]}), creation.create_image, "IMG.0022")
