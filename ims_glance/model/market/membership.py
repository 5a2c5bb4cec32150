# SPDX-License-Identifier: Apache-2.0
"""Memberships follow what is recorded: one after the other, each as often as needed."""

from typing import Protocol

from ims_glance.model.market.entitlement import ProductMember, ProductMemberState

# A wish that changes again and again meanwhile is left for the next time.
_ATTEMPTS = 3


class MemberDoor(Protocol):
    """Where memberships are made and taken away; both may be done already."""

    def add(self, image_id: str, project_id: str) -> None:
        """Let a project have an image, accepted."""

    def remove(self, image_id: str, project_id: str) -> None:
        """Take it away."""


class MemberRecord(Protocol):
    """What is recorded; ``False`` if the wish has changed meanwhile."""

    def there(self, image_id: str, project_id: str) -> bool:
        """One is made."""

    def removed(self, image_id: str, project_id: str) -> bool:
        """One is taken away."""


def follow(member: ProductMember, record: MemberRecord, door: MemberDoor) -> bool:
    """Make a membership, or take it away, as is wished; whether that is done and recorded.

    If the wish changes between the two, the other is done at once: it may change back before anybody
    looks again, and then nobody would know what there is.

    :raises: what the door raises
    """
    image_id, project_id = member.image_id, member.project_id
    is_wanted = member.state is ProductMemberState.WANTED
    for _attempt in range(_ATTEMPTS):
        if is_wanted:
            door.add(image_id, project_id)
            is_done = record.there(image_id, project_id)
        else:
            door.remove(image_id, project_id)
            is_done = record.removed(image_id, project_id)
        if is_done:
            return True
        is_wanted = not is_wanted
    return False
