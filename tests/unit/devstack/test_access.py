# SPDX-License-Identifier: Apache-2.0
import stat
import subprocess

import pytest
import yaml
from pocket_cloud import access
from pocket_cloud.errors import PocketError


def test_clouds_yaml(cloud):
    clouds = yaml.safe_load(access.clouds_yaml(cloud))["clouds"]
    assert sorted(clouds) == ["admin", "admin-two", "demo", "demo-two", "other", "other-two"]
    assert clouds["demo-two"]["region_name"] == "RegionTwo"
    assert clouds["demo"]["auth"]["password"] == cloud.secrets["password_demo"]
    assert clouds["other"]["auth"]["project_name"] == "other"


@pytest.mark.parametrize("user", access.USERS)
def test_openrc_is_understood_by_a_shell(cloud, user):
    script = access.openrc(cloud, user) + 'echo "$OS_USERNAME $OS_AUTH_URL ${PATH%%:*}"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout.split() == [user, cloud.url("keystone", "/v3"), str(cloud.venv / "bin")]


def test_an_unknown_user_is_named(cloud):
    with pytest.raises(PocketError, match="no user mallory: there are admin, demo, other"):
        access.openrc(cloud, "mallory")


def test_the_files_are_for_their_owner_alone(cloud):
    access.write(cloud)
    names = ["clouds.yaml", "openrc-admin", "openrc-demo", "openrc-other"]
    modes = {stat.S_IMODE(cloud.path(name).stat().st_mode) for name in names}
    assert modes == {0o600}


def test_where_the_console_is(cloud):
    shown = access.console(cloud)
    assert f":{cloud.ports['horizon']}/project/ims/ " in shown
    assert cloud.secrets["password_demo"] not in shown
