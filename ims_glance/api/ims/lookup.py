# SPDX-License-Identifier: Apache-2.0
"""Images through the Image API, with the refusals of the IMS API."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common import errors
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims.operation import Call
from ims_glance.model.image import attributes, listing
from ims_glance.model.image import rules as image_rules

View = dict[str, Any]

_ID = re.compile(r"[0-9A-Fa-f-]{36}")


def get(call: Call, image_id: str) -> View:
    """The native view of an image.

    :raises Missing: if the caller sees none of that id
    """
    try:
        found: View = call.service.images.call(call.context, "GET", f"/v2/images/{image_id}")
    except SubrequestRefused as refused:
        if refused.response.status_int in {400, 404}:
            raise exceptions.ImageNotFound(image_id=image_id[:64]) from None
        raise errors.from_glance(refused.response) from None
    return found


def checked(call: Call, image_id: str, action: image_rules.Action) -> View:
    """The native view of an image that something may be done to.

    :raises Missing, Refused, NotTheirs: if there is none, or it may not
    """
    view = get(call, image_id)
    check(call, view, action)
    return view


def check(call: Call, view: Mapping[str, Any], action: image_rules.Action) -> None:
    """Check that the caller may do something to an image, as far as the rules go.

    :param view: the native view of it
    :raises Refused, NotTheirs: if they may not
    :raises KeyDenied, KeyManagerUnavailable: if it cannot be told whether its key is the default one
    """
    image_rules.check(
        action,
        image_rules.Facts.of(view),
        call.project_id,
        call.service.conf.ims_api.share_encrypted,
        lambda: call.service.keys.is_default(call.context, view[attributes.CMK_ID], view["owner"]),
    )


def shown(call: Call, view: View) -> dict[str, Any]:
    """An image as the IMS API shows it; where there is a marketplace, whether the caller may sell it."""
    image = attributes.to_wire(view)
    if call.service.market is not None:
        image[attributes.SUPPORT_MARKET] = image_rules.may_be_sold(view, call.project_id)
    return image


def pages(call: Call, query: Mapping[str, str]) -> Iterator[list[View]]:
    """The images of a list, page by page, as the IMS API shows them.

    :param query: of ``list_images``; ``limit`` is the length of a page
    :raises QueryInvalid: if a filter is not valid
    :raises KeyDenied, KeyManagerUnavailable: why the default key cannot be looked for
    """
    key = query.get(attributes.CMK_ID)
    if key is not None:
        query = {**query, attributes.CMK_ID: call.service.keys.sought(call.context, key)}
    native = listing.translate(query, None if call.context.is_admin else call.project_id)
    if _ID.fullmatch(query.get("id", "")) and not native.nothing:
        _show_all_of_id(call, native, query["id"])
    if native.tags and not native.nothing:
        native.settle_tag([tag for tag in native.tags if _is_used(call, native, tag)])
    if native.nothing:
        return
    parameters = dict(native.parameters)
    answer = _listed(call, parameters)
    while True:
        found: list[View] = answer["images"]
        yield [shown(call, view) for view in found if native.fits(view)]
        # Not by the page's length: api_limit_max or policies of Glance may have shortened it.
        if "next" not in answer:
            return
        if native.residues:
            # Few may fit, so that a short page would mean many requests.
            parameters["limit"] = str(listing.MAX_LIMIT)
        answer = _after(call, parameters, found)


def native(call: Call, parameters: Mapping[str, str]) -> Iterator[View]:
    """The images of a list of the Image API, as that shows them, page by page.

    :param parameters: of the list; ``limit`` is the length of a page
    """
    answer = _listed(call, parameters)
    while True:
        yield from answer["images"]
        if "next" not in answer:
            return
        answer = _after(call, parameters, answer["images"])


def _show_all_of_id(call: Call, native: listing.NativeQuery, image_id: str) -> None:
    """Let a list by an id have the image if the caller may see it.

    Glance shows an image by its id that it has in no list unless asked for: hidden ones, community
    images of others, shares that were not accepted. Who asks IMS for an id and gets nothing takes
    the image for deleted (Terraform's provider does).
    """
    try:
        view = get(call, image_id)
    except (exceptions.NotFound, exceptions.Forbidden):
        native.nothing = True
        return
    native.narrow("os_hidden", str(bool(view.get("os_hidden"))).lower())
    native.narrow("visibility", view["visibility"])
    if view["visibility"] == "shared":
        native.parameters.setdefault("member_status", "all")


def _is_used(call: Call, native: listing.NativeQuery, tag: str) -> bool:
    """Whether an image of the list has a tag."""
    parameters = {**native.parameters, "tag": tag, "limit": "1"}
    parameters.pop("marker", None)
    return bool(_listed(call, parameters)["images"])


def _after(call: Call, parameters: Mapping[str, str], page: Sequence[View]) -> Any:
    """The page behind *page*, of which images may be gone by now."""
    refusal: SubrequestRefused | None = None
    for view in reversed(page):
        try:
            return _listed(call, {**parameters, "marker": view["id"]})
        except SubrequestRefused as refused:
            if refused.response.status_int not in {400, 404}:
                raise
            refusal = refusal or refused
    raise refusal or ValueError("no page has nothing behind it")


def _listed(call: Call, parameters: Mapping[str, str]) -> Any:
    return call.service.images.call(call.context, "GET", "/v2/images", query=parameters)
