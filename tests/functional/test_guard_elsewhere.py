# SPDX-License-Identifier: Apache-2.0
"""Images whose disks lie elsewhere, at both doors of a real Glance: none looks encrypted."""

import json

import pytest

from tests.functional.client import Client
from tests.functional.refusals import CMK_ID, DATA, by_glance, default_keys, refused
from tests.functional.test_ims_images import assert_refused

MAPPING = "block_device_mapping"
SNAPSHOT = {"source_type": "snapshot", "destination_type": "volume", "snapshot_id": "s"}
BLANK = json.dumps([{"source_type": "blank", "destination_type": "volume", "volume_size": 1}])
ELSEWHERE = {
    "by Nova": json.dumps([{**SNAPSHOT, "boot_index": 0, "volume_size": 1}]),
    "volume": '[{"source_type": "volume", "destination_type": "volume", "volume_id": "v"}]',
    "image": '[{"source_type": "image", "destination_type": "volume", "image_id": "i"}]',
    "old form": '[{"device_name": "vda", "snapshot_id": "s"}]',
    "malformed": "snapshots",
}
each_kind = pytest.mark.parametrize("mapping", ELSEWHERE.values(), ids=ELSEWHERE)
NOVAS = ELSEWHERE["by Nova"]


def as_nova(glance: Client, mapping: str = NOVAS, **more: object) -> str:
    """An image of a server whose root disk is a volume, as Nova makes it."""
    image = glance.create(**{MAPPING: mapping, "bdm_v2": "True", **more})["id"]
    glance.upload(image, b"")
    return str(image)


def add(value: str) -> dict[str, str]:
    return {"op": "add", "path": f"/{MAPPING}", "value": value}


class TestKeys:
    @each_kind
    def test_none_at_creation(self, glance: Client, key: str, mapping: str) -> None:
        for named in (key, "ims/default"):
            with refused(409, "IMG.0024"):
                glance.create(cmkid=named, **{MAPPING: mapping})

    def test_nobody_says_that_it_is_a_whole_machine(self, glance: Client, key: str) -> None:
        with refused(409, "IMG.0024"):
            glance.create(cmkid=key, __whole_image="true", **{MAPPING: NOVAS})

    @each_kind
    def test_an_image_with_a_key_gets_no_such_disks(self, glance, key, mapping) -> None:
        image = glance.create(cmkid=key)["id"]
        rename = {"op": "replace", "path": "/name", "value": "new"}
        for fill in (False, True):
            if fill:
                glance.upload(image, DATA)
            with refused(409, "IMG.0024"):
                glance.patch(image, rename, add(mapping))
        shown = glance.show(image)
        assert (MAPPING in shown, shown["name"]) == (False, "test")
        answer = glance.send("PATCH", f"/v2/cloudimages/{image}", json_body=[add(mapping)])
        assert_refused(answer, 400, "IMG.0024")

    def test_blank_disks_do_no_harm(self, glance: Client, key: str) -> None:
        image = glance.create(cmkid=key, **{MAPPING: BLANK})["id"]
        glance.patch(image, add("[]"))
        glance.upload(image, DATA)
        assert glance.show(image)["stores"] == "kms"


class TestEncryptingStore:
    """What an encrypting store gets without a named key, as Glance's default store would."""

    def test_nova_makes_its_image_as_ever(self, glance: Client) -> None:
        image = glance.create(**{MAPPING: NOVAS, "bdm_v2": "True"})["id"]
        glance.upload(image, b"", store="kms")
        shown = glance.show(image)
        assert (shown["status"], shown["size"], CMK_ID in shown) == ("active", 0, False)
        assert glance.download(image) == b""
        glance.share(image, "other")
        glance.delete(image)

    @pytest.mark.parametrize("staged", [False, True], ids=["upload", "import"])
    def test_data_is_encrypted_and_the_image_does_not_look_so(
        self, glance, glance_service, vault, commands, staged
    ) -> None:
        image = glance.create(**{MAPPING: NOVAS})["id"]
        glance.upload(image, DATA, store=None if staged else "kms2", stage=staged)
        if staged:
            glance.import_(image, stores=["kms2"])
        shown = glance.wait(image)
        assert (shown["stores"], CMK_ID in shown) == ("kms2", False)
        assert glance.download(image) == DATA
        there = json.loads(commands.run(glance_service, "show", image, "--json").stdout)
        [copy] = there["stores"]
        assert copy["headers"][0]["key_ids"] == default_keys(vault, "demo")

    def test_disks_that_are_named_afterwards(self, glance: Client) -> None:
        """A client of plain Glance may; the image just does not look encrypted meanwhile."""
        image = glance.create()["id"]
        glance.upload(image, DATA, store="kms")
        assert CMK_ID in glance.show(image)
        assert CMK_ID not in glance.patch(image, add(NOVAS))
        assert CMK_ID not in glance.show(image)
        glance.patch(image, {"op": "remove", "path": f"/{MAPPING}"})
        assert CMK_ID in glance.show(image)
        bad = {"op": "replace", "path": "/min_disk", "value": "x"}
        with by_glance(400):
            glance.patch(image, add(NOVAS), bad)
        assert CMK_ID in glance.show(image)
        assert glance.download(image) == DATA

    def test_a_copy_in_another_store_is_deleted(self, glance: Client, admin: Client) -> None:
        image = glance.create(**{MAPPING: NOVAS})["id"]
        glance.upload(image, DATA, stage=True)
        glance.import_(image, stores=["plain", "kms"])
        glance.wait(image)
        admin.call("DELETE", f"/v2/stores/plain/{image}")
        shown = glance.show(image)
        assert (shown["stores"], CMK_ID in shown) == ("kms", False)


class TestGlanceStaysGlance:
    @each_kind
    def test_who_names_no_key_shares_it_as_ever(self, glance, other, mapping) -> None:
        image = as_nova(glance, mapping, visibility="shared")
        glance.share(image, "other")
        assert other.show(image)[MAPPING] == mapping
        opened = {"op": "replace", "path": "/visibility", "value": "community"}
        assert glance.patch(as_nova(glance, mapping), opened)["visibility"] == "community"
        as_nova(glance, mapping, visibility="community")


class TestIms:
    @each_kind
    def test_refusals_say_what_to_do(self, glance: Client, key: str, mapping: str) -> None:
        image = as_nova(glance, mapping)
        copy = f"/v1/cloudimages/{image}/copy"
        members = {"images": [image], "projects": ["f" * 32]}
        region = {"name": "x", "region": "r", "project_name": "p", "agency_name": "a"}
        export = {"bucket_url": "bucket:o.qcow2", "file_format": "qcow2"}
        for path, body, code in (
            (copy, {"name": "x"}, "IMG.0130"),
            (copy, {"name": "x", "cmk_id": key}, "IMG.0130"),
            (f"/v1/cloudimages/{image}/cross_region_copy", region, "IMG.0130"),
            (f"/v1/cloudimages/{image}/file", export, "IMG.0128"),
            ("/v1/cloudimages/members", members, "IMG.0135"),
        ):
            answer = glance.send("POST", path, json_body=body)
            assert_refused(answer, 400, code)
            assert "--whole" in answer.json["error"]["message"]
