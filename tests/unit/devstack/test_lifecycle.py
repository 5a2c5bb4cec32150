# SPDX-License-Identifier: Apache-2.0
import threading

import pytest
from pocket_cloud import access, actions, catalog, lifecycle, packages, plan, process, setup


@pytest.mark.parametrize("is_light", [True, False])
def test_the_plan_is_complete_and_has_no_circle(cloud, is_light):
    nodes = lifecycle.nodes(cloud, is_light, threading.Event())
    assert len({node.name for node in nodes}) == len(nodes)
    order = plan.ordered({node.name: node.needs for node in nodes})
    assert order.index("mariadb") < order.index("keystone") < order.index("identity-resources")


def reaches(name, needs):
    found: set[str] = set()
    waiting = list(needs[name])
    while waiting:
        found.add(need := waiting.pop())
        waiting += needs[need]
    return found


def test_nothing_is_stopped_before_what_stands_on_it():
    services = catalog.services(is_light=False)
    waves = lifecycle.waves(services)
    assert sorted(s.name for wave in waves for s in wave) == sorted(s.name for s in services)
    number = {service.name: index for index, wave in enumerate(waves) for service in wave}
    needs = {step.name: step.needs for step in setup.steps(is_light=False)}
    needs |= {service.name: service.needs for service in services}
    foundations = [service.name for service in services if service.is_foundation]
    wrong = [
        (service.name, base)
        for service in services
        for base in foundations
        if base in reaches(service.name, needs) and number[service.name] >= number[base]
    ]
    assert wrong == []


def test_guests_go_after_nova_and_before_their_disks():
    """Else Nova takes them for shut down by their owner, or they hang on a disk that is gone."""
    waves = lifecycle.waves(catalog.services(is_light=False))
    number = {service.name: index for index, wave in enumerate(waves) for service in wave}
    assert number["nova-compute"] < number["libvirtd"] < number["ceph-osd"]


@pytest.mark.parametrize("has_console", [True, False])
def test_a_console_that_is_not_wanted_any_more_is_stopped(cloud, monkeypatch, has_console):
    stopped = []
    for module, name in (
        (packages, "ensure"),
        (actions, "write_files"),
        (access, "write"),
        (plan, "run"),
    ):
        monkeypatch.setattr(module, name, lambda *_: None)
    monkeypatch.setattr(access, "console", lambda _cloud: "console")
    monkeypatch.setattr(process, "running", lambda _cloud, name: name)

    def stop(found, _grace):
        stopped.extend(found)
        return []

    monkeypatch.setattr(process, "stop", stop)
    lifecycle.up(cloud, is_light=False, has_console=has_console)
    assert stopped == ([] if has_console else ["horizon"])


def test_cleaning_leaves_the_environment_and_strangers(cloud):
    for name in ("data/a", "etc/b", "logs/c.log", "ims-demo-1/d", "venv/bin/python", "mine/notes"):
        path = cloud.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    cloud.remember(profile="light")
    lifecycle.clean(cloud, is_all=False)
    assert sorted(path.name for path in cloud.home.iterdir()) == ["mine", "venv"]
    lifecycle.clean(cloud, is_all=True)
    assert not cloud.home.exists()
