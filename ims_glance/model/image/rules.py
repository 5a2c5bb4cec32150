# SPDX-License-Identifier: Apache-2.0
"""What may be done to which image: one table for both doors.

Source: IMS "Constraints", its pages on sharing, exporting, replicating and deleting images, and
its error codes. Each row of :data:`TABLE` names an action, a trait of an image, the refusal of
that action for images with that trait, and why it is refused; the first row that applies decides.
What no row refuses may be done.

A row that protects what the service promises holds at both doors. One that is IMS's own convention
holds at IMS's door; at that of the Image API only where the operator wishes it
(``[ims_api] native_conventions``): a client of plain Glance gets what plain Glance gives.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model.image import attributes, elsewhere, kinds


class Action(enum.Enum):
    """What may be done to an image."""

    SHARE = "be shared"
    OPEN = "be open to everybody"
    """As a community image, which IMS does not know, or as a public one."""
    UNSHARE = "be taken back from others"
    ACCEPT = "be accepted or rejected"
    EXPORT = "be exported"
    CHECK = "be checked"
    SHOW_REPORT = "have its report shown"
    COPY = "be copied"
    COPY_CROSS_REGION = "be copied to another region"
    UPDATE = "be changed"
    TAG = "get tags"
    SWITCH = "be deactivated or reactivated"
    """In the Image API alone, and whose images is a matter of its policy."""
    COMPLETE = "be changed while it is being made"
    """Through the Image API, as its clients do; the IMS API has no such thing."""
    FILL = "get its data from a file"
    DELETE = "be deleted"
    PUBLISH = "be sold in the marketplace"
    """What is sold is a copy of it, which the service makes and keeps."""
    ENCRYPT = "be encrypted"
    """Under its own id: when it is made, or when it is changed and has a key."""


class Trait(enum.Enum):
    """What images differ in, as far as rules go."""

    PUBLIC = "it is public"
    MARKET = "it is an image of the marketplace, which only the service changes"
    BOUGHT = "it is an image of the marketplace, into which its owner alone may look"
    SOLD = "there is a product of the marketplace in it, which stays with the project that uses it"
    RECEIVED = "it belongs to another project; copy it first"
    OTHERS = "it belongs to another project, which alone may do that"
    NOT_RECEIVED = "it is the project's own"
    DEFAULT_KEY = (
        "it is encrypted with the default key of its project; copy it with a key of its own first"
    )
    ENCRYPTED = "it is encrypted, and this cloud shares no encrypted images"
    WHOLE = "it is a whole-machine image"
    COMPONENT = "it is a disk of a whole-machine image; work with that one"
    ELSEWHERE = (
        "its 'block_device_mapping' names volumes, snapshots or other images, where its disks lie; "
        "make an image of a server with all its disks by 'openstack ims image create --server "
        "SERVER --whole NAME', which '--key' encrypts"
    )
    ISO = "it is an ISO image"
    DATA = "it is an image of a data disk; what is sold starts a server"
    PROTECTED = "it is protected; take the protection off first"
    NOT_ACTIVE = "it is not active"
    IN_MAKING = "it is a whole-machine image that is not finished"


class Why(enum.Enum):
    """Why a row refuses."""

    PROTECTS = "what the service promises: keys, whole machines, products, jobs"
    CONVENTION = "the way of IMS, which Glance does not have, or has in its own words"


class _RuleRefusal:
    template = "Image {image_id} cannot {action}: {reason}."

    def __init__(self, action: Action, trait: Trait, code: str, image_id: str) -> None:
        self.code = code
        super().__init__(image_id=image_id, action=action.value, reason=trait.value)  # type: ignore[call-arg]


class RuleRefused(_RuleRefusal, exceptions.Conflict):
    """A rule refuses an action for what the image is."""


class NotTheirs(_RuleRefusal, exceptions.Forbidden):
    """A rule refuses an action to the one who acts, or to everybody until the owner allows it."""


# What the Image API answers with 403.
_FORBIDDEN = {Trait.RECEIVED, Trait.OTHERS, Trait.PROTECTED, Trait.BOUGHT}


PROTECTS, CONVENTION = Why.PROTECTS, Why.CONVENTION

Row = tuple[Action, Trait, str, Why]

TABLE: tuple[Row, ...] = (
    (Action.SHARE, Trait.PUBLIC, "IMG.0089", CONVENTION),
    (Action.SHARE, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.SHARE, Trait.SOLD, "IMG.0024", PROTECTS),
    (Action.SHARE, Trait.RECEIVED, "IMG.0047", CONVENTION),
    (Action.SHARE, Trait.COMPONENT, "IMG.0135", PROTECTS),
    (Action.SHARE, Trait.ELSEWHERE, "IMG.0135", CONVENTION),
    (Action.SHARE, Trait.IN_MAKING, "IMG.0046", PROTECTS),
    (Action.SHARE, Trait.NOT_ACTIVE, "IMG.0046", CONVENTION),
    (Action.SHARE, Trait.ENCRYPTED, "IMG.0098", PROTECTS),
    (Action.SHARE, Trait.DEFAULT_KEY, "IMG.0098", PROTECTS),
    (Action.OPEN, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.OPEN, Trait.SOLD, "IMG.0024", PROTECTS),
    (Action.OPEN, Trait.ENCRYPTED, "IMG.0098", PROTECTS),
    (Action.OPEN, Trait.DEFAULT_KEY, "IMG.0098", PROTECTS),
    (Action.OPEN, Trait.ELSEWHERE, "IMG.0135", CONVENTION),
    (Action.UNSHARE, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.UNSHARE, Trait.RECEIVED, "IMG.0047", CONVENTION),
    (Action.UNSHARE, Trait.COMPONENT, "IMG.0135", PROTECTS),
    (Action.ACCEPT, Trait.COMPONENT, "IMG.0135", PROTECTS),
    (Action.ACCEPT, Trait.NOT_RECEIVED, "IMG.0076", CONVENTION),
    (Action.EXPORT, Trait.PUBLIC, "IMG.0077", CONVENTION),
    (Action.EXPORT, Trait.MARKET, "IMG.0079", PROTECTS),
    (Action.EXPORT, Trait.SOLD, "IMG.0079", PROTECTS),
    (Action.EXPORT, Trait.RECEIVED, "IMG.0047", CONVENTION),
    (Action.EXPORT, Trait.COMPONENT, "IMG.0128", PROTECTS),
    (Action.EXPORT, Trait.ELSEWHERE, "IMG.0128", PROTECTS),
    (Action.EXPORT, Trait.ISO, "IMG.0167", CONVENTION),
    (Action.EXPORT, Trait.NOT_ACTIVE, "IMG.0046", CONVENTION),
    (Action.CHECK, Trait.BOUGHT, "IMG.0047", PROTECTS),
    (Action.CHECK, Trait.COMPONENT, "IMG.0128", PROTECTS),
    (Action.CHECK, Trait.ELSEWHERE, "IMG.0128", PROTECTS),
    (Action.CHECK, Trait.ISO, "IMG.0167", CONVENTION),
    (Action.CHECK, Trait.NOT_ACTIVE, "IMG.0046", CONVENTION),
    (Action.SHOW_REPORT, Trait.BOUGHT, "IMG.0047", PROTECTS),
    (Action.SHOW_REPORT, Trait.OTHERS, "IMG.0047", CONVENTION),
    (Action.COPY, Trait.COMPONENT, "IMG.0130", PROTECTS),
    (Action.COPY, Trait.ELSEWHERE, "IMG.0130", PROTECTS),
    (Action.COPY, Trait.ISO, "IMG.0024", CONVENTION),
    (Action.COPY, Trait.NOT_ACTIVE, "IMG.0046", CONVENTION),
    (Action.COPY_CROSS_REGION, Trait.SOLD, "IMG.0024", PROTECTS),
    (Action.COPY_CROSS_REGION, Trait.RECEIVED, "IMG.0047", CONVENTION),
    (Action.COPY_CROSS_REGION, Trait.COMPONENT, "IMG.0130", PROTECTS),
    (Action.COPY_CROSS_REGION, Trait.ELSEWHERE, "IMG.0130", PROTECTS),
    (Action.COPY_CROSS_REGION, Trait.ISO, "IMG.0024", CONVENTION),
    (Action.COPY_CROSS_REGION, Trait.NOT_ACTIVE, "IMG.0046", CONVENTION),
    (Action.UPDATE, Trait.RECEIVED, "IMG.0047", CONVENTION),
    (Action.UPDATE, Trait.COMPONENT, "IMG.0024", PROTECTS),
    (Action.UPDATE, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.UPDATE, Trait.NOT_ACTIVE, "IMG.0046", CONVENTION),
    (Action.COMPLETE, Trait.COMPONENT, "IMG.0024", PROTECTS),
    (Action.COMPLETE, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.COMPLETE, Trait.WHOLE, "IMG.0046", PROTECTS),
    (Action.FILL, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.FILL, Trait.OTHERS, "IMG.0047", CONVENTION),
    (Action.FILL, Trait.COMPONENT, "IMG.0024", PROTECTS),
    (Action.FILL, Trait.WHOLE, "IMG.0024", PROTECTS),
    (Action.TAG, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.TAG, Trait.RECEIVED, "IMG.0047", CONVENTION),
    (Action.TAG, Trait.COMPONENT, "IMG.0024", PROTECTS),
    (Action.SWITCH, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.SWITCH, Trait.COMPONENT, "IMG.0024", PROTECTS),
    (Action.DELETE, Trait.OTHERS, "IMG.0047", CONVENTION),
    (Action.DELETE, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.DELETE, Trait.COMPONENT, "IMG.0024", PROTECTS),
    (Action.DELETE, Trait.PROTECTED, "IMG.0028", CONVENTION),
    (Action.PUBLISH, Trait.PUBLIC, "IMG.0083", CONVENTION),
    (Action.PUBLISH, Trait.MARKET, "IMG.0024", PROTECTS),
    (Action.PUBLISH, Trait.SOLD, "IMG.0024", PROTECTS),
    (Action.PUBLISH, Trait.RECEIVED, "IMG.0047", CONVENTION),
    (Action.PUBLISH, Trait.COMPONENT, "IMG.0024", PROTECTS),
    (Action.PUBLISH, Trait.ELSEWHERE, "IMG.0024", PROTECTS),
    (Action.PUBLISH, Trait.ISO, "IMG.0024", CONVENTION),
    (Action.PUBLISH, Trait.DATA, "IMG.0024", CONVENTION),
    (Action.PUBLISH, Trait.NOT_ACTIVE, "IMG.0046", CONVENTION),
    (Action.ENCRYPT, Trait.ELSEWHERE, "IMG.0024", PROTECTS),
)


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the rules ask of an image.

    :ivar owner: its project
    :ivar status: as Glance has it
    :ivar product: whether there is a product of the marketplace in it
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
    elsewhere: bool
    product: bool
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
            elsewhere=elsewhere.is_elsewhere(view),
            product=bool(view.get(attributes.PRODUCT_CODE)),
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
        Trait.BOUGHT: facts.kind == kinds.MARKET and facts.owner != viewer,
        # The service itself copies its own to other regions.
        Trait.SOLD: facts.product and not (facts.kind == kinds.MARKET and facts.owner == viewer),
        Trait.RECEIVED: facts.owner != viewer,
        Trait.OTHERS: facts.owner != viewer,
        Trait.NOT_RECEIVED: facts.owner == viewer,
        Trait.ENCRYPTED: facts.encrypted and share_encrypted == "never",
        Trait.WHOLE: facts.whole,
        Trait.COMPONENT: facts.component,
        Trait.ELSEWHERE: facts.elsewhere,
        Trait.DATA: facts.env_type == "DataImage",
        Trait.ISO: facts.env_type == "IsoImage",
        Trait.PROTECTED: facts.protected,
        Trait.NOT_ACTIVE: facts.status != "active",
        Trait.IN_MAKING: facts.whole and facts.status not in {"active", "deactivated"},
    }
    return {trait for trait, has in found.items() if has}


def check(
    action: Action,
    facts: Facts,
    viewer: str,
    share_encrypted: str = "custom_key",
    has_default_key: Callable[[], bool] = lambda: False,
    *,
    conventions: bool = True,
) -> None:
    """Check that an action may be done to an image.

    :param conventions: whether the rows that are IMS's own conventions hold, too
    :param has_default_key: whether the image's key is the default key of its project. That takes
        the key manager, and is only asked of an encrypted image that no other row refuses
    :raises Refused, NotTheirs: with the IMS code of the row that refuses
    """
    has = traits(facts, viewer, share_encrypted)
    for row_action, trait, _code, why in TABLE:
        if row_action is not action or (why is Why.CONVENTION and not conventions):
            continue
        if trait is Trait.DEFAULT_KEY:
            applies = facts.encrypted and has_default_key()
        else:
            applies = trait in has
        if applies:
            raise refusal(action, trait, facts.id)


def refusal(action: Action, trait: Trait, image_id: str) -> RuleRefused | NotTheirs:
    """What a row of the table refuses with.

    :raises KeyError: if there is no such row
    """
    codes = {(row_action, row_trait): code for row_action, row_trait, code, _ in TABLE}
    kind = NotTheirs if trait in _FORBIDDEN else RuleRefused
    return kind(action, trait, codes[action, trait], image_id)


def may_be_sold(view: Mapping[str, Any], viewer: str) -> bool:
    """Whether nothing that an image shows keeps a project from selling it.

    :param view: as the Image API shows it
    """
    has = traits(Facts.of(view), viewer)
    return not any(action is Action.PUBLISH and trait in has for action, trait, _, _ in TABLE)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
