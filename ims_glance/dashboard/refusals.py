# SPDX-License-Identifier: Apache-2.0
"""What the service refuses is shown in its own words, with its code.

Not through Horizon's handler of exceptions: that takes every refusal of openstacksdk for a login that has
ended, whatever the service said.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import requests
from django import http
from django.urls import reverse
from django.utils.translation import gettext as _
from horizon import exceptions as horizon_exceptions
from horizon import messages
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions

from ims_glance.client import errors


class RowNotRead(Exception):
    """A row that changes by itself stays as it is: the service does not say how it is now."""


LOG = logging.getLogger(__name__)

FAILURES = (
    exceptions.SDKException,
    keystone_exceptions.ClientException,
    requests.RequestException,
    horizon_exceptions.ServiceCatalogException,
)
_ENDED = 401


def sentence(error: Exception) -> str:
    """What the user is told.

    :raises NotAuthenticated: if the login has ended; Horizon then asks for another
    """
    if getattr(error, "status_code", None) == _ENDED or isinstance(
        error, keystone_exceptions.Unauthorized
    ):
        raise horizon_exceptions.NotAuthenticated from error
    if isinstance(error, errors.ServiceRefused):
        return f"{error.message} ({error.code})" if error.code else str(error.message)
    if isinstance(error, exceptions.HttpException):
        return str(error.message)
    LOG.warning("The Image service fails: %s", error)
    said = _("The Image service does not answer. Try again in a while. (%s)")
    return str(said % type(error).__name__)


def told(request: Any, error: Exception) -> None:
    """Show it above the page."""
    messages.error(request, sentence(error))


def home() -> str:
    """Where a page leads that cannot be shown: the list of images."""
    return str(reverse("horizon:project:ims:index"))


@contextlib.contextmanager
def shown(request: Any) -> Iterator[None]:
    """What fails inside is shown, and the page goes on without it."""
    try:
        yield
    except FAILURES as error:
        told(request, error)


@contextlib.contextmanager
def needed(request: Any, place: str = "horizon:project:ims:index") -> Iterator[None]:
    """Around what a page is nothing without: what else fails than that it is not there is shown on the list.

    :param place: the list's, as Django's ``reverse`` takes it
    :raises Http404: if it is not there
    :raises Http302: to the list
    """
    try:
        yield
    except FAILURES as error:
        if isinstance(error, exceptions.NotFoundException):
            raise http.Http404(sentence(error)) from error
        told(request, error)
        raise horizon_exceptions.Http302(reverse(place)) from error


@contextlib.contextmanager
def polled() -> Iterator[None]:
    """Around what is asked for a row that changes by itself: a row of what is gone is taken away."""
    try:
        yield
    except FAILURES as error:
        if isinstance(error, exceptions.NotFoundException):
            raise http.Http404 from error
        raise RowNotRead(sentence(error)) from error


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Around what a page is as good without.

    :raises NotAuthenticated: if the login has ended
    """
    try:
        yield
    except FAILURES as error:
        LOG.info("Not shown: %s", sentence(error))
