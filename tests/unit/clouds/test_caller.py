# SPDX-License-Identifier: Apache-2.0
"""The token and the catalogue of a request."""

import types

import pytest
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.clouds import caller, rest
from ims_glance.clouds.compute import ComputeApi
from tests.unit.clouds.cloud_server import CloudServer


@pytest.fixture
def server():
    server = CloudServer()
    yield server
    server.close()


def catalog(url, region="one"):
    """As keystonemiddleware writes it."""
    endpoint = {"region": region, "publicURL": url, "internalURL": "http://other"}
    return [{"type": "compute", "name": "nova", "endpoints": [endpoint]}]


def session(tmp_path, service_catalog):
    conf = cfg.ConfigOpts()
    conf([])
    ims_conf.register_opts(conf)
    context = types.SimpleNamespace(auth_token="token", service_catalog=service_catalog)
    return caller.session_of(conf, context)


def test_the_token_is_shown_as_it_is(tmp_path, server):
    server_id = server.machines.server([server.volume()])
    made = session(tmp_path, catalog(server.url))
    assert ComputeApi(made, "one").get(server_id)["id"] == server_id
    assert made.get_token() == "token"


@pytest.mark.parametrize("given", [None, [], catalog("http://here", region="two")])
def test_what_the_catalogue_does_not_have(tmp_path, given):
    with pytest.raises(rest.NotInCatalog) as refused:
        ComputeApi(session(tmp_path, given), "one").get("s")
    assert refused.value.code == "IMG.0105"
