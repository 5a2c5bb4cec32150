# SPDX-License-Identifier: Apache-2.0
"""What an operation of the IMS API is: one row of the table in ``operations``."""

import dataclasses
import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common.acceptance import Acceptance
from ims_glance.api.common.backup import Backups
from ims_glance.api.common.elsewhere import Elsewhere
from ims_glance.api.common.image import Images
from ims_glance.api.common.image_keys import ImageKeys
from ims_glance.api.common.market import Market
from ims_glance.api.common.quota import ImageQuota
from ims_glance.api.common.standing import Standing
from ims_glance.db.report import GuestReports

Schema = Mapping[str, Any]


class NotSupportedYet(exceptions.Conflict):
    """An operation of IMS whose neighbours are not connected yet."""

    code = "IMG.0105"
    template = "This is not supported yet: {missing}."


class Access(enum.Enum):
    """Who may call an operation unless the operator's policy says otherwise."""

    READ = "role:reader"
    WRITE = "role:member"
    SELL = "role:ims_seller"
    REVIEW = "role:ims_market_reviewer"
    ADMIN = "role:admin"

    @property
    def rule(self) -> str:
        """The check of the default policy: administrators may call everything."""
        return self.value if self is Access.ADMIN else f"{Access.ADMIN.value} or {self.value}"

    @property
    def is_hidden(self) -> bool:
        """Whether others do not even see that there is such an operation."""
        return self in (Access.SELL, Access.REVIEW)


@dataclasses.dataclass(frozen=True)
class Service:
    """What handlers work with.

    :ivar conf: Glance's configuration, with our groups
    :ivar images: the Image API, behind the guard
    :ivar jobs: where jobs are accepted and looked up
    :ivar keys: keys that images are encrypted with
    :ivar quota: places for private images
    :ivar backups: server backups
    :ivar elsewhere: other regions
    :ivar standing: replications
    :ivar reports: of the systems in images
    :ivar market: the marketplace; ``None`` if there is none
    """

    conf: Any
    images: Images
    jobs: Acceptance
    keys: ImageKeys
    quota: ImageQuota
    backups: Backups
    elsewhere: Elsewhere
    standing: Standing
    reports: GuestReports
    market: Market | None = None


@dataclasses.dataclass(frozen=True)
class Call:
    """A request that has passed policy and schemas.

    :ivar context: the caller's ``glance.context.RequestContext``
    :ivar arguments: from the path, by the names in the operation's template
    :ivar query: by name; of a name given several times, the last value
    :ivar body: as JSON
    :ivar accept: media types that the client wants
    """

    service: Service
    context: Any
    arguments: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    accept: str = ""

    @property
    def project_id(self) -> str:
        """The caller's project."""
        return str(self.context.project_id)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a handler gives back.

    :ivar body: sent as JSON; ``None`` for none
    :ivar stream: sent instead of ``body``, as ``content_type``
    :ivar headers: that it has besides
    :ivar image_ids: images that it was about, for the audit
    :ivar job_id: the job that it became, for the audit
    :ivar has_changed: whether there is anything for the audit; not if it was but a question
    """

    body: Any = None
    stream: Iterable[bytes] | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    image_ids: tuple[str, ...] = ()
    job_id: str | None = None
    has_changed: bool = True


Handler = Callable[[Call], Answer]


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation.

    :ivar name: as ``huaweicloudsdkims`` calls it; also the name of its policy rule, ``ims:<name>``
    :ivar path: with ``{arguments}``, each one segment
    :ivar body: JSON schema of the body; ``None`` if it takes none
    :ivar query: JSON schemas of the parameters by name; ``None`` if the handler checks them
    :ivar answer: JSON schema of the answer, ``None`` if there is none
    :ivar other_types: media types in which the answer can be had besides JSON, or instead of it if it
        has no schema
    :ivar max_body_kib: size of the largest body, where it has to be larger than those of others
    :ivar status: of success
    :ivar audit: name in the audit trail (IMS "operations audited by CTS"); ``None`` for reading
    :ivar audit_by_action: other names there, by what a body says as ``action``
    """

    name: str
    method: str
    path: str
    handler: Handler
    summary: str
    access: Access = Access.READ
    body: Schema | None = None
    query: Mapping[str, Schema] | None = dataclasses.field(default_factory=dict)
    answer: Schema | None = None
    status: int = 200
    audit: str | None = None
    audit_by_action: Mapping[str, str] = dataclasses.field(default_factory=dict)
    other_types: tuple[str, ...] = ()
    max_body_kib: int = 0

    @property
    def policy(self) -> str:
        """Name of its policy rule."""
        return f"ims:{self.name}"

    def audited_as(self, body: Any) -> str | None:
        """Its name in the audit trail for a body, which may be anything."""
        action = body.get("action") if isinstance(body, dict) else None
        return (
            self.audit_by_action.get(action, self.audit) if isinstance(action, str) else self.audit
        )
