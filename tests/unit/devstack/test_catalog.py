# SPDX-License-Identifier: Apache-2.0
"""What holds for every service."""

from collections import Counter

import pytest
from pocket_cloud import actions, catalog, template
from pocket_cloud.cloud import CHECKOUT, Cloud

EVERY = {service.name: service for service in (*catalog.LIGHT, *catalog.FULL)}.values()


@pytest.fixture
def real(tmp_path):
    """A cloud that has this checkout's own files; those of the environment are made up."""
    cloud = Cloud(home=tmp_path / "home", venv=tmp_path / "venv", checkout=CHECKOUT)
    for project in ("glance/glance-api", "nova/api", "neutron/api"):
        path = cloud.venv / "etc" / f"{project}-paste.ini"
        path.parent.mkdir(parents=True)
        path.touch()
    return cloud


@pytest.mark.parametrize("is_light", [True, False])
def test_names_and_ports_are_used_once(is_light):
    services = catalog.services(is_light)
    ports = Counter(port for service in services for port in service.ports)
    assert [port for port, times in ports.items() if times > 1] == []
    assert len({service.name for service in services}) == len(services)


def test_light_is_a_part_of_full():
    names = {service.name for service in catalog.FULL}
    assert {service.name for service in catalog.LIGHT} < names


@pytest.mark.parametrize("service", EVERY, ids=lambda service: service.name)
def test_everything_can_be_filled_in(real, service):
    values = real.values
    assert service.argv(values)
    assert service.variables(values).keys() == service.environment.keys()
    actions.write_files(real, service)
    for target in service.files:
        assert real.path("etc", target).exists()


@pytest.mark.parametrize("is_light", [True, False])
def test_no_two_services_want_a_different_file_at_one_place(real, is_light):
    texts: dict[str, str] = {}
    for service in catalog.services(is_light):
        actions.write_files(real, service)
        for target in service.files:
            text = real.path("etc", target).read_text()
            assert texts.setdefault(target, text) == text


def test_every_template_is_used():
    used = {source for service in EVERY for source in service.files.values()}
    # Rendered by a step, once for each of Ceph's users.
    used.add("ceph.keyring")
    unused = {path.name for path in template.FOLDER.iterdir()} - used
    assert [name for name in unused if not name.startswith("guest-")] == []


@pytest.mark.parametrize("path", sorted(template.FOLDER.iterdir()), ids=lambda path: path.name)
def test_no_template_names_an_address_of_the_world(path):
    for word in ("0.0.0.0", "[::]", "bind_host = *"):
        assert word not in path.read_text()
