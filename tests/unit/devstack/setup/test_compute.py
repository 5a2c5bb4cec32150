# SPDX-License-Identifier: Apache-2.0
from pocket_cloud.setup import compute


def test_flavors_grow():
    """Tests take the first that is big enough."""
    sizes = [(flavor.ram, flavor.disk) for flavor in compute.FLAVORS]
    assert sizes == sorted(sizes)
    assert len({flavor.name for flavor in compute.FLAVORS}) == len(sizes)
    assert compute.FLAVORS[0].disk >= 1
