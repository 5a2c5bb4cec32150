# SPDX-License-Identifier: Apache-2.0
"""Objects of Swift; all that it has in common with S3 is in ``test_base``."""

from ims_glance.clouds.objects.swift import SwiftObjects
from ims_glance.clouds.region import Region
from ims_glance.model.bucket import BucketFile
from tests.unit.clouds.objects_server import ObjectServer


def test_it_is_asked_with_the_token_of_the_region():
    server = ObjectServer()
    server.objects["x"] = b"data"
    tokens = []
    region = Region(server.session())
    answer = region.session.request

    def noted(*arguments, **settings):
        response = answer(*arguments, **settings)
        tokens.append(response.request.headers["X-Auth-Token"])
        return response

    region.session.request = noted
    assert SwiftObjects(region).head(BucketFile("bucket", "x")).size == 4
    assert tokens == ["token"]
    server.close()
