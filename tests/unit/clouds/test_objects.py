# SPDX-License-Identifier: Apache-2.0
"""Which object storage a file is read from, and with whose credentials."""

import json
import tomllib
from pathlib import Path

import pytest
from keystoneauth1 import session, token_endpoint

from ims_glance.clouds import objects
from ims_glance.clouds.objects.base import NoObjectStorage
from ims_glance.clouds.objects.s3 import S3Objects
from ims_glance.clouds.objects.swift import SwiftObjects
from ims_glance.clouds.region import Region
from ims_glance.model.bucket import BucketFile
from tests.unit.clouds import ec2_server
from tests.unit.clouds.objects_server import ObjectServer
from tests.unit.clouds.test_ec2 import ACCESS, ID, SECRET
from tests.unit.conftest import make_conf

ROOT = Path(__file__).parents[3]
FILE = BucketFile("bucket", "disk.raw")
TOKEN = objects.FileReader("u", "p")
KEY = objects.FileReader("u", "p", ACCESS)


@pytest.fixture
def keystone():
    made = ec2_server.Ec2Server()
    blob = json.dumps({"access": ACCESS, "secret": SECRET})
    made.credentials[ID] = {"type": "ec2", "user_id": "u", "project_id": "p", "blob": blob}
    yield made
    made.close()


@pytest.fixture
def store():
    made = ObjectServer()
    made.objects[FILE.name] = b"data"
    yield made
    made.close()


@pytest.fixture
def conf(tmp_path, keystone):
    signature = {
        "auth_url": f"{keystone.url}/v3",
        "username": "reader",
        "password": ec2_server.PASSWORD,
        "user_domain_name": "Default",
        "system_scope": "all",
    }
    return make_conf(tmp_path / "glance.conf", {"ims_signature": signature})


class _Nothing(token_endpoint.Token):
    """The catalogue of a region without object storage."""

    def get_endpoint(self, *_arguments, **_settings):
        return None


@pytest.fixture
def region(store):
    return Region(store.session(), "RegionOne")


@pytest.fixture
def bare_region(store):
    return Region(session.Session(auth=_Nothing(store.url, "token")), "RegionOne")


def test_with_the_token(conf, region):
    found = objects.load(conf, region, TOKEN)
    assert isinstance(found, SwiftObjects)
    assert found.read(found.head(FILE), 0, 4) == b"data"


def test_with_an_access_key(conf, region, store):
    store.s3_secret = SECRET
    found = objects.load(conf, region, KEY)
    assert isinstance(found, S3Objects)
    assert found.read(found.head(FILE), 0, 4) == b"data"


def test_where_the_operator_says(conf, bare_region, store):
    store.s3_secret = SECRET
    conf.set_override("s3_endpoint", f"{store.url}/", group="ims_files")
    assert objects.load(conf, bare_region, KEY).head(FILE).size == 4


def test_without_an_object_storage(conf, bare_region):
    with pytest.raises(NoObjectStorage):
        objects.load(conf, bare_region, KEY)
    with pytest.raises(NoObjectStorage) as refused:
        objects.load(conf, bare_region, TOKEN).head(FILE)
    assert refused.value.code == "IMG.0105"


@pytest.mark.parametrize(("user", "project"), [("other", "p"), ("u", "other")])
def test_the_key_of_somebody_else(conf, region, user, project):
    with pytest.raises(objects.AccessKeyDenied) as refused:
        objects.load(conf, region, objects.FileReader(user, project, ACCESS))
    assert refused.value.code == "IMG.0037"


def test_a_key_that_is_not_there(conf, region):
    with pytest.raises(objects.AccessKeyDenied):
        objects.load(conf, region, objects.FileReader("u", "p", "b" * 32))


def test_they_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"][objects.NAMESPACE]
    made = {"swift": SwiftObjects, "s3": S3Objects}
    assert declared == {name: f"{each.__module__}:{each.__name__}" for name, each in made.items()}


def test_a_driver_that_is_not_installed(conf, region):
    conf.set_override("object_store", "tape", group="ims_files")
    with pytest.raises(objects.ObjectDriverMissing, match="tape"):
        objects.load(conf, region, TOKEN)
