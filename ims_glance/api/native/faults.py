# SPDX-License-Identifier: Apache-2.0
"""Our errors as answers of the Image API.

Glance answers with webob's HTTP errors, which come as HTML, JSON or plain text according to the
request's ``Accept``; so do these. The request id is added on the way out by Glance's ``context``
filter.
"""

import html

import webob.exc

from ims_glance import exceptions
from ims_glance.api.common.quota import NoPlaceForImage
from ims_glance.api.native.image import TooManyTags
from ims_glance.api.native.member import TooManyMembers

# The first family that fits decides. A key that a request names is part of what the request says,
# so a missing one makes it a bad request: 404 would tell the client that the image is missing.
_ANSWERS: tuple[tuple[type[exceptions.ImsError], type[webob.exc.HTTPError]], ...] = (
    (exceptions.KeyNotFound, webob.exc.HTTPBadRequest),
    (exceptions.KeyGone, webob.exc.HTTPConflict),
    # As Glance answers for its own quotas: Nova and Cinder tell their callers what that means.
    *(
        (error, webob.exc.HTTPRequestEntityTooLarge)
        for error in (NoPlaceForImage, TooManyMembers, TooManyTags)
    ),
    (exceptions.Invalid, webob.exc.HTTPBadRequest),
    (exceptions.Forbidden, webob.exc.HTTPForbidden),
    (exceptions.NotFound, webob.exc.HTTPNotFound),
    (exceptions.Conflict, webob.exc.HTTPConflict),
    (exceptions.Unavailable, webob.exc.HTTPServiceUnavailable),
)


class _Explanation(str):
    """Text for a page: webob would escape the quotation marks too, and clients show them so."""

    __slots__ = ()

    def __html__(self) -> str:
        return html.escape(self, quote=False)


def answer(error: exceptions.ImsError) -> webob.exc.HTTPError:
    """The answer for *error*: a WSGI application, with the IMS code in front of the message."""
    # What a client sent is repeated, and JSON may have had half a character that no answer can carry.
    message = f"{error.code}: {error}".encode(errors="backslashreplace").decode()
    text = _Explanation(message)
    for family, status in _ANSWERS:
        if isinstance(error, family):
            return status(explanation=text)
    return webob.exc.HTTPInternalServerError(explanation=text)
