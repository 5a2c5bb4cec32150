# SPDX-License-Identifier: Apache-2.0
"""What an image is a copy of, and where copies of it are, asked of every region."""

import dataclasses
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions

from ims_glance.client import regions
from ims_glance.client.operations.copy import Origin
from ims_glance.client.resources.image import Image
from ims_glance.client.shell.columns import Lines

AWAY = (
    exceptions.SDKException,
    keystone_exceptions.ClientException,
    requests.RequestException,
)
_AT_ONCE = 8
_NOT_SEEN = "gone, or not shown to you"
_NOT_KNOWN = "not known: the region is away"
_NO_REGION = "not known: you have no such region"


@dataclasses.dataclass
class _Answer:
    """What a region answered.

    :ivar origin: what the image is a copy of, if that is in this region and is shown
    :ivar away: why there is no answer
    """

    region: str
    copies: list[Image] = dataclasses.field(default_factory=list)
    origin: Image | None = None
    away: str = ""


def fields(cloud: Any, image: Image, projects: Iterable[str] = ()) -> dict[str, Lines]:
    """``copied_from``, ``copies`` and ``regions_away`` of an image.

    :param cloud: an openstacksdk connection, to the region of the image
    :param projects: names or ids of other projects of the caller, whose images are to be found, too
    :raises openstack.exceptions.ConfigException: if one of them cannot be logged in to
    """
    here = regions.current(cloud)
    logins = [cloud, *(regions.as_project(cloud, project) for project in projects)]
    todo = [(login, region) for login in logins for region in regions.with_images(login)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda each: _ask(each[0], each[1], image, here), todo))
    away = {answer.region: answer.away for answer in answers if answer.away}
    said = [{"region": region, "reason": reason} for region, reason in away.items()]
    return {
        "copied_from": Lines(_origin(image, here, answers)),
        "copies": Lines(_copies(answers)),
        "regions_away": Lines(said),
    }


def _ask(login: Any, region: str, image: Image, here: str) -> _Answer:
    answer = _Answer(region)
    origin = Origin.of(image)
    try:
        ims = regions.connect(login, region).ims
        if origin is not None and (origin.region or here) == region:
            answer.origin = ims.look_at(origin.image_id)
        answer.copies = list(ims.copies_of(Origin(here, image.id)))
    except AWAY as error:
        answer.away = reason(error)
    return answer


def reason(error: Exception) -> str:
    """Why a region did not answer, on one line."""
    text = " ".join(str(error).split())
    # What follows the address is a trail of three libraries.
    is_trail = isinstance(error, keystone_exceptions.ConnectFailure)
    return text.split(": ", 1)[0] if is_trail else text


def _copies(answers: Iterable[_Answer]) -> list[dict[str, Any]]:
    """Each once, though several projects are shown it."""
    found = {
        (answer.region, copy.id): _place(answer.region, copy)
        for answer in answers
        for copy in answer.copies
    }
    return list(found.values())


def _origin(image: Image, here: str, answers: Iterable[_Answer]) -> list[dict[str, Any]]:
    origin = Origin.of(image)
    if origin is None:
        return []
    region = origin.region or here
    asked = [answer for answer in answers if answer.region == region]
    for answer in asked:
        if answer.origin is not None:
            return [_place(region, answer.origin)]
    if not asked:
        status = _NO_REGION
    else:
        status = _NOT_KNOWN if all(answer.away for answer in asked) else _NOT_SEEN
    return [{"region": region, "image_id": origin.image_id, "status": status}]


def _place(region: str, image: Image) -> dict[str, Any]:
    return {
        "region": region,
        "project": image.owner,
        "image_id": image.id,
        "name": image.name,
        "status": image.status,
        "created": image.created_at,
    }


def away(shown: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Sentences for the user about regions that were not asked."""
    for each in shown:
        yield (f"Region {each['region']} is away, so copies there are not shown: {each['reason']}")
