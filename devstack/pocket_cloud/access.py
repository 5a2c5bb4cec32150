# SPDX-License-Identifier: Apache-2.0
"""How to reach the cloud: ``clouds.yaml`` and ``openrc``."""

import shlex

from pocket_cloud import template
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError

USERS = ("admin", "demo", "other")
REGIONS = {"": "RegionOne", "-two": "RegionTwo"}


def clouds_yaml(cloud: Cloud) -> str:
    """Entries admin, demo, other for RegionOne and admin-two, demo-two, other-two for RegionTwo."""
    entries = [
        f"""  {user}{suffix}:
    auth:
      auth_url: {cloud.url("keystone", "/v3")}
      username: {user}
      password: {cloud.secrets[f"password_{user}"]}
      project_name: {user}
      user_domain_name: Default
      project_domain_name: Default
    region_name: {region}
    identity_api_version: 3
"""
        for user in USERS
        for suffix, region in REGIONS.items()
    ]
    return "clouds:\n" + "".join(entries)


def openrc(cloud: Cloud, user: str) -> str:
    """Shell exports of a user.

    :raises PocketError: if there is no such user.
    """
    if user not in USERS:
        raise PocketError(f"no user {user}: there are {', '.join(USERS)}")
    variables = {
        "OS_AUTH_URL": cloud.url("keystone", "/v3"),
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": user,
        "OS_PASSWORD": cloud.secrets[f"password_{user}"],
        "OS_PROJECT_NAME": user,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": "RegionOne",
        "OS_CLIENT_CONFIG_FILE": str(cloud.path("clouds.yaml")),
    }
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    return "".join(lines) + f'export PATH={shlex.quote(str(cloud.venv / "bin"))}:"$PATH"\n'


def image_urls(cloud: Cloud) -> dict[str, str]:
    """The image service of each region."""
    return {"RegionOne": cloud.url("glance_one"), "RegionTwo": cloud.url("glance_two")}


def console(cloud: Cloud) -> str:
    """Where the console is, and who may log in."""
    # Not by number: its cookies are not those of another server at that address.
    address = f"http://localhost:{cloud.ports['horizon']}/project/ims/"
    return f"console: {address} as demo or other, whose passwords 'devstack/pocket openrc USER' has"


def write(cloud: Cloud) -> None:
    """Write ``clouds.yaml`` and one ``openrc-<user>`` each into the home."""
    template.write(cloud.path("clouds.yaml"), clouds_yaml(cloud))
    for user in USERS:
        template.write(cloud.path(f"openrc-{user}"), openrc(cloud, user))
