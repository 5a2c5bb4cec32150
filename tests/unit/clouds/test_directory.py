# SPDX-License-Identifier: Apache-2.0
"""Projects by their exact names; tests/cloud/test_client_shares.py has the real Keystone."""

import pytest
from oslo_config import cfg

from ims_glance.clouds import rest
from ims_glance.clouds.directory import NoDirectory, ProjectDirectory, of_process
from ims_glance.clouds.identity import IdentityUnavailable
from tests.unit import job_database


class Keystone:
    """It has projects, or an error."""

    def __init__(self, projects=(), error=None):
        self._projects, self._error = projects, error

    def json(self, method, path, params):
        """A list by name, as a database may have it that does not tell capitals from others."""
        assert (method, path, params["enabled"]) == ("GET", "/projects", "true")
        if self._error:
            raise self._error
        wanted = params["name"].lower(), params["domain_id"]
        found = [
            each for each in self._projects if (each["name"].lower(), each["domain"]) == wanted
        ]
        return {"projects": found}


def directory(enabled=True, **keystone):
    conf = job_database.configuration(None)
    conf.set_override("enabled", enabled, group="ims_signature")
    made = ProjectDirectory(conf)
    vars(made)["_keystone"] = Keystone(**keystone)
    return made


def project(project_id, name, domain="d"):
    return {"id": project_id, "name": name, "domain": domain}


def test_a_name_is_exact_and_of_one_domain():
    there = directory(projects=[project("1", "Web"), project("2", "web"), project("3", "api", "e")])
    assert there.find("web", "d") == "2"
    assert there.find("api", "d") is None
    assert there.find("api", "e") == "3"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (rest.Refused(403, "IMG.0026", "Identity", "no"), NoDirectory),
        (rest.TokenEnded(service="Identity", reason="no"), IdentityUnavailable),
        (IdentityUnavailable(reason="away"), IdentityUnavailable),
    ],
)
def test_nobody_may_look(error, told):
    with pytest.raises(told):
        directory(error=error).find("web", "d")


def test_without_a_user_who_may_nobody_looks():
    with pytest.raises(NoDirectory, match="give that"):
        directory(enabled=False).find("web", "d")


def test_a_process_has_one_for_each_configuration() -> None:
    first, second = cfg.ConfigOpts(), cfg.ConfigOpts()
    assert of_process(first) is of_process(first)
    assert of_process(first) is not of_process(second)
