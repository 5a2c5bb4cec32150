# SPDX-License-Identifier: Apache-2.0
"""What the data of an upload has to be, if whoever sends it knows that: anything else never becomes an image.

Glance lets an image be used with its last byte, before anybody can have looked whether it is the right one. A store that
makes the digests itself can look before that.
"""

import contextlib
import contextvars
from collections.abc import Iterator

from ims_glance import exceptions
from ims_glance.model.copy import Digest

_EXPECTED: contextvars.ContextVar[Digest | None] = contextvars.ContextVar("expected", default=None)


class DataDiffers(exceptions.Invalid):
    """What arrived is not what was to be stored (IMS: "image verification")."""

    code = "IMG.0057"
    template = "What arrived is not what was sent ({found}, and not {wanted}). Nothing was stored."


@contextlib.contextmanager
def expecting(digest: Digest) -> Iterator[None]:
    """Within the block, and this thread, nothing else is stored by an encrypting store."""
    before = _EXPECTED.set(digest)
    try:
        yield
    finally:
        _EXPECTED.reset(before)


def check(found: Digest) -> None:
    """Compare what has arrived with what was expected, if anything was.

    :raises DataDiffers: if it is something else
    """
    wanted = _EXPECTED.get()
    if wanted is not None and not wanted.agrees(found):
        raise DataDiffers(found=found, wanted=wanted)
