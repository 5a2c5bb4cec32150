# SPDX-License-Identifier: Apache-2.0
"""``up``, ``down`` and ``clean``."""

import shutil
import threading

from pocket_cloud import access, actions, catalog, packages, plan, process, procfs, setup
from pocket_cloud.catalog import console
from pocket_cloud.cloud import Cloud
from pocket_cloud.plan import Node, Progress
from pocket_cloud.service import Service

# What "clean" removes: all that "up" and "test" make, except what they installed.
DATA = ("data", "documentation", "etc", "images", "logs", "run", "stamps")
DATA_FILES = ("state.json", "passwords.json", "clouds.yaml", "openrc-*")
# Of demos that were killed.
DATA_FOLDERS = "ims-demo-*"

_LEFTOVER_GRACE = 3.0


def nodes(
    cloud: Cloud, is_light: bool, abort: threading.Event, has_console: bool = True
) -> list[Node]:
    """The plan of ``up``."""
    steps = [
        Node(step.name, step.needs, actions.step_action(cloud, step))
        for step in setup.steps(is_light, has_console)
    ]
    services = [
        Node(service.name, service.needs, actions.service_action(cloud, service, abort))
        for service in catalog.services(is_light, has_console)
    ]
    return steps + services


def up(cloud: Cloud, is_light: bool, has_console: bool = True) -> None:
    """Bring the cloud up, or complete it.

    :param has_console: whether Horizon belongs to it; the light one has none

    :raises StepFailed: with the name of what failed and the end of its log.
    """
    progress = Progress()
    if is_light and _is_full_running(cloud):
        progress("light", "is part of the full cloud, which runs")
        is_light = False
    packages.ensure(cloud, is_light, progress)
    cloud.remember(profile="light" if is_light else "full", console="yes" if has_console else "no")
    if not has_console:
        # Of an earlier one that was with it.
        _stop_wave(cloud, [console.HORIZON], progress)
    for service in catalog.services(is_light, has_console):
        # Steps read the files of services that are not up yet.
        actions.write_files(cloud, service)
    access.write(cloud)
    abort = threading.Event()
    plan.run(nodes(cloud, is_light, abort, has_console), progress, abort)
    progress("pocket cloud", "is up")
    if cloud.has_console:
        print(access.console(cloud), flush=True)


def _is_full_running(cloud: Cloud) -> bool:
    light = {service.name for service in catalog.services(is_light=True)}
    return any(
        process.running(cloud, service.name)
        for service in catalog.services(is_light=False)
        if service.name not in light
    )


def down(cloud: Cloud) -> None:
    """Stop everything, the last started first; at the end nothing of the cloud runs."""
    progress = Progress()
    for wave in waves(catalog.services(is_light=False)):
        _stop_wave(cloud, wave, progress)
    for member in process.members(cloud):
        progress("leftover", procfs.command(member.pid)[:100])
        process.stop([member], _LEFTOVER_GRACE)
    progress("pocket cloud", "is down")


def clean(cloud: Cloud, is_all: bool) -> None:
    """Stop everything and remove the data; with *is_all* the Python environment too."""
    down(cloud)
    for name in DATA:
        shutil.rmtree(cloud.path(name), ignore_errors=True)
    for pattern in DATA_FILES:
        for path in cloud.home.glob(pattern):
            path.unlink()
    for path in cloud.home.glob(DATA_FOLDERS):
        shutil.rmtree(path, ignore_errors=True)
    if is_all:
        shutil.rmtree(cloud.home)


def waves(services: tuple[Service, ...]) -> list[list[Service]]:
    """Services in groups that are stopped together, in this order.

    First all that nothing stands on, then the foundations, those that need others before those
    others. (What a step needs, who needs the step needs too.)
    """
    needs = {step.name: step.needs for step in setup.steps(is_light=False)}
    needs |= {service.name: service.needs for service in services}
    depth: dict[str, int] = {}
    for name in plan.ordered(needs):
        depth[name] = 1 + max((depth[need] for need in needs[name]), default=0)
    last_first = sorted(services, key=lambda service: depth[service.name], reverse=True)
    groups: dict[int, list[Service]] = {}
    for service in last_first:
        groups.setdefault(depth[service.name] if service.is_foundation else 0, []).append(service)
    first = groups.pop(0, [])
    return [first, *groups.values()]


def _stop_wave(cloud: Cloud, wave: list[Service], progress: Progress) -> None:
    for service in wave:
        if service.before_stop:
            service.before_stop(cloud)
    found = {s.name: p for s in wave if (p := process.running(cloud, s.name))}
    killed = process.stop(found.values(), max(service.grace for service in wave))
    for name, stopped in found.items():
        progress(name, "killed" if stopped in killed else "stopped")
    for service in wave:
        process.pid_file(cloud, service.name).unlink(missing_ok=True)
