# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path
from unittest import mock

import pytest
from django import forms
from horizon import exceptions

from ims_glance.api.ims import policy
from ims_glance.dashboard import pages
from tests.unit.dashboard.console import BASE, ConsoleTestCase


def test_a_tab_is_ruled_by_an_operation_of_the_service():
    known = {each.name for each in policy.list_rules()}
    assert {f"ims:{each.rule}" for each in pages.IMAGES + pages.MARKET} <= known


def test_who_may_not_is_told_by_the_rules_of_the_service():
    """Each rule that the console asks about is one of an operation."""
    known = {each.name.removeprefix("ims:") for each in policy.list_rules()}
    asked = re.compile(r'"ims:(\w+)"|pages\.(?:may|required)\([^()]*"(\w+)"')
    found = {
        first or second
        for path in Path(pages.__file__).parent.rglob("*.py")
        for first, second in asked.findall(path.read_text())
    }
    assert len(found) > 25
    assert found <= known


class TabsTest(ConsoleTestCase):
    def test_who_may_not_does_not_see_it_and_has_no_page(self):
        def check(rules, request, target=None):
            return rules != (("ims", "ims:list_jobs"),)

        with mock.patch("openstack_dashboard.policy.check", check):
            content = self.client.get(BASE).content.decode()
            assert f'href="{BASE}public/"' in content
            assert f'href="{BASE}jobs/"' not in content
            assert self.client.get(f"{BASE}jobs/").status_code in (302, 403)
        assert self.asked()[-1].endswith("/quota")

    def test_there_is_no_replication_where_there_is_one_region(self):
        for regions, is_there in ((["One"], False), (["One", "Two"], True)):
            with mock.patch(
                "openstack_auth.user.User.available_services_regions",
                new_callable=mock.PropertyMock,
                return_value=regions,
            ):
                content = self.client.get(BASE).content.decode()
            assert (f'href="{BASE}replications/"' in content) == is_there


class Form(pages.KeptForm):
    word = forms.CharField(required=False, max_length=3)
    other = forms.CharField(required=False)


def test_what_is_not_understood_is_left_out_of_the_address():
    form = Form({"word": "long", "other": "a&b"})
    assert (form.given, form.address) == ({"other": "a&b"}, "other=a%26b")


def test_a_page_is_nobodys_who_may_not():
    with (
        mock.patch("openstack_dashboard.policy.check", return_value=False),
        pytest.raises(exceptions.NotAuthorized),
    ):
        pages.required(None, "list_jobs")
