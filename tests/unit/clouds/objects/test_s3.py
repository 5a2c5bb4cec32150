# SPDX-License-Identifier: Apache-2.0
"""Objects of S3: signed as Keystone checks it; all that it has in common with Swift is in ``test_base``."""

import logging

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.ec2 import Credential
from ims_glance.clouds.objects import base
from ims_glance.clouds.objects.s3 import S3Objects
from ims_glance.model.bucket import BucketFile
from tests.unit.clouds.objects_server import ObjectServer

FILE = BucketFile("bucket", "disk.raw")


@pytest.fixture
def server():
    made = ObjectServer()
    made.objects[FILE.name] = b"data"
    made.s3_secret = "very-secret"
    yield made
    made.close()


def store(server, secret="very-secret"):
    return S3Objects(server.url, "region", Credential("a" * 32, secret, "u", "p"))


def test_another_secret(server):
    with pytest.raises(base.BucketDenied):
        store(server, "another").head(FILE)


def test_the_secret_is_nowhere_logged(server, caplog):
    caplog.set_level(logging.DEBUG)
    made = store(server)
    assert made.read(made.head(FILE), 0, 4) == b"data"
    assert "very-secret" not in caplog.text + repr(made)


def test_certificates_of_nobody_known(server, tmp_path):
    """What the operator set for OpenStack's services holds here, too."""
    credential = Credential("a" * 32, "very-secret", "u", "p")
    made = S3Objects("https://localhost:1", "region", credential, str(tmp_path / "no.pem"))
    with pytest.raises((rest.ServiceUnavailable, OSError)):
        made.head(FILE)
