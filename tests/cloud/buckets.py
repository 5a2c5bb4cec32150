# SPDX-License-Identifier: Apache-2.0
"""Buckets of tenants in the object storage of the real cloud."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import IO, Any
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

    def put(self, name: str, data: bytes | IO[bytes]) -> str:
        """Write an object, of bytes or of an open file, over another one of its name; its ETag."""
        answer = self.tenant.object_store.put(self._path(name), data=data)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["ETag"]).strip('"')

    def found(self, name: str, data: bytes) -> dict[str, Any]:
        """Write an object; what a job is told of it."""
        etag = self.put(name, data)
        return FoundFile(BucketFile(self.name, name), len(data), etag).to_arguments()

    def get(self, name: str) -> bytes:
        """An object."""
        answer = self.tenant.object_store.get(self._path(name))
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)

    def delete(self, name: str) -> None:
        """Delete an object, and the parts that it consists of."""
        self.tenant.object_store.delete(self._path(name))
        for each in self.segments(f"{name}/"):
            self.tenant.object_store.delete(f"/{self.name}_segments/{quote(each)}")

    def names(self) -> list[str]:
        """All objects."""
        return self._listed(self.name)

    def segments(self, prefix: str = "") -> list[str]:
        """Parts of large objects."""
        return self._listed(f"{self.name}_segments", prefix)

    def _listed(self, container: str, prefix: str = "") -> list[str]:
        query = {"format": "json", "prefix": prefix}
        listed = self.tenant.object_store.get(f"/{container}", params=query)
        return [each["name"] for each in listed.json()] if listed.status_code == 200 else []

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
        tenant.object_store.delete(f"/{name}_segments")
        tenant.object_store.delete(f"/{name}")
