# SPDX-License-Identifier: Apache-2.0
"""Operating systems."""

from ims_glance.client.resources.os_version import OSVersion


def test_it_is_known_by_its_name():
    shown = OSVersion.existing(platform="CentOS", os_version="CentOS 7.3 64bit", os_bit=64)
    assert (shown.id, shown.os_bit) == ("CentOS 7.3 64bit", 64)
