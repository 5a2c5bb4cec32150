# SPDX-License-Identifier: Apache-2.0
"""``read_sealed_image``: an encrypted image as the file that an export of it is, from its store as it lies there.

Exports ask for it, with the rights of whoever has the image exported. The format is in :mod:`ims_glance.crypto`.
"""

import itertools
import logging
from collections.abc import Iterator

from ims_glance import exceptions
from ims_glance.api.common.image import ShownImage, may
from ims_glance.api.ims import lookup
from ims_glance.api.ims.operation import Answer, Call, Operation
from ims_glance.crypto.sealed_file import DataFacts
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image import rules as image_rules
from ims_glance.model.machine import exported
from ims_glance.model.text import patterns
from ims_glance.store import sealed_copy
from ims_glance.store.sealed_copy import NotSealed, SealedCopy

LOG = logging.getLogger(__name__)

_RULE = "download_image"


class DownloadDenied(exceptions.Forbidden):
    """Glance's policy does not let the caller have the data of an image."""

    template = f"You may not download image {{image_id}}, so nor export it. The operator's policy '{_RULE}' says who may."


class OffsetOutside(exceptions.Invalid):
    """There is nothing behind the end."""

    template = (
        "The sealed image {image_id} has {size} bytes, so there is nothing from byte {offset} on."
    )


class _Sent:
    """The answer's body, whose store is let go of however it ends; one that fails is shorter than it says.

    The first bytes are read right away, those of the body behind the head among them: an error there can still become
    an answer of its own.
    """

    def __init__(self, image_id: str, copy: SealedCopy, offset: int) -> None:
        self._image_id = image_id
        self._copy = copy
        self._chunks = copy.chunks(offset)
        try:
            self._first = list(itertools.islice(self._chunks, 2))
        except BaseException:
            copy.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._first
            yield from self._chunks
        except Exception:  # boundary: the answer has begun, so that it can only be broken off
            LOG.exception("The stream of the sealed image %s is broken off", self._image_id)
        finally:
            self.close()

    def close(self) -> None:
        """Servers call it however the answer ends."""
        self._copy.close()


def read_sealed_image(call: Call) -> Answer:
    """``GET /v1/{project_id}/images/{image_id}/sealed``."""
    view = _exportable(call, call.arguments["image_id"])
    check(call, view)
    offset, image_id = int(call.query.get("offset") or 0), str(view["id"])
    copy = sealed_copy.of_image(call.service.conf, image_id, facts(view))
    if offset >= copy.size:
        copy.close()
        raise OffsetOutside(image_id=image_id, size=copy.size, offset=offset)
    return Answer(
        stream=_Sent(image_id, copy, offset),
        content_type="application/octet-stream",
        headers={"Content-Length": str(copy.size - offset), "ETag": f'"{copy.etag}"'},
        image_ids=(image_id,),
    )


def _exportable(call: Call, image_id: str) -> lookup.View:
    """An image that may be exported by itself, or as a disk of a whole machine.

    :raises RuleRefused, NotTheirs: if it may not
    """
    view = lookup.get(call, image_id)
    whole_id = whole_image.parent_id(view)
    if whole_id is None:
        return lookup.checked(call, image_id, image_rules.Action.EXPORT)
    whole = lookup.checked(call, whole_id, image_rules.Action.EXPORT)
    if view["id"] not in {each.image_id for each in whole_image.components(whole)}:
        # Whoever may change it said so, and that one knows nothing of it.
        raise image_rules.RuleRefused(
            image_rules.Action.EXPORT, image_rules.Trait.COMPONENT, "IMG.0128", str(view["id"])
        )
    exported.check_disks(whole, [view], call.project_id)
    return view


def check(call: Call, view: lookup.View) -> None:
    """Check that the caller may have an image sealed.

    :raises RuleRefused: if it is a whole machine, whose data is in its disks
    :raises NotSealed: if it is not encrypted
    :raises DownloadDenied: if Glance would not let them download it
    """
    if whole_image.is_whole(view):
        action, trait = image_rules.Action.EXPORT, image_rules.Trait.WHOLE
        raise image_rules.RuleRefused(action, trait, "IMG.0128", str(view["id"]))
    if not view.get(attributes.CMK_ID):
        raise NotSealed(image_id=view["id"])
    # The data does not come through Glance, which would ask.
    if not may(call.context, _RULE, ShownImage("", view)):
        raise DownloadDenied(image_id=view["id"])


def facts(view: lookup.View) -> DataFacts:
    """What Glance knows of the data of an image."""
    hash_name, digest = view.get("os_hash_algo"), view.get("os_hash_value")
    if not (hash_name and digest):
        hash_name, digest = "md5", view.get("checksum")
    return DataFacts(
        int(view["size"]), str(view["disk_format"]), str(hash_name or ""), str(digest or "")
    )


OPERATIONS = (
    Operation(
        "read_sealed_image",
        "GET",
        "/v1/{project_id}/images/{image_id}/sealed",
        read_sealed_image,
        "Read an encrypted image as it lies in its store",
        query={
            "offset": {
                "type": "string",
                "pattern": patterns.whole("[0-9]{1,18}"),
                "description": "First byte that is wanted; 0 unless given.",
            }
        },
        other_types=("application/octet-stream",),
        # It gives the image away, whether an export asks or somebody else.
        audit="exportImage",
    ),
)
