# SPDX-License-Identifier: Apache-2.0
"""``ims-manage show``: where an image lies, and under which key. No key material is in it."""

from collections.abc import Iterable, Iterator
from typing import Any

from ims_glance.clouds.image import ImageRecord
from ims_glance.crypto import envelope, stream
from ims_glance.store.objects import EncryptedObjects

Copy = tuple[str, EncryptedObjects, str]
"""Store id, store and object id of an encrypted copy of an image."""


def document(
    image_id: str, record: ImageRecord, encrypted: Iterable[Copy], plain: list[tuple[str, str]]
) -> dict[str, Any]:
    """All about an image's data, as JSON has it. Sizes are in bytes.

    What headers claim is not authenticated: no key is needed to see it.

    :param plain: store ids and URLs of copies that are not encrypted
    :raises HeaderMissing, ObjectDamaged: if an encrypted copy is not whole
    """
    stores = [_encrypted(*copy) for copy in encrypted]
    stores += [
        {"store": store, "encrypted": False, "at": without_credentials(url)} for store, url in plain
    ]
    return {
        "image_id": image_id,
        "status": record.status,
        "key_id": record.key_id,
        "stores": stores,
    }


def lines(shown: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    yield f"Image {shown['image_id']} ({shown['status']})"
    yield f"  key on record: {shown['key_id'] or 'none'}"
    if not shown["stores"]:
        yield "  no data"
    for copy in shown["stores"]:
        if not copy["encrypted"]:
            yield f"  store {copy['store']}: NOT ENCRYPTED, at {copy['at']}"
            continue
        yield f"  store {copy['store']}: encrypted, over {copy['driver']} ([{copy['group']}])"
        yield f"    size of the image: {copy['size']} bytes"
        body = copy["body"]
        yield f"    body:   {body['name']} ({_bytes(body, copy['body_size_expected'])})"
        for header in copy["headers"]:
            yield (
                f"    header: {header['name']} ({header['size']} bytes, version "
                f"{header['version']}, key {', '.join(header['key_ids'])})"
            )
        yield f"    at:     {body['at']}"


def where(locations: Iterable[tuple[str, str]]) -> str:
    """Where data that is not encrypted lies, in words."""
    return ", ".join(f"store {store} at {without_credentials(url)}" for store, url in locations)


def without_credentials(url: str) -> str:
    """A location without what logs in there: glance_store writes it into some URLs."""
    scheme, separator, rest = url.partition("://")
    if scheme == "file":
        return url
    place, _mark, query = rest.partition("?")
    if "@" in query:
        # A secret with a question mark, or a query that itself may be one: nobody can tell.
        return f"{scheme}{separator}..."
    # A secret key may have slashes.
    return f"{scheme}{separator}{place.rpartition('@')[2]}"


def _encrypted(store: str, objects: EncryptedObjects, object_id: str) -> dict[str, Any]:
    body, headers = objects.parts(object_id)
    size = headers[0].header.plaintext_size
    return {
        "store": store,
        "encrypted": True,
        "driver": objects.inner.driver,
        "group": objects.inner.group,
        "object_id": object_id,
        "size": size,
        "body": {"name": body.name, "size": body.size, "at": _place(objects, body.name)},
        "body_size_expected": stream.ciphertext_size(size),
        "headers": [
            {
                "name": each.name,
                "size": each.size,
                "at": _place(objects, each.name),
                "version": envelope.VERSION,
                "key_ids": list(each.header.key_ids),
            }
            for each in headers
        ],
    }


def _place(objects: EncryptedObjects, name: str) -> str:
    return without_credentials(objects.inner.uri(name))


def _bytes(body: dict[str, Any], expected: int) -> str:
    size: int = body["size"]
    return f"{size} bytes" if size == expected else f"{size} bytes, which should be {expected}"
