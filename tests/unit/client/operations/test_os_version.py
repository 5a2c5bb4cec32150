# SPDX-License-Identifier: Apache-2.0
"""Operating systems: what is sent, and what is made of the answer."""


def test_operating_systems(cloud, ims):
    version = {"platform": "CentOS", "os_version": "CentOS 7.3 64bit", "os_bit": 64}
    groups = [{"platform": "CentOS", "version_list": [version]}, {"version_list": []}]
    cloud.ims("GET", "/v1/cloudimages/os_version", groups)
    assert [each.os_version for each in ims.os_versions("x86")] == ["CentOS 7.3 64bit"]
    assert cloud.only("GET").query == {"tag": "x86"}
