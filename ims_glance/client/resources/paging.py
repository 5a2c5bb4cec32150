# SPDX-License-Identifier: Apache-2.0
"""Paging as IMS does it: ``page_info.next_marker`` in the answer."""

from collections.abc import Mapping
from typing import Any

import requests
from openstack import resource


class Paged(resource.Resource):
    """A resource whose lists have ``page_info`` (reference: ``list_images``, member lists)."""

    @classmethod
    def _get_next_link(
        cls,
        uri: str,
        response: requests.Response,
        data: dict[str, Any],
        marker: str | None,
        limit: str | None,
        total_yielded: int,
    ) -> tuple[str | None, Mapping[str, str | list[str] | int | None]]:
        following = (data.get("page_info") or {}).get("next_marker")
        if not following:
            return None, {}
        return uri, {"marker": following, "limit": limit} if limit else {"marker": following}
