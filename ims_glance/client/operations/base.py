# SPDX-License-Identifier: Apache-2.0
"""What the operations share: refusals as errors, jobs that begin, lists that go on."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import requests
from openstack import exceptions, proxy, resource

from ims_glance.client import errors
from ims_glance.client.resources.job import Job

_Listed = TypeVar("_Listed", bound=resource.Resource)

# Images a page, as the service has it by default (reference: list_images).
_PAGE = 500
# How a page is refused that is to begin after what is gone. The filters were fine on the first one.
_MARKER_REFUSED = (errors.BadRequest, errors.Forbidden, errors.NotFound)


class Operations(proxy.Proxy):
    """Operations on one noun."""

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request.

        :raises errors.Refused: if it is refused, or fails
        """
        response = super().request(url, method, *args, **kwargs)
        if response.status_code >= 300:
            raise errors.of(response)
        return response

    def _begin(self, method: str, path: str, body: Mapping[str, Any]) -> Job:
        """Ask for a job; of what is given back only the id is known yet."""
        answer = self.request(path, method, json=body).json()
        return Job.existing(
            connection=self._get_connection(),
            job_id=answer["job_id"],
            project_id=self._project(),
        )

    def _some(self, kind: type[_Listed], max_items: int | None, **query: Any) -> Iterator[_Listed]:
        """A list, page by page; no page is asked for that is not needed."""
        if max_items is not None:
            query.setdefault("limit", min(max_items, _PAGE))
        return itertools.islice(self._all(kind, query), max_items)

    def _all(self, kind: type[_Listed], query: dict[str, Any]) -> Iterator[_Listed]:
        """A list that goes on when what its next page begins after is gone.

        The service knows the places of deleted images, but not of those that others share no more.
        """
        seen: dict[str, None] = {}
        refused: set[str] = set()
        following = query
        while True:
            try:
                yield from self._new(kind, following, seen)
            except _MARKER_REFUSED:
                # It was the last one of a page, or the one that was tried instead.
                usable = [each for each in seen if each not in refused]
                if not usable:
                    raise
                refused.add(usable.pop())
                following = {**query, "marker": usable[-1]} if usable else query
            else:
                return

    def _new(
        self, kind: type[_Listed], query: dict[str, Any], seen: dict[str, None]
    ) -> Iterator[_Listed]:
        """What a list has beside what was seen, where it is noted."""
        for each in self._list(kind, **query):
            if each.id not in seen:
                seen[each.id] = None
                yield each

    def _project(self) -> str:
        """The project of the caller's token."""
        project_id = self.get_project_id()
        if not project_id:
            raise exceptions.ConfigException(
                "Images belong to projects: log in to one (project_name or project_id)."
            )
        return str(project_id)


def segment(text: str) -> str:
    """One segment of a path."""
    return quote(text, safe="")
