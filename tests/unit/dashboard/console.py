# SPDX-License-Identifier: Apache-2.0
"""A user who is logged in to Horizon, and a cloud in this process that answers the console's client."""

import html
import re
from unittest import mock

from openstack_dashboard.test import helpers
from openstack_dashboard.test.test_data import exceptions, keystone_data

from tests.unit.client import cloud

BASE = "/project/ims/"
QUOTAS = {
    "quotas": {
        "resources": [{"type": "image", "used": 36, "quota": 50, "min": 0, "max": 50}],
    }
}


class ConsoleTestCase(helpers.TestCase):
    """Pages as Django's own client of tests fetches them."""

    def setUp(self):
        with mock.patch.object(helpers.test_utils, "load_test_data", _load):
            super().setUp()
        self.cloud = cloud.Cloud()
        self.cloud.ims("GET", "/v1/cloudimages/quota", QUOTAS)
        self.cloud.ims("GET", f"/v1/{cloud.PROJECT}/jobs", {"jobs": []})
        self.cloud.images()
        # As the console's own (ims_glance/dashboard/connection.py).
        self.service = service = self.cloud.connection(image_status_code_retries=0).ims
        store = self.cloud.connection().object_store
        for name, found in (("ims", service), ("objects", store)):
            patch = mock.patch(f"ims_glance.dashboard.connection.{name}", return_value=found)
            patch.start()
            self.addCleanup(patch.stop)

    def page(self, path="", **query):
        """The text of a page, without its markup and with what is shown of it."""
        return text(self.client.get(f"{BASE}{path}", query))

    def said(self, response):
        """The messages that the next page shows."""
        return [str(each.message) for each in response.wsgi_request._messages]

    def asked(self):
        """The paths that the console has asked the service for."""
        return [request.path for request in self.cloud.requests if "/v" in request.path]


def _load(case):
    """What a login and refusals need of Horizon's data; all networks cost more than most tests."""
    exceptions.data(case)
    keystone_data.data(case)


class AdminConsoleTestCase(ConsoleTestCase, helpers.BaseAdminViewTests):
    """The same for an administrator."""


def text(response):
    """What is in a page, in one line."""
    content = response.content.decode()
    body = content[content.find("<body") :]
    words = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(words))
