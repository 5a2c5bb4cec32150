# SPDX-License-Identifier: Apache-2.0
"""Our errors as those that Glance answers well.

Which exception class becomes which answer is decided by the ``except`` clauses of
``glance/api/v2/image_data.py``, and they differ for the two directions. On an upload,
``glance.common.exception.Forbidden`` would leave the image in ``saving`` for ever; webob's errors
put it back to ``queued``.
"""

import errno
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import webob.exc
from glance_store import exceptions as store_exceptions
from oslo_utils import strutils

from ims_glance import exceptions

LOG = logging.getLogger(__name__)


class EitherUnavailable(
    store_exceptions.RemoteServiceUnavailable,  # type: ignore[misc]
    store_exceptions.TimeoutError,  # type: ignore[misc]
):
    """HTTP 503 both ways: downloads know the first base, uploads the second."""


class InnerStoreUnavailable(exceptions.Unavailable):
    """The inner store gave no usable answer."""

    template = (
        "The store of the image gave no usable answer. Try again later; the operator of the Image "
        "service finds details in its log."
    )


# What Glance's download has an answer for.
_ANSWERED = (
    store_exceptions.NotFound,
    store_exceptions.RemoteServiceUnavailable,
    store_exceptions.StoreGetNotSupported,
    webob.exc.HTTPException,
)
# On an upload only what no client, and no source of an import, can have caused.
_OF_STORE = (
    requests.RequestException,
    store_exceptions.BackendException,
    store_exceptions.BadStoreConfiguration,
)
# What a disk says that has not kept what was written, or has something else in its place. (Drivers of
# Ceph have these numbers, too.)
_DAMAGE = frozenset({errno.EIO, errno.EBADMSG, errno.EUCLEAN, errno.EISDIR})

_UPLOAD: tuple[tuple[type[exceptions.ImsError], type[Exception]], ...] = (
    (exceptions.Forbidden, webob.exc.HTTPForbidden),
    (exceptions.Invalid, webob.exc.HTTPBadRequest),
    (exceptions.NotFound, webob.exc.HTTPConflict),
    (exceptions.Conflict, webob.exc.HTTPConflict),
    (exceptions.Unavailable, EitherUnavailable),
)


@contextmanager
def for_upload() -> Iterator[None]:
    """Raise our errors as what Glance's upload answers with a fitting status."""
    try:
        yield
    except exceptions.ImsError as error:
        for family, answer in _UPLOAD:
            if isinstance(error, family):
                raise _answer(answer, text(error)) from None
        raise
    except _OF_STORE as error:
        raise _unavailable(error) from None


@contextmanager
def for_download() -> Iterator[None]:
    """Raise our errors as what Glance's download answers with a fitting status.

    An exception that Glance does not know here gets no answer at all: the connection is closed
    (``Resource.__call__`` of ``glance/common/wsgi.py`` returns the image in place of a response).
    So a damaged object, or a disk that fails, becomes webob's error 500, and whatever else the
    inner store raises, which has no common base, 503. What is wrong is for the operator, in the log.
    """
    try:
        yield
    except exceptions.Unavailable as error:
        raise EitherUnavailable(text(error)) from None
    except exceptions.HeaderMissing as error:
        raise store_exceptions.NotFound(text(error)) from None
    except (exceptions.Forbidden, exceptions.NotFound, exceptions.Invalid) as error:
        raise _forbidden(text(error)) from None
    except exceptions.ObjectDamaged as error:
        raise _damaged(error) from None
    except _ANSWERED:
        raise
    except Exception as error:
        is_damage = getattr(error, "errno", None) in _DAMAGE
        raise (_damaged(error) if is_damage else _unavailable(error)) from None


def text(error: exceptions.ImsError) -> str:
    """The error with its IMS code, as a user shall see it."""
    return f"{error.code}: {error}"


def too_large(most: int) -> Exception:
    """What Glance's upload answers with 413.

    :param most: how many bytes an image may have
    """
    from glance.common import exception as glance_exception  # noqa: PLC0415

    refused: Exception = glance_exception.ImageSizeLimitExceeded(
        f"an image has {most} bytes at most here: upload a smaller one, or ask the operator for a "
        "larger image_size_cap"
    )
    return refused


def _damaged(error: Exception) -> Exception:
    LOG.error("Stored data cannot be read: %s", error)
    return _answer(
        webob.exc.HTTPInternalServerError,
        f"{exceptions.ObjectDamaged.code}: The stored data of the image is damaged. The "
        "operator of the Image service finds details in its log.",
    )


def _answer(kind: Any, message: str) -> Exception:
    """An error that says a message and nothing else: behind webob's own words the code would not be found."""
    is_webob = issubclass(kind, webob.exc.HTTPException)
    answer: Exception = kind(explanation=message) if is_webob else kind(message)
    return answer


def _unavailable(error: Exception) -> Exception:
    # Libraries quote what they were asked, and what they asked it with.
    told = strutils.mask_password("".join(traceback.format_exception(error)))
    LOG.error("The inner store gave no usable answer: %s", told)
    return EitherUnavailable(text(InnerStoreUnavailable()))


def _forbidden(message: str) -> Exception:
    # Imported here since the driver is also used, and tested, without Glance.
    from glance.common import exception as glance_exception  # noqa: PLC0415

    forbidden: Exception = glance_exception.Forbidden(message)
    return forbidden
