# SPDX-License-Identifier: Apache-2.0
"""Buckets of Swift, or of Ceph's radosgw as Swift: containers of the project's account.

Its address has the account in it, as the catalogue says; nobody else's can be named.
"""

from collections.abc import Callable

from ims_glance.clouds.objects.base import HttpObjectStore
from ims_glance.clouds.objects.large import LargeFile
from ims_glance.clouds.objects.large_swift import SwiftLargeFile
from ims_glance.clouds.region import Region
from ims_glance.model.bucket import BucketFile


class SwiftObjects(HttpObjectStore):
    """The driver ``swift``: with the token of the caller, or of their job.

    :param region: as they see it
    """

    def __init__(self, region: Region) -> None:
        super().__init__(region.adapter("object-store"))
        self._region = region

    def large_file(self, file: BucketFile, owner: str, pause: Callable[[float], None]) -> LargeFile:
        """A static large object."""
        return SwiftLargeFile(self._region, file, owner, pause)
