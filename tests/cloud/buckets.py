# SPDX-License-Identifier: Apache-2.0
"""Buckets of tenants in the object storage of the real cloud."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.model.bucket import BucketFile


@dataclasses.dataclass(frozen=True)
class Bucket:
    """A bucket of a tenant's.

    :ivar tenant: an ``openstack.connection.Connection``
    """

    tenant: Any
    name: str

    def put(self, name: str, data: bytes) -> str:
        """Write an object, over another one of its name; its ETag."""
        answer = self.tenant.object_store.put(self._path(name), data=data)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["ETag"]).strip('"')

    def found(self, name: str, data: bytes) -> dict[str, Any]:
        """Write an object; what a job is told of it."""
        etag = self.put(name, data)
        return FoundFile(BucketFile(self.name, name), len(data), etag).to_arguments()

    def delete(self, name: str) -> None:
        """Delete an object."""
        self.tenant.object_store.delete(self._path(name))

    def names(self) -> list[str]:
        """All objects."""
        listed = self.tenant.object_store.get(f"/{self.name}", params={"format": "json"})
        return [each["name"] for each in listed.json()]

    def _path(self, name: str) -> str:
        return f"/{self.name}/{quote(name)}"


@contextlib.contextmanager
def bucket(tenant: Any, name: str) -> Iterator[Bucket]:
    """A new bucket, deleted with all that is in it."""
    assert tenant.object_store.put(f"/{name}").status_code in (201, 202)
    made = Bucket(tenant, name)
    try:
        yield made
    finally:
        for each in made.names():
            made.delete(each)
        tenant.object_store.delete(f"/{name}")
