# SPDX-License-Identifier: Apache-2.0
"""The operating systems that are listed."""

import jsonschema
import pytest

from ims_glance.api.ims.operations import os_version
from tests.unit.api.ims import calls

LIST = os_version.OPERATIONS[0]


@pytest.fixture
def listed(tmp_path):
    def ask(**query):
        body = LIST.handler(calls.call(calls.configuration(tmp_path), query=query)).body
        jsonschema.validate(body, LIST.answer)
        return body

    return ask


def test_a_list_at_the_top_level(listed):
    platforms = [each["platform"] for each in listed()]
    assert {"Ubuntu", "Windows", "CentOS"} <= set(platforms)
    assert len(platforms) == len(set(platforms))


@pytest.mark.parametrize("tag", (LIST.query or {})["tag"]["enum"])
def test_each_tag_narrows_the_list(listed, tag):
    def versions(body):
        return {each["os_version"] for one in body for each in one["version_list"]}

    assert versions(listed(tag=tag)) <= versions(listed())
    assert versions(listed(tag=tag))
