# SPDX-License-Identifier: Apache-2.0
"""The project that Huawei's SDK asks for, with the SDK itself."""

import dataclasses
import threading
import types
import uuid
from typing import Any
from wsgiref import simple_server

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkims.v2 import ims_client, model
from keystoneauth1 import access, fixture
from oslo_serialization import jsonutils

from ims_glance.api.front import dispatch, signature
from ims_glance.api.ims.operations import project
from ims_glance.clouds import ec2
from tests.unit.api.ims import calls


@pytest.fixture
def call(tmp_path):
    made = calls.call(calls.configuration(tmp_path))
    who = types.SimpleNamespace(
        project_id=calls.PROJECT, project_name="demo", project_domain_id="default"
    )
    return dataclasses.replace(made, context=who)


@pytest.mark.parametrize(
    ("query", "name"), [({"name": "RegionOne"}, "RegionOne"), ({}, "demo"), ({"name": ""}, "demo")]
)
def test_it_is_the_callers_in_every_region(call, query, name):
    found = project.keystone_list_projects(dataclasses.replace(call, query=query)).body
    said = {"domain_id": "default", "enabled": True, "is_domain": False}
    assert found == {"projects": [{"id": calls.PROJECT, "name": name, **said}]}


class _Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_arguments):
        pass


class _Credentials:
    """One credential, without a Keystone."""

    secret = "secret"

    def find(self, access_key):
        return ec2.Credential(access_key, self.secret, "u", calls.PROJECT)

    def grant(self, _credential):
        return access.AccessInfoV3(fixture.V3Token(), "token")


@pytest.fixture
def service(call):
    """Root of a service, and the requests that it got."""
    seen = []

    def ims(environ, start_response):
        path, project_id = environ["PATH_INFO"], environ.get("HTTP_X_PROJECT_ID")
        seen.append((path, environ["QUERY_STRING"], environ["HTTP_X_AUTH_TOKEN"], project_id))
        answer: dict[str, Any] = {"images": []}
        if path == "/v3/projects":
            query = {"name": environ["QUERY_STRING"].partition("=")[2]}
            answer = project.keystone_list_projects(dataclasses.replace(call, query=query)).body
        start_response("200 OK", [("Content-Type", "application/json")])
        return [jsonutils.dump_as_bytes(answer)]

    credentials: Any = _Credentials()
    root = dispatch.Doors(ims, signature.Signature(ims, credentials))
    server = simple_server.make_server("127.0.0.1", 0, root, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_sdk_finds_it_by_the_region(service, monkeypatch):
    url, seen = service
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", url)
    # The SDK remembers the projects of access keys.
    credentials = BasicCredentials(uuid.uuid4().hex, _Credentials.secret)
    builder = ims_client.ImsClient.new_builder().with_credentials(credentials)
    client = builder.with_region(Region("RegionOne", url)).build()
    client.list_images(model.ListImagesRequest())
    assert seen == [
        ("/v3/projects", "name=RegionOne", "token", None),
        ("/v2/cloudimages", "", "token", calls.PROJECT),
    ]
