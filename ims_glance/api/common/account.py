# SPDX-License-Identifier: Apache-2.0
"""Keystone as the caller of a request: their projects, their application credentials, other tokens."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from oslo_utils import timeutils

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.region import Region


class WrongProject(exceptions.Invalid):
    """The caller has no such project (IMS: "project wrong")."""

    code = "IMG.0067"
    template = (
        "You have no role in a project '{project}' that is enabled ('openstack project list "
        "--my-projects' shows yours)."
    )


class AmbiguousProject(exceptions.Invalid):
    """The caller has a role in several projects of that name, in several domains."""

    code = "IMG.0067"
    template = (
        "You have roles in {count} projects '{project}', of several domains: give the id of one."
    )


class WrongAgency(exceptions.Invalid):
    """There is no such consent (IMS: "agency token")."""

    code = "IMG.0179"
    template = (
        "You have no application credential '{agency}' in project {project_id}{reason}. Make one with "
        "a token of that project ('openstack application credential create --role member NAME'), or "
        "leave out the agency."
    )


@dataclasses.dataclass(frozen=True)
class Project:
    """A project that the caller has a role in."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True)
class Agency:
    """What the caller agreed to.

    :ivar roles: names of the most that a job gets
    :ivar expires_at: when it ends, in Keystone's words (UTC); ``None`` if it does not
    """

    roles: tuple[str, ...]
    expires_at: str | None = None


class Account:
    """The caller of a request.

    All methods raise ``Unavailable`` if Keystone is away.

    :param context: the caller's ``glance.context.RequestContext``
    """

    def __init__(self, identity: Identity, context: Any) -> None:
        self._identity = identity
        self._context = context

    def project(self, named: str) -> Project:
        """A project of the caller.

        :param named: its name, or its id. Of several of that name the one that is in the domain of
            the caller's own project is meant
        :raises WrongProject, AmbiguousProject: if there is none, or nobody knows which
        """
        listed = self._keystone.json("GET", "/auth/projects")["projects"]
        usable = [each for each in listed if each.get("enabled", True)]
        found = [each for each in usable if named in (each["id"], each["name"])]
        near = [each for each in found if each.get("domain_id") == self._domain_id]
        found = near if len(near) == 1 else found
        if not found:
            raise WrongProject(project=named[:64])
        if len(found) > 1:
            raise AmbiguousProject(project=named[:64], count=len(found))
        return Project(str(found[0]["id"]), str(found[0]["name"]))

    def agency(self, name: str, project_id: str) -> Agency:
        """What one of the caller's application credentials allows.

        Its secret is not needed: that it is there says what its owner agreed to.

        :raises WrongAgency: if there is none of that name in the project that a job can keep to
        """
        path = f"/users/{self._context.user_id}/application_credentials"
        try:
            listed = self._keystone.json("GET", path, params={"name": name})
        except (rest.Refused, rest.DelegationEnded) as error:
            reason = f" that this token may see ({error.details['reason']})"
            raise WrongAgency(agency=name, project_id=project_id, reason=reason) from None
        named = [each for each in listed["application_credentials"] if each["name"] == name]
        found = [each for each in named if each["project_id"] == project_id]
        reason = _what_is_wrong(found[0]) if found else ""
        if not found and named:
            reason = f" (that of project {named[0]['project_id']} is for that one)"
        if not found or reason:
            raise WrongAgency(agency=name, project_id=project_id, reason=reason)
        roles = tuple(sorted(str(role["name"]) for role in found[0]["roles"]))
        return Agency(roles, found[0].get("expires_at"))

    def region(self, name: str, project_id: str) -> tuple[Region, tuple[str, ...]]:
        """A region as the caller sees it with a token of another project, and their roles there.

        :raises DelegationRefused: if Keystone gives no such token for this one
        """
        session, roles = self._identity.exchanged(
            self._context.auth_token, project_id, self._context
        )
        return self._identity.region(session).elsewhere(name), roles

    @property
    def _domain_id(self) -> str | None:
        return getattr(self._context, "project_domain_id", None)

    @property
    def _keystone(self) -> rest.Rest:
        return self._identity.as_caller(self._context.auth_token)


def _what_is_wrong(credential: Mapping[str, Any]) -> str:
    """Why no job acts by an application credential; empty if one may."""
    ends = credential.get("expires_at")
    if ends and timeutils.normalize_time(timeutils.parse_isotime(ends)) <= timeutils.utcnow():
        return f" any more (it ended at {ends})"
    # A trust knows none, so the job could do more than the credential.
    return " without access rules" if credential.get("access_rules") else ""
