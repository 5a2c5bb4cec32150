# SPDX-License-Identifier: Apache-2.0
"""What crashes left behind (``GET /v1/orphans``): for operators."""

from openstack import resource


class LeftBehind(resource.Resource):
    """Something that belongs to nothing: objects of a store, or a hidden image."""

    #: id of the store that it lies in; ``image`` for a hidden image
    place: str = resource.Body("place")
    #: of its objects in the inner store, or the id of the image
    names: list[str] = resource.Body("names", type=list)
    #: when it was written, or changed last
    written_at: str = resource.Body("written_at")
    #: why it belongs to nothing; and why it is still there, if it was to be deleted
    reason: str = resource.Body("reason")


class OrphanList(resource.Resource):
    """What the last look of ``ims-manage orphans`` found in the region, and did not delete."""

    #: when that began; ``None``: nobody has looked yet
    looked_at: str | None = resource.Body("looked_at")
    #: what was younger was passed over
    min_age_hours: float = resource.Body("min_age_hours", type=float)
    #: how many there are, of which *orphans* has the first
    count: int = resource.Body("count", type=int)
    orphans: list[LeftBehind] = resource.Body("orphans", type=list, list_type=LeftBehind)

    @property
    def more(self) -> int:
        """How many are not listed."""
        return max(0, self.count - len(self.orphans))
