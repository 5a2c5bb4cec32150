# SPDX-License-Identifier: Apache-2.0
"""``read_image_frames``: the data of an image for a copy in another region.

It is read once, as a download of the caller's, and nothing of it is kept. The format of the answer is
that of :mod:`ims_glance.transfer`.
"""

import base64
import binascii
import contextlib
import logging
import threading
from collections.abc import Generator
from typing import Any

from oslo_utils import units

from ims_glance import exceptions
from ims_glance.api.common import elsewhere
from ims_glance.api.common.image import Data, DataMissing
from ims_glance.api.common.roles import is_service
from ims_glance.api.ims import lookup
from ims_glance.api.ims.operation import Answer, Call, Operation
from ims_glance.api.ims.operations.copy import check_disks
from ims_glance.model.image import kinds, whole_image
from ims_glance.model.image import rules as image_rules
from ims_glance.transfer import cuts, frames, held, writer

LOG = logging.getLogger(__name__)

SIZE_HEADER = "X-OpenStack-Image-Size"
"""Of the answer: size of the whole image in bytes. (Glance's own name, of an upload.)"""

_HELD_TEXT = 4 * -(-held.HELD_LIMIT * frames.PREFIX_SIZE // 3)
_BODY = {
    "type": "object",
    "properties": {
        "offset": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "First byte of the range; 0 unless given.",
        },
        "length": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "Bytes of the range; all that follow unless given.",
        },
        "held": {
            "type": ["string", "null"],
            "description": "What the receiver has: the first 8 bytes of the BLAKE3-256 of each piece, "
            f"sorted, each once, at most {held.HELD_LIMIT}, in base64.",
        },
        "cut": {
            "enum": [*cuts.CUTS, None],
            "description": f"How the data is cut into pieces; {cuts.FIXED.name} unless given.",
        },
        "compress": {
            "type": ["boolean", "null"],
            "description": "Whether zstd is tried; true unless given.",
        },
    },
    "additionalProperties": False,
}


class RangeOutside(exceptions.Invalid):
    """The range is not one of the image."""

    template = (
        "Image {image_id} has {size} bytes, so there are no {length} bytes from byte {offset} on. Ask "
        "for a part of what it has."
    )


class HeldNoBase64(exceptions.Invalid):
    """What is held is no base64."""

    template = "'held' is no base64: {reason}."


class TooManyStreams(exceptions.Unavailable):
    """Data of so many images is sent that other requests would have to wait."""

    template = (
        "Data of {limit} images is being sent to other regions already by this process of the Image "
        "service ([ims_api] frame_requests). Ask again after the seconds of 'Retry-After'."
    )
    # Of several processes another one may have room at once.
    retry_after = 2


class _Streams:
    """How many streams this process sends."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self.count = 0

    def take(self, limit: int) -> None:
        """Begin one.

        :raises TooManyStreams: if there are so many
        """
        with self._mutex:
            if self.count >= limit:
                raise TooManyStreams(limit=limit)
            self.count += 1

    def give_back(self) -> None:
        """End one."""
        with self._mutex:
            self.count -= 1


_STREAMS = _Streams()


class _Frames:
    """The answer's body: frames, whose source is closed when the client goes away.

    If the source fails there is no END, which tells the client that the answer is not all.
    """

    def __init__(
        self, image_id: str, data: Data, stream: Generator[bytes, None, None], is_counted: bool
    ) -> None:
        self._image_id = image_id
        self._data = data
        self._stream = stream
        self._is_counted = is_counted

    def __iter__(self) -> "_Frames":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._stream)
        except StopIteration:
            self.close()
            raise
        except Exception:  # boundary: the answer has begun, so that it can only be broken off
            LOG.exception("The stream of image %s is broken off", self._image_id)
            self.close()
            raise StopIteration from None

    def close(self) -> None:
        """Let go of the image's store; servers call it however the answer ends."""
        is_counted, self._is_counted = self._is_counted, False
        if is_counted:
            _STREAMS.give_back()
        self._stream.close()
        self._data.close()

    def __del__(self) -> None:
        # An answer that something in front of it put away.
        self.close()


def read_image_frames(call: Call) -> Answer:
    """``POST /v1/{project_id}/images/{image_id}/frames``: a range of an image's data."""
    view = lookup.get(call, call.arguments["image_id"])
    image_id = str(view["id"])
    if kinds.product_codes(view) and not is_service(call.context):
        # What the service copies, its copy of a product above all, it was allowed to.
        lookup.checked(call, image_id, image_rules.Action.COPY_CROSS_REGION)
    offset, length = _range(view, call.body)
    _check_size(call, view)
    compress = call.body.get("compress") is not False
    has = _held(call.body.get("held") or "")
    cut = cuts.CUTS[call.body.get("cut") or cuts.FIXED.name]
    options = call.service.conf.ims_api
    # Who only asks whether it may be read, or in which way, is to know it at once.
    is_counted = length > 0
    if is_counted:
        _STREAMS.take(options.frame_requests)
    try:
        data = _data(call, view, offset, length)
    except BaseException:
        if is_counted:
            _STREAMS.give_back()
        raise
    level, size = options.compression_level, int(view["size"])
    stream = writer.write(data.chunks, offset, has, size, compress, length, level=level, sizes=cut)
    return Answer(
        stream=_Frames(image_id, data, stream, is_counted),
        content_type=frames.MEDIA_TYPE,
        headers={SIZE_HEADER: str(view["size"])},
        image_ids=(image_id,),
    )


def _range(view: dict[str, Any], body: dict[str, Any]) -> tuple[int, int]:
    """Offset and length of what is asked for.

    :raises RangeOutside: if the image has less
    :raises Refused: if it has no data yet
    """
    if view["size"] is None:
        action, trait = image_rules.Action.COPY_CROSS_REGION, image_rules.Trait.NOT_ACTIVE
        raise image_rules.RuleRefused(action, trait, "IMG.0046", str(view["id"]))
    size, offset = int(view["size"]), int(body.get("offset") or 0)
    length = max(0, size - offset) if body.get("length") is None else int(body["length"])
    if offset + length > size:
        raise RangeOutside(image_id=view["id"], size=size, length=length, offset=offset)
    return offset, length


def _check_size(call: Call, view: dict[str, Any]) -> None:
    """Check that the operator lets the image go to other regions; of a disk, its whole machine.

    Whoever asks for frames need not have asked for a copy.

    :raises TooLarge: if not
    """
    if not call.service.conf.ims_api.cross_region_gib:
        return
    size = int(view["size"])
    parent_id = whole_image.parent_id(view)
    # Of one that is shown to nobody any more, or lacks a disk, there is only this disk.
    with contextlib.suppress(exceptions.NotFound):
        if parent_id:
            disks = check_disks(call, lookup.get(call, parent_id))
            size = max(size, sum(int(each["size"] or 0) for each in disks))
    elsewhere.check_size(call.service.conf, str(view["id"]), size)


def _held(text: str) -> held.Held:
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HeldNoBase64(reason=error) from None
    return held.Held.of(packed)


def _data(call: Call, view: dict[str, Any], offset: int, length: int) -> Data:
    """The range's data; also for a range of nothing Glance is asked whether the caller may."""
    size = int(view["size"])
    image_id = str(view["id"])
    if not size:
        # Of a whole machine all data is in its disks, and Glance says that it has none.
        with contextlib.suppress(DataMissing):
            call.service.images.data(call.context, image_id).close()
        return Data(())
    if not length:
        call.service.images.data(call.context, image_id, size - 1).close()
        return Data(())
    rest = None if offset + length == size else length
    return call.service.images.data(call.context, image_id, offset, rest)


OPERATIONS = (
    Operation(
        "read_image_frames",
        "POST",
        "/v1/{project_id}/images/{image_id}/frames",
        read_image_frames,
        "Read the data of an image for a copy in another region",
        body=_BODY,
        other_types=(frames.MEDIA_TYPE,),
        # What may be held, as text.
        max_body_kib=_HELD_TEXT // units.Ki + 64,
    ),
)
