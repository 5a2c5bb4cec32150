# SPDX-License-Identifier: Apache-2.0
"""Other regions of the cloud, as the caller of a request reaches them.

All regions have one Keystone. Where they are its catalogue alone says; nobody gives an address.
"""

import copy
import dataclasses
from collections.abc import Iterable
from typing import Any

from oslo_config import cfg
from oslo_utils import units

from ims_glance import exceptions
from ims_glance.api.common.acceptance import KeyDelegatesNothing, Rights
from ims_glance.api.common.account import Account, Agency, WrongAgency
from ims_glance.api.common.image import may_create
from ims_glance.api.common.roles import SERVICE_ROLE
from ims_glance.clouds import caller
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.ims_api import ImsApi
from ims_glance.conf import ims_service

# To read an image, and to ask for a job, nobody needs more, whatever else they may do.
_ENOUGH = ("member", "reader")


class WrongRegion(exceptions.Invalid):
    """The caller has no such region (IMS: "tenant not in region")."""

    code = "IMG.0108"
    template = (
        "There is no Image service in a region '{region}' for you. There is one in: {regions}."
    )


class SameRegion(exceptions.Invalid):
    """An image was to be copied to the region where it is."""

    template = "Region '{region}' is this one: use copy_image_in_region (in the client, leave out --region)."


class RegionUnnamed(exceptions.Conflict):
    """The operator did not say which of the regions this is."""

    code = "IMG.0105"
    template = (
        "This Image service does not know the name of its region, so it copies nothing to others: its "
        "operator has to set 'region_name' in [ims_service]."
    )


class TooLarge(exceptions.Conflict):
    """The operator lets no image of that size be copied between regions."""

    code = "IMG.0059"
    template = (
        "Image {image_id} has {size} bytes, and images of more than {limit} GiB are copied neither to "
        "other regions nor from there ([ims_api] cross_region_gib of the operator of this region)."
    )


@dataclasses.dataclass(frozen=True)
class Place:
    """A project in another region.

    :ivar rights: what a job gets that follows another one there
    :ivar api: the region's IMS API, with a token of the caller for the project
    """

    region: str
    rights: Rights
    api: ImsApi

    @property
    def project_id(self) -> str:
        """The project's id."""
        return self.rights.project_id


class Elsewhere:
    """The other regions. Nothing is connected before it is needed."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._identity = Identity(conf)

    @property
    def here(self) -> str:
        """The name of this region.

        :raises RegionUnnamed: if the operator gave none
        """
        name = self._conf[ims_service.GROUP].region_name
        if not name:
            raise RegionUnnamed
        return str(name)

    def check(self, context: Any, region: str) -> None:
        """Check that there is such another region for the caller.

        :raises WrongRegion, SameRegion, RegionUnnamed: if not
        """
        if region == self.here:
            raise SameRegion(region=region)
        regions = caller.regions(context, "image")
        if region not in regions:
            others = ", ".join(regions) or "no region"
            raise WrongRegion(region=region[:64], regions=others)

    def place(self, context: Any, region: str, project: str | None, agency: str | None) -> Place:
        """A project of the caller in another region.

        :param project: its name or id; ``None`` for the one that the caller's token is for
        :param agency: name of an application credential of theirs, whose roles are the most that a
            job gets
        :raises WrongRegion, SameRegion, RegionUnnamed, WrongProject, AmbiguousProject, WrongAgency:
            what of it is not there
        :raises KeyDelegatesNothing: if the request was signed with an access key
        :raises DelegationRefused: if Keystone exchanges the caller's token for none of the project
        :raises Unavailable: if Keystone is away
        """
        self.check(context, region)
        if getattr(context, "ec2_access", None) is not None:
            raise KeyDelegatesNothing
        account = Account(self._identity, context)
        project_id = str(context.project_id)
        if project and project != project_id:
            project_id = account.project(project).id
        allowed = account.agency(agency, project_id) if agency else None
        if project_id == context.project_id:
            there, roles = caller.region_of(self._conf, context).elsewhere(region), context.roles
        else:
            there, roles = account.region(region, project_id)
        rights = Rights(project_id, least(roles)) if allowed is None else _of(allowed, project_id)
        return Place(region, rights, ImsApi(there))

    def rights(self, context: Any, agency: str | None) -> Rights:
        """What a job of the caller may do in the project of their token.

        :param agency: see :meth:`place`
        :raises WrongAgency: if there is none, or its roles make no images
        :raises Unavailable: if Keystone is away
        """
        project_id = str(context.project_id)
        own = [role for role in context.roles if role != SERVICE_ROLE]
        if not agency:
            return Rights(project_id, tuple(own))
        allowed = Account(self._identity, context).agency(agency, project_id)
        limited = copy.copy(context)
        limited.roles = list(allowed.roles)
        if not may_create(limited, project_id, "private"):
            reason = f" whose roles ({', '.join(allowed.roles)}) may make images there"
            raise WrongAgency(agency=agency, project_id=project_id, reason=reason)
        return _of(allowed, project_id)


def _of(agency: Agency, project_id: str) -> Rights:
    return Rights(project_id, agency.roles, agency.expires_at)


def check_size(conf: cfg.ConfigOpts, image_id: str, size: int) -> None:
    """Check that this region sends and receives images of a size.

    :param size: in bytes, of all disks of a whole machine
    :raises TooLarge: if not
    """
    limit = conf.ims_api.cross_region_gib
    if limit and size > limit * units.Gi:
        raise TooLarge(image_id=image_id, size=size, limit=limit)


def least(roles: Iterable[str]) -> tuple[str, ...]:
    """Of a caller's roles those that are enough to read images and to follow jobs.

    A cloud whose policies know other roles has none of these, so all are needed there.
    """
    given = [role for role in roles if role != SERVICE_ROLE]
    return tuple(sorted(set(_ENOUGH) & set(given))) or tuple(given)
