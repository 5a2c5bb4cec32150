# SPDX-License-Identifier: Apache-2.0
"""What a node of the plan does: bring a service up, or do a step that has not been done."""

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pocket_cloud import namespace, process, procfs, template
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import StepFailed
from pocket_cloud.service import Service, Step, digest

_POLL = 0.25
_RECOVERY = 15.0
# The kernel takes a moment to close what a killed process had open.
_RELEASE = 3.0


def write_files(cloud: Cloud, service: Service) -> str:
    """Write the configuration of a service.

    :returns: a fingerprint of what it says.
    """
    values = service.names(cloud.values)
    texts = []
    for target, source in service.files.items():
        if "/" in source:
            text = Path(template.fill(source, values, service.name)).read_text()
        else:
            text = template.render(source, values)
        template.write(cloud.path("etc", target), text)
        texts.append(text)
    _remove_unknown(cloud, service)
    for folder in service.folders:
        cloud.path("data", folder).mkdir(parents=True, exist_ok=True)
    return digest(*texts)


def _remove_unknown(cloud: Cloud, service: Service) -> None:
    """Drop-in files are read because they are there: one of another profile must go."""
    targets = {cloud.path("etc", target) for target in service.files}
    for folder in {target.parent for target in targets if target.parent.name.endswith(".conf.d")}:
        for path in set(folder.iterdir()) - targets:
            path.unlink()


def fingerprint(cloud: Cloud, service: Service, files: str) -> str:
    """Changes when the service has to be restarted to be what the catalogue says."""
    code = []
    for folder in service.watches:
        for path in sorted(Path(template.fill(folder, cloud.values)).rglob("*.py")):
            found = path.stat()
            code.append(f"{path}:{found.st_mtime_ns}:{found.st_size}")
    environment = sorted(service.variables(cloud.values).items())
    return digest(files, repr(service.argv(cloud.values)), repr(environment), *code)


def service_action(cloud: Cloud, service: Service, abort: threading.Event) -> Callable[[], str]:
    """Bring a service up: leave it, start it, or restart it if it is to be another now.

    :param abort: when it is set, waiting has become pointless.
    """

    def action() -> str:
        begin = time.monotonic()
        mark = fingerprint(cloud, service, write_files(cloud, service))
        verb = "started"
        found = process.recorded(cloud, service.name)
        if found and found[0].is_alive:
            if found[1] == mark and _recovers(cloud, service, abort):
                return ""
            process.stop([found[0]], service.grace)
            verb = "restarted"
        elif found:
            verb = "had crashed, started again"
        _start(cloud, service, mark, abort)
        return f"{verb}, ready in {time.monotonic() - begin:.1f} s"

    return action


def _recovers(cloud: Cloud, service: Service, abort: threading.Event) -> bool:
    """Whether a running service answers, given some time: what it needs may have just come back."""
    deadline = time.monotonic() + _RECOVERY
    while service.probe(cloud):
        if time.monotonic() > deadline or abort.wait(_POLL):
            return False
    return True


def _start(cloud: Cloud, service: Service, mark: str, abort: threading.Event) -> None:
    _refuse_taken_ports(cloud, service)
    argv = service.argv(cloud.values)
    if service.is_private:
        argv = namespace.wrap(cloud, argv)
    child = process.start(cloud, service.name, argv, service.variables(cloud.values), mark)
    deadline = time.monotonic() + service.patience
    why = "no probe yet"
    while child.poll() is None:
        why = service.probe(cloud)
        # The process first: an answer may come from somebody else who has the port.
        if not why and child.poll() is None:
            return
        if time.monotonic() > deadline:
            raise _failure(cloud, service.name, f"not ready after {service.patience:.0f} s: {why}")
        if abort.wait(_POLL):
            raise StepFailed(service.name, "given up, because something else failed")
    raise _failure(cloud, service.name, f"ended with exit code {child.returncode}")


def _refuse_taken_ports(cloud: Cloud, service: Service) -> None:
    """Some servers end without a word when their port is taken, and another one would answer."""
    ports = {cloud.ports[name] for name in service.ports}
    deadline = time.monotonic() + _RELEASE
    while taken := [entry for entry in procfs.listeners() if entry.port in ports]:
        if time.monotonic() > deadline:
            owner = procfs.owner(taken[0])
            reason = f"port {taken[0].port} is taken by {owner}; another POCKET_PORT would do"
            raise StepFailed(service.name, reason)
        time.sleep(_POLL)


def _failure(cloud: Cloud, name: str, reason: str) -> StepFailed:
    log = cloud.log(name)
    return StepFailed(name, f"{reason}; the end of {log}:", process.tail(log))


def step_action(cloud: Cloud, step: Step) -> Callable[[], str]:
    """Do a step, unless its stamp says that it has been done."""
    stamp = cloud.path("stamps", step.name)

    def action() -> str:
        begin = time.monotonic()
        mark = step.fingerprint()
        if not step.is_repeated and stamp.exists() and stamp.read_text() == mark:
            return ""
        if step.command:
            _command(cloud, step)
        if step.function:
            step.function(cloud)
        template.write(stamp, mark)
        return "" if step.is_repeated else f"done in {time.monotonic() - begin:.1f} s"

    return action


def _command(cloud: Cloud, step: Step) -> None:
    values = cloud.values
    extra = {name: template.fill(text, values) for name, text in step.environment.items()}
    nice = ["nice", "-n", "10"] if step.is_patient else []
    log = cloud.log(step.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        result = subprocess.run(
            [*nice, "/bin/sh", "-e", "-c", template.fill(step.command, values, step.name)],
            env=process.clean_environment(cloud, extra),
            cwd=cloud.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
    if result.returncode:
        raise _failure(cloud, step.name, f"failed with exit code {result.returncode}")
