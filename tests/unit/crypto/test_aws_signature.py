# SPDX-License-Identifier: Apache-2.0
"""Keystone's own check accepts what we sign."""

import datetime
import json

import pytest
from keystoneclient.contrib.ec2 import utils

from ims_glance.crypto import aws_signature

_NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("access", ["0" * 32, "user@example+1=x"])
def test_keystone_accepts_it(access):
    sent = json.loads(json.dumps(aws_signature.ec2_credentials(access, "the secret", _NOW)))
    assert utils.Ec2Signer("the secret").generate(sent) == sent["signature"]
    assert utils.Ec2Signer("another").generate(sent) != sent["signature"]
    assert "the secret" not in json.dumps(sent)
    assert sent["headers"]["X-Amz-Date"] == "20260102T030405Z"
