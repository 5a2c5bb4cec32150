# SPDX-License-Identifier: Apache-2.0
"""A link between regions that is as bad as somebody wants it.

Keystone's catalogue is what says where the region of an image is: meanwhile it names a small proxy, to everybody.
"""

import contextlib
from collections.abc import Iterator

from tests.cloud import login
from tests.link import Link


@contextlib.contextmanager
def to_images(region: str = "RegionOne") -> Iterator[Link]:
    """The link on which everybody reaches the Image service of a region."""
    identity = login.connect("admin").identity
    (service,) = identity.services(type="image")
    found = list(identity.endpoints(service_id=service.id, region_id=region))
    (url,) = {each.url for each in found}
    link = Link(url)
    try:
        for each in found:
            identity.update_endpoint(each, url=link.url)
        yield link
    finally:
        for each in found:
            identity.update_endpoint(each, url=url)
        link.close()
