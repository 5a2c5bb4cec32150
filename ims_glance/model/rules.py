# SPDX-License-Identifier: Apache-2.0
"""What may be done to which image: one table for both doors.

Source: IMS "Constraints", its pages on sharing, exporting, replicating and deleting images, and
its error codes. Each row of :data:`TABLE` names an action, a trait of an image, and the refusal of
that action for images with that trait; the first row that applies decides. What no row refuses may
be done.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model import attributes, kinds


class Action(enum.Enum):
    """What may be done to an image."""

    SHARE = "be shared"
    OPEN = "be open to everybody"
    """As a community image, which IMS does not know."""
    UNSHARE = "be taken back from others"
    ACCEPT = "be accepted or rejected"
    EXPORT = "be exported"
    COPY = "be copied"
    COPY_CROSS_REGION = "be copied to another region"
    UPDATE = "be changed"
    TAG = "get tags"
    SWITCH = "be deactivated or reactivated"
    """In the Image API alone, and whose images is a matter of its policy."""
    COMPLETE = "be changed while it is being made"
    """Through the Image API, as its clients do; the IMS API has no such thing."""
    DELETE = "be deleted"


class Trait(enum.Enum):
    """What images differ in, as far as rules go."""

    PUBLIC = "it is public"
    MARKET = "it is an image of the marketplace"
    PUBLISHED = "it is published in the marketplace; withdraw it first"
    RECEIVED = "it belongs to another project; copy it first"
    OTHERS = "it belongs to another project, which alone may do that"
    NOT_RECEIVED = "it is the project's own"
    DEFAULT_KEY = (
        "it is encrypted with the default key of its project; copy it with a key of its own first"
    )
    ENCRYPTED = "it is encrypted, and this cloud shares no encrypted images"
    WHOLE = "it is a whole-machine image"
    COMPONENT = "it is a disk of a whole-machine image; work with that one"
    ISO = "it is an ISO image"
    PROTECTED = "it is protected; take the protection off first"
    NOT_ACTIVE = "it is not active"


class _Refused:
    template = "Image {image_id} cannot {action}: {reason}."

    def __init__(self, action: Action, trait: Trait, code: str, image_id: str) -> None:
        self.code = code
        super().__init__(image_id=image_id, action=action.value, reason=trait.value)  # type: ignore[call-arg]


class Refused(_Refused, exceptions.Conflict):
    """A rule refuses an action for what the image is."""


class NotTheirs(_Refused, exceptions.Forbidden):
    """A rule refuses an action to the one who acts, or to everybody until the owner allows it."""


# What the Image API answers with 403.
_FORBIDDEN = {Trait.RECEIVED, Trait.OTHERS, Trait.PROTECTED}


TABLE: tuple[tuple[Action, Trait, str], ...] = (
    (Action.SHARE, Trait.PUBLIC, "IMG.0089"),
    (Action.SHARE, Trait.MARKET, "IMG.0024"),
    (Action.SHARE, Trait.RECEIVED, "IMG.0047"),
    (Action.SHARE, Trait.COMPONENT, "IMG.0135"),
    (Action.SHARE, Trait.NOT_ACTIVE, "IMG.0046"),
    (Action.SHARE, Trait.ENCRYPTED, "IMG.0098"),
    (Action.SHARE, Trait.DEFAULT_KEY, "IMG.0098"),
    (Action.OPEN, Trait.ENCRYPTED, "IMG.0098"),
    (Action.OPEN, Trait.DEFAULT_KEY, "IMG.0098"),
    (Action.UNSHARE, Trait.RECEIVED, "IMG.0047"),
    (Action.UNSHARE, Trait.COMPONENT, "IMG.0135"),
    (Action.ACCEPT, Trait.COMPONENT, "IMG.0135"),
    (Action.ACCEPT, Trait.NOT_RECEIVED, "IMG.0076"),
    (Action.EXPORT, Trait.PUBLIC, "IMG.0077"),
    (Action.EXPORT, Trait.MARKET, "IMG.0079"),
    (Action.EXPORT, Trait.RECEIVED, "IMG.0047"),
    (Action.EXPORT, Trait.WHOLE, "IMG.0128"),
    (Action.EXPORT, Trait.COMPONENT, "IMG.0128"),
    (Action.EXPORT, Trait.ISO, "IMG.0167"),
    (Action.EXPORT, Trait.NOT_ACTIVE, "IMG.0046"),
    (Action.COPY, Trait.COMPONENT, "IMG.0130"),
    (Action.COPY, Trait.ISO, "IMG.0024"),
    (Action.COPY, Trait.NOT_ACTIVE, "IMG.0046"),
    (Action.COPY_CROSS_REGION, Trait.RECEIVED, "IMG.0047"),
    (Action.COPY_CROSS_REGION, Trait.COMPONENT, "IMG.0130"),
    (Action.COPY_CROSS_REGION, Trait.ISO, "IMG.0024"),
    (Action.COPY_CROSS_REGION, Trait.NOT_ACTIVE, "IMG.0046"),
    (Action.UPDATE, Trait.RECEIVED, "IMG.0047"),
    (Action.UPDATE, Trait.COMPONENT, "IMG.0024"),
    (Action.UPDATE, Trait.PUBLISHED, "IMG.0046"),
    (Action.UPDATE, Trait.NOT_ACTIVE, "IMG.0046"),
    (Action.COMPLETE, Trait.WHOLE, "IMG.0046"),
    (Action.TAG, Trait.RECEIVED, "IMG.0047"),
    (Action.TAG, Trait.COMPONENT, "IMG.0024"),
    (Action.SWITCH, Trait.COMPONENT, "IMG.0024"),
    (Action.DELETE, Trait.OTHERS, "IMG.0047"),
    (Action.DELETE, Trait.PUBLISHED, "IMG.0045"),
    (Action.DELETE, Trait.COMPONENT, "IMG.0024"),
    (Action.DELETE, Trait.PROTECTED, "IMG.0028"),
)


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the rules ask of an image.

    :ivar owner: its project
    :ivar status: as Glance has it
    """

    id: str
    owner: str
    status: str
    visibility: str
    kind: str
    protected: bool
    encrypted: bool
    whole: bool
    component: bool
    published: bool
    env_type: str

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "Facts":
        """The facts about an image.

        :param view: as the Image API shows it
        """
        return cls(
            id=str(view.get("id", "")),
            owner=str(view.get("owner", "")),
            status=str(view.get("status", "")),
            visibility=str(view.get("visibility", "private")),
            kind=kinds.image_type(view),
            protected=bool(view.get("protected")),
            encrypted=bool(view.get(attributes.CMK_ID)),
            whole=_is_true(view.get(attributes.WHOLE_IMAGE)),
            component=bool(view.get(attributes.COMPONENT_OF)),
            published=bool(view.get("__productcode")) and not _is_true(view.get("__is_offshelved")),
            env_type=str(view.get(attributes.VIRTUAL_ENV_TYPE, "")),
        )


def traits(facts: Facts, viewer: str, share_encrypted: str = "custom_key") -> set[Trait]:
    """Which traits an image has for the one who acts, as far as its view says.

    :param viewer: project of the one who acts
    :param share_encrypted: ``custom_key``: images under another than the default key may be
        shared; ``never``: no encrypted ones
    """
    found = {
        Trait.PUBLIC: facts.visibility == "public",
        Trait.MARKET: facts.kind == kinds.MARKET,
        Trait.PUBLISHED: facts.published and facts.owner == viewer,
        Trait.RECEIVED: facts.owner != viewer,
        Trait.OTHERS: facts.owner != viewer,
        Trait.NOT_RECEIVED: facts.owner == viewer,
        Trait.ENCRYPTED: facts.encrypted and share_encrypted == "never",
        Trait.WHOLE: facts.whole,
        Trait.COMPONENT: facts.component,
        Trait.ISO: facts.env_type == "IsoImage",
        Trait.PROTECTED: facts.protected,
        Trait.NOT_ACTIVE: facts.status != "active",
    }
    return {trait for trait, has in found.items() if has}


def check(
    action: Action,
    facts: Facts,
    viewer: str,
    share_encrypted: str = "custom_key",
    has_default_key: Callable[[], bool] = lambda: False,
) -> None:
    """Check that an action may be done to an image.

    :param has_default_key: whether the image's key is the default key of its project. That takes
        the key manager, and is only asked of an encrypted image that no other row refuses
    :raises Refused, NotTheirs: with the IMS code of the row that refuses
    """
    has = traits(facts, viewer, share_encrypted)
    for row_action, trait, _code in TABLE:
        if row_action is not action:
            continue
        if trait is Trait.DEFAULT_KEY:
            applies = facts.encrypted and has_default_key()
        else:
            applies = trait in has
        if applies:
            raise refusal(action, trait, facts.id)


def refusal(action: Action, trait: Trait, image_id: str) -> Refused | NotTheirs:
    """What a row of the table refuses with.

    :raises KeyError: if there is no such row
    """
    codes = {(row_action, row_trait): code for row_action, row_trait, code in TABLE}
    kind = NotTheirs if trait in _FORBIDDEN else Refused
    return kind(action, trait, codes[action, trait], image_id)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
