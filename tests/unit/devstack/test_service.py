# SPDX-License-Identifier: Apache-2.0
import pytest
from pocket_cloud.errors import PocketError
from pocket_cloud.service import Service, Step, digest

VALUES = {"home": "/h", "port_x": "1234"}


def ready(_cloud):
    return ""


def test_command_and_environment_are_templates():
    service = Service(
        "x", "run --port ${port_x} --name 'a b'", ready, environment={"HOME": "${home}/x"}
    )
    assert service.argv(VALUES) == ["run", "--port", "1234", "--name", "a b"]
    assert service.variables(VALUES) == {"HOME": "/h/x"}


def test_own_names_may_use_the_cloud_s():
    service = Service("x", "run", ready, extra={"url": "http://${port_x}"})
    assert service.names(VALUES) == {**VALUES, "url": "http://1234"}


def test_an_unknown_name_is_reported_with_the_service():
    with pytest.raises(PocketError, match="x: no value for"):
        Service("x", "run ${nothing}", ready).argv(VALUES)


def test_rewording_a_step_does_not_do_it_again_but_a_new_version_does():
    assert Step("x", command="a").fingerprint() == Step("x", command="b").fingerprint()
    assert Step("x", version="1").fingerprint() != Step("x", version="2").fingerprint()


def test_a_digest_knows_where_one_text_ends():
    assert digest("ab", "c") != digest("a", "bc")
