# SPDX-License-Identifier: Apache-2.0
"""Rows that change by themselves, and stay while the service is away."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from horizon import tables

from ims_glance.dashboard import refusals

_KEPT = "shown"


class KeptRow(tables.Row):
    """A row that is asked for again until what it is about has come to rest.

    What its columns show is in the address that it is asked by. While the service does not say how that is now, it
    stands in the row again; after an error Horizon would ask no more.
    """

    ajax = True

    # Attributes that are kept; nothing else is taken from the address, which anybody may have written.
    shown: ClassVar[tuple[str, ...]] = ()

    def fetch(self, request: Any, datum_id: str) -> Any:
        """It, as the service has it now."""
        raise NotImplementedError

    def as_it_was(self, datum_id: str, shown: Mapping[str, Any], why: str) -> Any:
        """It, as it was when it was shown.

        :param shown: texts and numbers alone; what is not known is not there
        :param why: it is not known how it is now
        """
        raise NotImplementedError

    def get_ajax_update_url(self) -> str:
        """Where it is asked for."""
        values = {name: getattr(self.datum, name) for name in self.shown}
        kept = json.dumps({name: value for name, value in values.items() if value})
        return f"{super().get_ajax_update_url()}&{urlencode({_KEPT: kept})}"

    def get_data(self, request: Any, datum_id: str) -> Any:
        """As it is now, or was."""
        try:
            with refusals.polled():
                return self.fetch(request, datum_id)
        except refusals.RowNotRead as error:
            return self.as_it_was(datum_id, self._kept(request), str(error))

    def _kept(self, request: Any) -> dict[str, Any]:
        try:
            given = dict(json.loads(request.GET[_KEPT]))
        except (KeyError, TypeError, ValueError):
            return {}
        return {name: given[name] for name in self.shown if isinstance(given.get(name), str | int)}
