# SPDX-License-Identifier: Apache-2.0
"""Refusals as the IMS API words them: ``{"error": {"code": "IMG.0024", "message": ...}}``."""

import re
from typing import Any

import webob
from oslo_serialization import jsonutils

from ims_glance import exceptions
from ims_glance.clouds import rest

# IMS answers 400 where the Image API would say 409 (its page "Error codes"). The first that fits.
_STATUS: tuple[tuple[type[exceptions.ImsError], int], ...] = (
    (exceptions.KeyNotFound, 400),
    (exceptions.Invalid, 400),
    (exceptions.Conflict, 400),
    (exceptions.Forbidden, 403),
    (exceptions.NotFound, 404),
    (exceptions.Unavailable, 503),
)
_CODED = re.compile(r"(?P<code>IMG\.\d{4}): (?P<message>.*)", re.DOTALL)


def status_of(error: exceptions.ImsError) -> int:
    """The HTTP status of the answer for *error*."""
    if isinstance(error, rest.Refused):
        # What a neighbour says no to, asked with the caller's own token, is no failure of ours.
        return error.status if error.status in (403, 404) else 400
    return next((status for family, status in _STATUS if isinstance(error, family)), 500)


def answer(error: exceptions.ImsError) -> webob.Response:
    """The answer for *error*."""
    response = worded(status_of(error), error.code, str(error))
    if isinstance(error, exceptions.Unavailable) and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def worded(status: int, code: str, message: str) -> webob.Response:
    """An answer of refusal."""
    return webob.Response(
        body=jsonutils.dump_as_bytes({"error": {"code": code, "message": message}}),
        status=status,
        content_type="application/json",
        charset="UTF-8",
    )


class _Refused:
    """What Glance's own refusals become; mixed into a family."""

    template = "{message}"


class Malformed(_Refused, exceptions.Invalid):
    """Glance found the request malformed."""


class Denied(_Refused, exceptions.Forbidden):
    """Glance's policy or property protection refused."""


class ImageMissing(_Refused, exceptions.NotFound):
    """Glance does not know the image, or does not show it to the caller."""

    code = "IMG.0027"


class Contradicts(_Refused, exceptions.Conflict):
    """Glance found a contradiction, or a quota used up."""


class Damaged(_Refused, exceptions.Conflict):
    """What is stored is not what it was, and will not be later either."""


class Away(_Refused, exceptions.Unavailable):
    """Glance failed."""


_FAMILIES: dict[int, type[exceptions.ImsError]] = {
    400: Malformed,
    403: Denied,
    404: ImageMissing,
    409: Contradicts,
    410: ImageMissing,
    413: Contradicts,
    415: Malformed,
}


def from_glance(response: webob.Response) -> exceptions.ImsError:
    """The error for an answer of refusal from Glance, or from the guard in front of it."""
    message = _message(response)
    error_class = _FAMILIES.get(response.status_int, Away)
    coded = _CODED.fullmatch(message)
    if coded is not None and response.status_int >= 500:
        error_class = Damaged
    if coded is None:
        return error_class(message=message)
    error = error_class(message=coded["message"])
    # The guard's own refusals keep their codes.
    error.code = coded["code"]
    return error


def _message(response: webob.Response) -> str:
    """The text of Glance's answer, which comes in JSON when it is asked for that."""
    text = _text(response)
    if response.status_int < 500:
        return text or response.status
    # What else Glance tells of its own failures is none of the caller's business. This one is worded
    # for them (ims_glance/store/errors.py), and stands behind what webob says of any.
    _, code, damage = text.partition(f"{exceptions.ObjectDamaged.code}: ")
    return code + damage or f"The Image service failed ({response.status}). Try again later."


def _plain(response: webob.Response) -> str:
    return bytes(response.body).decode(errors="replace")


def _text(response: webob.Response) -> str:
    content: Any = None
    if response.content_type == "application/json":
        try:
            content = jsonutils.loads(response.body)
        except ValueError:
            content = None
    text = content.get("message") if isinstance(content, dict) else _plain(response)
    plain = re.sub(r"<[^>]*>", " ", str(text or ""))
    return " ".join(plain.split())
