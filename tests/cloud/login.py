# SPDX-License-Identifier: Apache-2.0
"""Logging in to the cloud that is tested: the pocket cloud, or the one that the environment names.

It is named as for the ``openstack`` command, with an administrator's openrc or ``OS_CLOUD``.
``devstack/pocket test`` looks at neither.
"""

import base64
import copy
import os
import secrets
from pathlib import Path
from typing import Any

import openstack
import yaml
from openstack import config as openstack_config
from pocket_cloud.cloud import Cloud

IS_ELSEWHERE = bool(os.environ.get("OS_CLOUD") or os.environ.get("OS_AUTH_URL"))
"""Whether another cloud than the pocket cloud is tested."""
clouds = Cloud.from_environment().path("clouds.yaml")
"""The credentials of the tests' users; ``tenants.of_this_process`` has its own for a while."""


_KEPT = ("auth_type", "region_name", "interface", "identity_api_version", "verify", "cacert")
# Not the project's id, nor the user's: the tests' users have names of their own.
_KEPT_OF_AUTH = ("auth_url", "username", "password", "project_name")
_DOMAINS = ("user_domain_name", "user_domain_id", "project_domain_name", "project_domain_id")


def users() -> dict[str, dict[str, Any]]:
    """The users of a ``clouds.yaml``: ``admin``, ``demo``, ``other``; on the pocket cloud also those
    of its second region. Elsewhere all are the administrator at first.
    """
    if not IS_ELSEWHERE:
        found: dict[str, dict[str, Any]] = yaml.safe_load(clouds.read_text())["clouds"]
        return found
    config = _administrator().config
    auth = {name: config["auth"].get(name) for name in (*_KEPT_OF_AUTH, *_DOMAINS)}
    kept = {name: config.get(name) for name in _KEPT}
    kept["auth"] = {name: value for name, value in auth.items() if value is not None}
    given = {name: value for name, value in kept.items() if value is not None}
    return {name: copy.deepcopy(given) for name in ("admin", "demo", "other")}


def has_service(service_type: str) -> bool:
    """Whether a cloud that is elsewhere has a service."""
    return bool(openstack.connection.Connection(config=_administrator()).has_service(service_type))


def _administrator() -> Any:
    return openstack_config.OpenStackConfig().get_one()


def connect(cloud: str, auth: dict[str, str] | None = None, file: Path | None = None) -> Any:
    """An openstacksdk connection.

    :param cloud: ``admin``, ``demo`` or ``other``, in RegionOne; with ``-two`` behind, in RegionTwo
    :param auth: what is to be different of its credentials
    :param file: where these are, if not in :data:`clouds`
    """
    return openstack.connection.Connection(config=region(cloud, file, auth=auth or {}))


def region(cloud: str, file: Path | None = None, **options: Any) -> Any:
    """openstacksdk's configuration of a user in a region.

    :param file: where the credentials are, if not in :data:`clouds`
    :param options: of ``OpenStackConfig.get_one``
    """
    config = openstack_config.OpenStackConfig(
        config_files=[str(file or clouds)], load_envvars=False
    )
    return config.get_one(cloud, **options)


def project_name(cloud: str) -> str:
    """The name of the project of a user."""
    return str(region(cloud).config["auth"]["project_name"])


def secret_id(secret: Any) -> str:
    """The id of a secret that openstacksdk gave."""
    return str(secret.secret_ref.rpartition("/")[2])


def make_key(cloud: Any) -> str:
    """A new 256-bit AES key of the project; its id."""
    secret = cloud.key_manager.create_secret(
        name="test",
        secret_type="symmetric",
        algorithm="aes",
        bit_length=256,
        payload=base64.b64encode(secrets.token_bytes(32)).decode(),
        payload_content_type="application/octet-stream",
        payload_content_encoding="base64",
    )
    return secret_id(secret)
