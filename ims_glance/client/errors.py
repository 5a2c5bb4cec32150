# SPDX-License-Identifier: Apache-2.0
"""Refusals of the service as exceptions.

They are openstacksdk's own, so that code which catches those goes on working, with the IMS code
(``IMG.0027``) and a text that says what the service said, without the URL.
"""

import re
from typing import Any

import requests
from openstack import exceptions

_CODE = re.compile(r"IMG\.\d{4}")
_CODED = re.compile(rf"(?P<code>{_CODE.pattern}): *(?P<message>.*)", re.DOTALL)
_TITLE = re.compile(r"<(title|head|h1)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_MOST = 2000
_REQUEST_ID_HEADERS = ("x-openstack-request-id", "x-request-id")


class ServiceRefused(exceptions.HttpException):
    """The service refused, or failed.

    :ivar code: the IMS error code, ``None`` if the answer has none
    """

    code: str | None

    def __init__(self, response: requests.Response) -> None:
        self.code, message = _read(response)
        super().__init__(message, response=response)
        found = (response.headers.get(name) for name in _REQUEST_ID_HEADERS)
        self.request_id = next(filter(None, found), None)

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}" if self.code else self.message
        known = [f"HTTP {self.status_code}"]
        if self.request_id:
            known.append(f"request {self.request_id}")
        return f"{text} ({', '.join(known)})"


class BadRequest(ServiceRefused, exceptions.BadRequestException):
    """The request is wrong, or contradicts the state of an image."""


class Forbidden(ServiceRefused, exceptions.ForbiddenException):
    """The caller may not do that."""


class NotFound(ServiceRefused, exceptions.NotFoundException):
    """There is no such thing, or the caller does not see it."""


class Absent(ServiceRefused):
    """A Glance without the IMS API offers its list of versions (300) instead."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response)
        self.message = "The Image service of this cloud has no IMS API"


class Conflict(ServiceRefused, exceptions.ConflictException):
    """Glance found a contradiction."""


_BY_STATUS: dict[int, type[ServiceRefused]] = {
    300: Absent,
    400: BadRequest,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}


def of(response: requests.Response) -> ServiceRefused:
    """The exception for an answer of status 300 or above."""
    return _BY_STATUS.get(response.status_code, ServiceRefused)(response)


def _read(response: requests.Response) -> tuple[str | None, str]:
    """The IMS code, if there is one, and the message of an answer."""
    code, message = _from_json(response)
    coded = _CODED.search(message)
    if code is None and coded is not None:
        code, message = coded["code"], coded["message"]
    return code, message or response.reason or "no reason given"


def _from_json(response: requests.Response) -> tuple[str | None, str]:
    """``{"error": {"code", "message"}}`` of IMS, ``{"message"}`` of Glance and of Keystone."""
    try:
        content: Any = response.json()
    except ValueError:
        return None, _plain(response.text)
    inside = content.get("error", content) if isinstance(content, dict) else content
    if not isinstance(inside, dict):
        return None, _plain(str(inside))
    code = str(inside.get("code", ""))
    # Glance has its HTTP status there.
    return code if _CODE.fullmatch(code) else None, _plain(str(inside.get("message") or ""))


def _plain(text: str) -> str:
    """The words of an answer, which Glance often wraps in HTML."""
    words = re.sub(r"<[^>]*>", " ", _TITLE.sub(" ", text)).split()
    return " ".join(words)[:_MOST]
