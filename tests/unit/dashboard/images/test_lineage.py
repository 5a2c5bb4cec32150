# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from unittest import mock

import requests
from openstack_dashboard import exceptions as horizons

from ims_glance.client.resources.image import Image
from ims_glance.dashboard.images import lineage
from tests.unit.client.cloud import IMAGE, IMAGE_ID, SECOND_ID, Answer, Cloud, image
from tests.unit.dashboard.console import ConsoleTestCase


class OriginTest(ConsoleTestCase):
    def of(self, **server):
        with mock.patch("openstack_dashboard.api.nova.server_get", **server):
            return lineage.origin(None, Image(data_origin="instance,s-1"))

    def test_a_server_that_is_there(self):
        assert self.of(return_value=SimpleNamespace(name="web")) == "Server: s-1 (web)"

    def test_one_that_is_deleted(self):
        assert self.of(side_effect=horizons.NOT_FOUND[0](404)) == "Server: s-1 (deleted)"

    def test_one_that_cannot_be_asked_for(self):
        assert "not known" in self.of(side_effect=self.exceptions.nova)


def test_what_else_it_is_from():
    copied = Image(data_origin="image,RegionOne,i")
    assert lineage.origin(None, copied) == "Image: RegionOne,i"
    assert lineage.origin(None, Image()) == "-"


def test_copies_and_a_region_that_is_away():
    cloud = Cloud()
    copy = image(SECOND_ID, "copy")
    cloud.on("GET", f"{IMAGE}/v2/images", lambda request: Answer(200, {"images": [copy]}))
    user = SimpleNamespace(services_region="One", available_services_regions=["One", "Two"])
    there = {"One": cloud.connection().ims}

    def ims_in(_request, region):
        if region not in there:
            raise requests.ConnectionError
        return there[region]

    with mock.patch("ims_glance.dashboard.connection.ims_in", ims_in):
        first, *_hidden, last = lineage.copies(SimpleNamespace(user=user), Image(id=IMAGE_ID))
    assert (first["region"], first["id"]) == ("One", SECOND_ID)
    assert "does not answer" in last["away"]
    assert cloud.requests[-1].query["__data_origin"] == f"image,One,{IMAGE_ID}"
