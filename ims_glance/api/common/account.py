# SPDX-License-Identifier: Apache-2.0
"""Keystone as the caller of a request: their projects, their application credentials, other tokens."""

import dataclasses
from typing import Any

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

    def agency_roles(self, agency: str, project_id: str) -> tuple[str, ...]:
        """Names of the roles of one of the caller's application credentials.

        Its secret is not needed: that it is there says what its owner agreed to.

        :raises WrongAgency: if there is none of that name in the project
        """
        path = f"/users/{self._context.user_id}/application_credentials"
        try:
            listed = self._keystone.json("GET", path, params={"name": agency})
        except (rest.Refused, rest.DelegationEnded) as error:
            reason = f" that this token may see ({error.details['reason']})"
            raise WrongAgency(agency=agency, project_id=project_id, reason=reason) from None
        named = [each for each in listed["application_credentials"] if each["name"] == agency]
        found = [each for each in named if each["project_id"] == project_id]
        if not found:
            reason = f" (that of project {named[0]['project_id']} is for that one)" if named else ""
            raise WrongAgency(agency=agency, project_id=project_id, reason=reason)
        return tuple(sorted(str(role["name"]) for role in found[0]["roles"]))

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
