# SPDX-License-Identifier: Apache-2.0
"""``openstack ims os list``."""

import pytest

from ims_glance.client.commands.os_version import ListOSVersions


def version(platform, name):
    return {"platform": platform, "os_version": name, "os_type": "Linux", "os_bit": 64}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [([], ["U", "C"]), (["--platform", "ubuntu"], ["U"]), (["--for", "arm"], ["U", "C"])],
)
def test_list(cloud, run, arguments, names):
    groups = [{"version_list": [version("Ubuntu", "U"), version("CentOS", "C")]}]
    cloud.ims("GET", "/v1/cloudimages/os_version", groups)
    assert run(ListOSVersions, *arguments, "-f", "value", "-c", "OS").split() == names
    assert cloud.only("GET").query == ({"tag": "arm"} if "arm" in arguments else {})
