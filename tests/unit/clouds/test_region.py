# SPDX-License-Identifier: Apache-2.0
"""Which endpoints of a catalogue are asked."""

import pytest
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import fixture
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.session import Session

from ims_glance.clouds.region import Region
from tests.unit import job_database


class _Login(BaseIdentityPlugin):
    """Has a token, whose catalogue has two regions, and no public endpoint in the second."""

    def get_auth_ref(self, session):
        token = fixture.V3Token()
        for kind in ("image", "compute", "volumev3"):
            service = token.add_service(kind)
            for where in ("one", "two"):
                public = f"http://{kind}.public.one" if where == "one" else None
                internal = f"http://{kind}.internal.{where}"
                service.add_standard_endpoints(public=public, internal=internal, region=where)
        return AccessInfoV3(token, "token")


def here(**options):
    conf = job_database.configuration(None)
    for name, value in options.items():
        conf.set_override(name, value, "ims_service")
    return Region.of(conf, Session(_Login()))


@pytest.mark.parametrize("service", ["image", "compute", "block-storage"])
@pytest.mark.parametrize(
    ("options", "interface"),
    [
        ({}, "public"),
        ({"valid_interfaces": ["internal", "public"]}, "internal"),
        ({"valid_interfaces": ["admin", "internal"]}, "internal"),
        ({"interface": "internal"}, "internal"),
    ],
)
def test_the_operators_interfaces(service, options, interface):
    found = here(region_name="one", **options).adapter(service).get_endpoint()
    name = "volumev3" if service == "block-storage" else service
    assert found == f"http://{name}.{interface}.one"


def test_none_is_asked_that_the_operator_did_not_name():
    adapter = here(region_name="two", valid_interfaces=["public"]).adapter("image")
    with pytest.raises(auth_exceptions.EndpointNotFound):
        adapter.get_endpoint()


def test_elsewhere_it_is_the_same():
    """For the same session and by the same interfaces."""
    one = here(region_name="one", valid_interfaces=["internal"])
    two = one.elsewhere("two")
    assert two.session is one.session
    assert two.adapter("image").get_endpoint() == "http://image.internal.two"
    assert one.adapter("image").get_endpoint() == "http://image.internal.one"
