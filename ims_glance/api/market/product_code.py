# SPDX-License-Identifier: Apache-2.0
"""Product codes follow the data (``__productcode``), by whichever door an image of it is made.

Nova and Cinder write properties of the image that a server or a volume was made of on the image that
they make of that. (Nova: ``initialize_instance_snapshot_metadata`` in ``nova/compute/utils.py``, all
that are not in ``non_inheritable_image_properties``, and ``base_image_ref``; Cinder: the volume's
``volume_image_metadata``.) Both let their users write there, too. So what such a request says is
believed only as far as it binds the one who says it:

* a code, if a service of the cloud sends the request for its user, or if the user sees an image with
  that code already, and so can use the product;
* of the server that it says to be made of (``instance_uuid``, by Nova) it is known what it runs, where that is
  recorded ([ims_usage]), on the same conditions;
* of what the request says to have been made of (``base_image_ref``), Glance's own record decides, also
  if that image is deleted by now, on the same conditions.

Where Glance lets users say where the data of an image lies, nobody points at that of a product.
"""

import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.api.common.image import Images
from ims_glance.api.common.roles import is_of_service
from ims_glance.clouds.image import ImageRecords
from ims_glance.db.market.uses import ServerUses
from ims_glance.model.image import attributes, kinds, rules

# Stores name what they keep of an image by its id (rbd, swift, s3, file).
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_IDS = 16

SERVER = "instance_uuid"
"""On an image that Nova makes of a server: the id of that."""
BASE_IMAGE = "base_image_ref"
"""On an image that Nova makes of a server: the id of the image that the server was made of."""


class PlacesNameMany(exceptions.Invalid):
    """Locations with more ids of images than an image has places."""

    template = (
        "The locations name more than {limit} other images by their ids. Name the image's own data, "
        "and fewer locations in one request."
    )


def of_new(
    images: Images,
    records: ImageRecords,
    context: Any,
    body: Mapping[str, Any],
    servers: ServerUses | None = None,
) -> dict[str, str]:
    """What a new image says of the products in it; nothing if it holds none.

    :param context: of whoever makes the image
    :param body: of ``POST /v2/images``
    :param servers: what servers use; ``None`` where that is not recorded
    :raises DatabaseUnavailable: if it is recorded, and cannot be looked up
    """
    named = {*kinds.product_codes(body), *_of_base(records, body), *_of_server(servers, body)}
    if not named:
        return {}
    if is_of_service(context):
        return kinds.of_products(named)
    return kinds.of_products(code for code in named if _is_used(images, context, code))


def check_places(
    records: ImageRecords, context: Any, urls: Iterable[str], image_id: str | None = None
) -> None:
    """Check that an image is not given the place of a product's data, by which it would have no code.

    To be asked for those alone who may say where data lies: it tells which images hold products.

    :param urls: of locations
    :param image_id: of the image that is to get them
    :raises RuleRefused: if there is a product in the image whose data lies there
    :raises PlacesNameMany: if they cannot be places of one image
    """
    if is_of_service(context):
        return
    named = _named(urls, image_id)
    sold = records.sold_among(named) if named else None
    if sold is not None:
        raise rules.refusal(rules.Action.EXPORT, rules.Trait.SOLD, sold)


def _named(urls: Iterable[str], image_id: str | None) -> set[str]:
    """The ids of other images in URLs: a URL may be as long as a request."""
    found: set[str] = set()
    for url in urls:
        for match in _ID.finditer(urllib.parse.unquote(url).lower()):
            if match[0] != image_id:
                found.add(match[0])
            if len(found) > _MOST_IDS:
                raise PlacesNameMany(limit=_MOST_IDS)
    return found


def _of_base(records: ImageRecords, body: Mapping[str, Any]) -> Iterator[str]:
    """The products in the image that another one says to be made of."""
    image_id = body.get(BASE_IMAGE)
    if not isinstance(image_id, str) or not uuidutils.is_uuid_like(image_id):
        return
    try:
        view = {attributes.PRODUCT_CODE: records.product_code(image_id)}
    except exceptions.ImageNotFound:
        return
    yield from kinds.product_codes(view)


def _of_server(servers: ServerUses | None, body: Mapping[str, Any]) -> Iterator[str]:
    """The products that the server runs that an image says to be made of."""
    server_id = body.get(SERVER)
    if servers is not None and isinstance(server_id, str) and uuidutils.is_uuid_like(server_id):
        yield from servers.running(server_id)


def _is_used(images: Images, context: Any, code: str) -> bool:
    """Whether somebody sees an image with a code."""
    query = {attributes.PRODUCT_CODE: code, "member_status": "all", "limit": "1"}
    return bool(images.call(context, "GET", "/v2/images", query=query)["images"])
