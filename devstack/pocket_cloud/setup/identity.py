# SPDX-License-Identifier: Apache-2.0
"""Keystone's keys and first administrator; then projects, users, roles and the catalogue."""

from dataclasses import dataclass
from typing import Any

from pocket_cloud import rest
from pocket_cloud.cloud import Cloud
from pocket_cloud.service import Step, digest

MARKET = "ims_market"
REGION_NAMES = {"one": "RegionOne", "two": "RegionTwo"}


@dataclass(frozen=True)
class User:
    """A user, its project, its roles there and on the system; the password is ``password_<name>``.

    :ivar other_project: in which it has the role ``member``, too
    """

    name: str
    project: str
    roles: tuple[str, ...]
    system_roles: tuple[str, ...] = ()
    other_project: str | None = None


USERS = (
    User("demo", "demo", ("member", "reader")),
    User("other", "other", ("member", "reader")),
    # No administrator: who can read every key would prove nothing about keys.
    User("glance", "service", ("service",)),
    # What the marketplace sells is the service's own.
    User("ims", "service", ("service", "ims_service"), other_project=MARKET),
    # Reads the secrets of access keys, and may ask for tokens with them; no more than that.
    User("ims_signature", "service", (), system_roles=("reader", "service")),
    # Reads the servers of all projects, for bills.
    User("ims_usage", "service", ("admin",)),
    User("barbican", "service", ("service",)),
    User("placement", "service", ("service",)),
    User("neutron", "service", ("service", "admin")),
    User("nova", "service", ("service", "admin")),
    User("cinder", "service", ("service", "admin")),
    User("radosgw", "service", ("service", "admin")),
)

# Type, name, region, port, path.
ENDPOINTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("identity", "keystone", "one", "keystone", "/v3"),
    ("identity", "keystone", "two", "keystone", "/v3"),
    ("image", "glance", "one", "glance_one", ""),
    ("image", "glance", "two", "glance_two", ""),
    ("key-manager", "barbican", "one", "barbican", ""),
    ("key-manager", "barbican", "two", "barbican", ""),
    ("placement", "placement", "one", "placement", ""),
    ("network", "neutron", "one", "neutron", ""),
    ("compute", "nova", "one", "nova", "/v2.1"),
    ("block-storage", "cinder", "one", "cinder", "/v3"),
    ("object-store", "radosgw", "one", "radosgw", "/swift/v1/AUTH_%(project_id)s"),
)


class Directory:
    """Keystone's resources; ``ensure`` finds one by its name or makes it."""

    def __init__(self, cloud: Cloud) -> None:
        self._url = cloud.url("keystone", "/v3")
        self._keystone = rest.Session(self._url, "admin", cloud.secrets["password_admin"], "admin")
        self._known: dict[str, dict[str, str]] = {}

    def _list(self, collection: str) -> list[dict[str, Any]]:
        answer = self._keystone("GET", f"{self._url}/{collection}")
        found: list[dict[str, Any]] = answer[collection]
        return found

    def ensure(self, collection: str, name: str, **fields: object) -> str:
        """The id of the resource with this name."""
        if collection not in self._known:
            self._known[collection] = {i["name"]: i["id"] for i in self._list(collection)}
        known = self._known[collection]
        if name not in known:
            single = collection.removesuffix("s")
            body = {single: {"name": name, **fields}}
            made = self._keystone("POST", f"{self._url}/{collection}", body)
            known[name] = made[single]["id"]
        return known[name]

    def grant(self, project: str, user: str, role: str) -> None:
        """Give a user a role in a project, all by id."""
        self._keystone("PUT", f"{self._url}/projects/{project}/users/{user}/roles/{role}")

    def grant_on_system(self, user: str, role: str) -> None:
        """Give a user a role on the whole of the cloud, both by id."""
        self._keystone("PUT", f"{self._url}/system/users/{user}/roles/{role}")

    def endpoint(self, service: str, region: str, url: str) -> None:
        """The public, internal and admin address of a service in a region."""
        query = f"endpoints?service_id={service}&region_id={region}"
        known = self._keystone("GET", f"{self._url}/{query}")["endpoints"]
        have = {entry["interface"] for entry in known if entry["url"] == url}
        for interface in {"public", "internal", "admin"} - have:
            body = {"service_id": service, "region_id": region, "interface": interface, "url": url}
            self._keystone("POST", f"{self._url}/endpoints", {"endpoint": body})

    def region(self, name: str) -> None:
        """A region."""
        if name not in {entry["id"] for entry in self._list("regions")}:
            self._keystone("POST", f"{self._url}/regions", {"region": {"id": name}})

    def ec2_key(self, user: str, project: str, access: str, secret: str) -> None:
        """A key pair for S3."""
        known = self._keystone("GET", f"{self._url}/users/{user}/credentials/OS-EC2")
        if access not in {entry["access"] for entry in known["credentials"]}:
            blob = f'{{"access": "{access}", "secret": "{secret}"}}'
            body = {"type": "ec2", "user_id": user, "project_id": project, "blob": blob}
            self._keystone("POST", f"{self._url}/credentials", {"credential": body})


def _resources(cloud: Cloud) -> None:
    directory = Directory(cloud)
    for user in USERS:
        project = directory.ensure("projects", user.project, domain_id="default")
        password = cloud.secrets[f"password_{user.name}"]
        created = directory.ensure(
            "users", user.name, password=password, default_project_id=project, domain_id="default"
        )
        for role in user.roles:
            directory.grant(project, created, directory.ensure("roles", role))
        if user.other_project is not None:
            other = directory.ensure("projects", user.other_project, domain_id="default")
            directory.grant(other, created, directory.ensure("roles", "member"))
        for role in user.system_roles:
            directory.grant_on_system(created, directory.ensure("roles", role))
        if user.name == "glance":
            directory.ec2_key(
                created, project, cloud.secrets["ec2_access"], cloud.secrets["ec2_secret"]
            )
    for region in REGION_NAMES.values():
        directory.region(region)
    for kind, name, region, port, path in ENDPOINTS:
        service = directory.ensure("services", name, type=kind)
        directory.endpoint(service, REGION_NAMES[region], cloud.url(port, path))


_KEYSTONE = "keystone-manage --config-file ${etc}/keystone/keystone.conf"

STEPS = (
    Step(
        "keystone-keys",
        command=f"""
            mkdir -p ${{data}}/keystone
            {_KEYSTONE} fernet_setup --keystone-user root --keystone-group root
            {_KEYSTONE} credential_setup --keystone-user root --keystone-group root
        """,
    ),
    Step(
        "keystone-bootstrap",
        needs=("keystone-database", "keystone-keys"),
        command=_KEYSTONE
        + " bootstrap --bootstrap-password ${password_admin} --bootstrap-region-id RegionOne",
    ),
    Step(
        "identity-resources",
        needs=("keystone",),
        function=_resources,
        version=digest(repr(USERS), repr(ENDPOINTS)),
    ),
)
