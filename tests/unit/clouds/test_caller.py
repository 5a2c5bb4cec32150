# SPDX-License-Identifier: Apache-2.0
"""The token and the catalogue of a request."""

import types

import pytest

from ims_glance.clouds import caller, rest
from ims_glance.clouds.compute import ComputeApi
from tests.unit import job_database

ID = "req-01234567-0123-0123-0123-0123456789ab"


def catalog(url, region="one"):
    """As keystonemiddleware writes it."""
    endpoint = {"region": region, "publicURL": url, "internalURL": "http://other"}
    return [{"type": "compute", "name": "nova", "endpoints": [endpoint]}]


def region(service_catalog, **options):
    conf = job_database.configuration(None)
    for name, value in {"region_name": "one", **options}.items():
        conf.set_override(name, value, "ims_service")
    context = types.SimpleNamespace(
        auth_token="token", service_catalog=service_catalog, global_request_id=None, request_id=ID
    )
    return caller.region_of(conf, context)


def test_the_token_is_shown_as_it_is(server):
    server_id = server.machines.server([server.volume()])
    here = region(catalog(server.url))
    assert ComputeApi(here).get(server_id)["id"] == server_id
    assert here.session.get_token() == "token"
    assert here.session.additional_headers == {"X-OpenStack-Request-ID": ID}


@pytest.mark.parametrize("given", [None, [], catalog("http://here", region="two")])
def test_what_the_catalogue_does_not_have(given):
    with pytest.raises(rest.NotInCatalog) as refused:
        ComputeApi(region(given)).get("s")
    assert refused.value.code == "IMG.0105"


@pytest.mark.parametrize(
    ("interfaces", "url"),
    [
        (None, "http://here"),
        (["public"], "http://here"),
        (["internal"], "http://other"),
        (["internal", "public"], "http://other"),
        (["admin", "public"], "http://here"),
        (["admin"], None),
    ],
)
def test_the_operators_interfaces(interfaces, url):
    """The first that the catalogue has; the public one only if it is named, or nothing is."""
    here = region(catalog("http://here"), valid_interfaces=interfaces)
    assert here.adapter("compute").get_endpoint() == url


def test_regions_of_a_service():
    endpoints = [{"region": name, "publicURL": "http://x"} for name in ("two", "one", "two", None)]
    given = [
        {"type": "image", "name": "glance", "endpoints": endpoints},
        *catalog("http://y", "three"),
    ]
    context = types.SimpleNamespace(service_catalog=given)
    assert caller.regions(context, "image") == ["one", "two"]
    assert caller.regions(types.SimpleNamespace(service_catalog=None), "image") == []
