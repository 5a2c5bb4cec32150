# SPDX-License-Identifier: Apache-2.0
"""What the guard asks of requests that move the data of images: where it may go, and under which key.

The rules about stores are those of :mod:`ims_glance.model.image.stores`.
"""

import functools
from typing import Any

import webob
from oslo_utils import uuidutils

from ims_glance import exceptions
from ims_glance.api.common.image import ShownImage, may
from ims_glance.api.common.roles import is_of_service, is_service
from ims_glance.api.native import bodies, elsewhere
from ims_glance.api.native import image as native_image
from ims_glance.api.native.call import NativeCall
from ims_glance.clouds import coordination
from ims_glance.crypto.passage import Passage
from ims_glance.model.copy import EXPECTED_HEADER, RECEIVED_HEADER, Digest
from ims_glance.model.image import attributes, kinds, stores
from ims_glance.model.image import rules as image_rules
from ims_glance.store import expected

_STORE_HEADER = "X-Image-Meta-Store"
_COPY = "copy-image"
_CHUNKED = "Transfer-Encoding"


class ImportMalformed(exceptions.Invalid):
    """A part of an import's body has a type that makes Glance fail."""

    template = "'{name}' of an import must be {kind}."


class ExpectationMalformed(exceptions.Invalid):
    """A header of the worker's is not as it should be."""

    template = "The header {name} is wrong: {reason}."


def download(call: NativeCall) -> None:
    """``GET /v2/images/{id}/file``: products leave the cloud by no door; services read them to run them."""
    if call.limits.conf.ims_api.product_downloads == "everybody" or is_of_service(call.context):
        return
    image_id = call.image_path.rpartition("/")[2]
    # Of what is no id Glance knows itself what to say.
    if uuidutils.is_uuid_like(image_id) and not call.records.may_hold_product(image_id):
        return
    image = call.image()
    if image is not None and kinds.product_codes(image.view):
        call.check(image_rules.Action.EXPORT, image)


def upload(call: NativeCall) -> None:
    """``PUT /v2/images/{id}/file``: with a key to an encrypting store, and into one with a key."""
    if is_service(call.context):
        _expect(call)
        _tell(call)
    image = call.image()
    if image is None:
        return
    named = call.request.headers.get(_STORE_HEADER)
    wish = stores.StoreChoice(None if named is None else (named,))
    decision = stores.decide(call.stores, image.facts, wish)
    if decision.store is not None:
        call.request.headers[_STORE_HEADER] = decision.store
    if image.status == "queued":
        _prepare_key(call, image, decision, "upload_image")


def import_(call: NativeCall) -> None:
    """``POST /v2/images/{id}/import``: as an upload, for one store or several, or a copy."""
    body = bodies.read_object(call.request) or {}
    method = _import_method(body)
    wish = _import_wish(call, body, copies=method == _COPY) if method else None
    image = call.image() if wish else None
    if wish is None or image is None:
        return
    decision = stores.decide(call.stores, image.facts, wish)
    if decision.store is not None:
        bodies.write_json(call.request, {**body, "stores": [decision.store]})
    if image.status in (("active",) if wish.copies else ("queued", "uploading")):
        # Who may copy need not be one who may change the image: that is Glance's policy to say.
        rule = "copy_image" if wish.copies else "modify_image"
        _prepare_key(call, image, decision, rule)


def _import_method(body: dict[str, Any]) -> str | None:
    method = body.get("method", {})
    if not isinstance(method, dict):
        raise ImportMalformed(name="method", kind="an object")
    if not isinstance(method.get("uri"), str | None):
        raise ImportMalformed(name="uri", kind="a string")
    name = method.get("name")
    return name if isinstance(name, str) else None


def _import_wish(
    call: NativeCall, body: dict[str, Any], *, copies: bool
) -> stores.StoreChoice | None:
    """The stores as Glance reads them (``glance/common/utils.py``, get_stores_from_request).

    :returns: ``None`` for what Glance refuses
    :raises ImportMalformed: for what it chokes on
    """
    header = call.request.headers.get(_STORE_HEADER)
    if body.get("all_stores"):
        refused = body["all_stores"] is not True or "stores" in body or header is not None
        return None if refused else stores.StoreChoice(call.stores.all, copies)
    if "stores" not in body:
        return stores.StoreChoice(None if header is None else (header,), copies)
    named = body["stores"]
    # Glance takes any iterable: the names of an object are as good as a list.
    if header is not None:
        return None
    if not isinstance(named, list | dict | str):
        raise ImportMalformed(name="stores", kind="a list")
    return stores.StoreChoice(tuple(map(str, named)), copies)


def _prepare_key(call: NativeCall, image: ShownImage, decision: stores.Decision, rule: str) -> None:
    """See to it that the key is there before any data moves.

    :param rule: policy rule for what the caller is about to do
    """
    if image.facts.is_promised:
        call.keys.check_alive(call.context, image.id, str(image.key_id))
        return
    shown = decision.encrypts and not decision.mixes
    is_hidden = bool(image.key_id) and decision.mixes
    if not (decision.encrypts or is_hidden) or not may(call.context, rule, image):
        return
    key_id = image.store_key
    if key_id is None:
        # Data that lies elsewhere unencrypted as well may get the key of whoever wants it here.
        owner = call.context.project_id if decision.mixes else image.view["owner"]
        key_id = call.keys.default(call.context, owner)
    elif decision.encrypts:
        call.keys.check_alive(call.context, image.id, key_id)
    with coordination.lock(call.limits.conf, "image", image.id):
        # Somebody may have changed which disks it names.
        image = call.image() or image
        shown = shown and not image_rules.Facts.of(image.view).elsewhere and _may_show(call, image)
        if shown:
            names = dict.fromkeys((attributes.CMK_ID, attributes.STORE_KEY), key_id)
            stored = ShownImage(image.path, {**image.view, **names})
            native_image.check_open(call, stored, image.view["visibility"])
        if image.store_key is None or shown != bool(image.key_id):
            call.images.record_key(call.context, image, key_id, shown=shown)
            call.effects.append(functools.partial(_without_data, call))


def _may_show(call: NativeCall, image: ShownImage) -> bool:
    """Whether no data of an image lies elsewhere unencrypted, or is on its way there."""
    everywhere = all(map(call.stores.encrypts, image.facts.stores))
    return everywhere and (bool(image.key_id) or not image.is_importing)


def _without_data(call: NativeCall, response: webob.Response) -> None:
    """Take the key back from sight if Glance refused the data that was to be encrypted with it.

    Else what another request puts into another store at the same time would look encrypted.
    """
    if response.status_int >= 300:
        elsewhere.settle(call, call.image_path, is_coming=False)


def remove_copy(call: NativeCall) -> None:
    """``DELETE /v2/stores/{store}/{image}``: what lies but in encrypting stores then, shows its key.

    :attr:`Call.image_path` is ``/{image}``.
    """
    image = call.images.get(call.context, f"/v2/images{call.image_path}")
    if image is not None and kinds.is_of_market(image.view):
        call.check(image_rules.Action.DELETE, image)

    def show_key(response: webob.Response) -> None:
        if response.status_int < 300:
            elsewhere.settle(call, f"/v2/images{call.image_path}")

    call.effects.append(show_key)


# --- our worker's uploads: damage on their way is found before anybody uses the image -----------------------
#
# Glance's own digests tell it as well, but the worker would have to make them too, and MD5 takes longer than all
# else that it does to a file. What it knows a digest of, it tells before. Other clients see no difference.


class _CheckedBody:
    """A request's body, of which a checksum is made while Glance reads it.

    :param size: of the body, in bytes
    :ivar left: bytes that were not read yet
    :raises OSError: if it ends before that
    """

    def __init__(self, body: Any, size: int) -> None:
        self._body = body
        self._passage = Passage()
        self.left = size

    def read(self, size: int = -1) -> bytes:
        """As the body's own, which need not know where it ends."""
        wanted = self.left if size < 0 else min(size, self.left)
        data: bytes = self._body.read(wanted)
        if wanted and not data:
            # As webob says it; not every store counts what came.
            raise OSError(f"the client went away with {self.left} bytes to come")
        self._passage.update(data)
        self.left -= len(data)
        return data

    def checksum(self) -> str:
        """Of what was read, in hexadecimal; asked for once."""
        return self._passage.checksum()


def _expect(call: NativeCall) -> None:
    """Have an encrypting store take nothing but what the worker says that it sends.

    :raises ExpectationMalformed: if it says nothing of the kind
    """
    text = call.request.headers.get(EXPECTED_HEADER)
    if text is None:
        return
    try:
        digest = Digest.of_text(text)
    except ValueError as error:
        raise ExpectationMalformed(name=EXPECTED_HEADER, reason=error) from None
    call.held.enter_context(expected.expecting(digest))


def _tell(call: NativeCall) -> None:
    """Have the answer to an upload tell what arrived.

    Not of one in HTTP chunks, which ours never is: under uWSGI, Glance reads those elsewhere.
    """
    environ, size = call.request.environ, call.request.content_length
    if size is None or _CHUNKED in call.request.headers:
        return
    body = environ["wsgi.input"] = _CheckedBody(environ["wsgi.input"], size)
    # What webob would read it through copies each byte once more.
    environ["webob._body_file"] = (body, body)

    def told(response: webob.Response) -> None:
        # Of a body that was not read to its end there is nothing to say.
        if response.status_int < 300 and not body.left:
            response.headers[RECEIVED_HEADER] = body.checksum()

    call.effects.append(told)
