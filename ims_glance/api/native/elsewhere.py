# SPDX-License-Identifier: Apache-2.0
"""No image looks encrypted whose disks lie elsewhere (:mod:`ims_glance.model.image.elsewhere`).

Whoever names a key is refused such disks. An image whose owner named none, and that lies in a store
that encrypts, may have them, as in plain Glance, but then does not show the key of the store.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import webob

from ims_glance.api.common.image import ShownImage, SubrequestRefused, may
from ims_glance.api.native.call import NativeCall
from ims_glance.model.image import attributes, elsewhere, rules, stores, whole_image
from ims_glance.model.text import json_patch

LOG = logging.getLogger(__name__)


def check_encryptable(view: Mapping[str, Any]) -> None:
    """An image with a named key promises that whoever lacks the key reads nothing of it.

    Asked of our worker, too: the image that it copies may have been changed meanwhile.

    :param view: as the Image API shows it, or will show it
    :raises Refused: if the image has such a key, and cannot keep that
    """
    facts = rules.Facts.of(view)
    if facts.encrypted and not view.get(attributes.STORE_KEY):
        rules.check(rules.Action.ENCRYPT, facts, facts.owner)


def change(call: NativeCall, image: ShownImage, changes: Iterable[json_patch.Change]) -> None:
    """See to it that an image shows no key once a patch has it name disks that lie elsewhere.

    :raises Refused: if its owner named the key
    """
    mapped = [each for each in changes if each.path[0] == whole_image.MAPPING]
    if not mapped:
        return
    value = None if mapped[-1].operation == "remove" else mapped[-1].value
    is_elsewhere = elsewhere.is_elsewhere({**image.view, whole_image.MAPPING: value})
    if value == image.view.get(whole_image.MAPPING) or not (is_elsewhere or image.store_key):
        return
    # An upload may be recording a key just now: it holds this lock, too.
    call.hold(image)
    there = call.image() or image
    check_encryptable({**there.view, whole_image.MAPPING: value})
    if not may(call.context, "modify_image", there):
        return
    if is_elsewhere and there.key_id and there.store_key:
        call.images.record_key(call.context, there, there.store_key, shown=False)
    call.effects.append(lambda _response: settle(call, call.image_path))


def hide_key(call: NativeCall, image: ShownImage) -> None:
    """Have an image whose owner named no key show none, before it gets data from elsewhere."""
    # An upload may be recording a key just now: it holds this lock, too.
    call.hold(image)
    there = call.image() or image
    if there.key_id and there.store_key:
        call.images.record_key(call.context, there, there.store_key, shown=False)

    def show_again(response: webob.Response) -> None:
        if response.status_int >= 300:
            settle(call, call.image_path)

    call.effects.append(show_again)


def settle(call: NativeCall, image_path: str, *, is_coming: bool = True) -> None:
    """Have an image whose owner named no key show that of its store if all of it is encrypted.

    :param is_coming: whether an image without data is about to get its first
    """
    try:
        image = call.images.get(call.context, image_path)
        if image is None or image.store_key is None:
            return
        is_elsewhere = elsewhere.is_elsewhere(image.view)
        if is_coming and not (image.facts.stores or is_elsewhere):
            return
        shown = stores.is_encrypted(call.stores, image.facts) and not is_elsewhere
        # Of a copy that has just begun nobody knows yet where it goes.
        shown = shown and (bool(image.key_id) or not image.is_importing)
        if shown != bool(image.key_id):
            call.images.record_key(call.context, image, image.store_key, shown=shown)
    except SubrequestRefused as refused:
        # Where that matters, it was hidden before.
        LOG.warning("Image %s does not show the key that it has: %s", image_path, refused)
