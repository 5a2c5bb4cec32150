# SPDX-License-Identifier: Apache-2.0
"""``status``: what runs, seen from the outside."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pocket_cloud import access, catalog, guests, process
from pocket_cloud.cloud import Cloud
from pocket_cloud.service import Service

_TAIL = 8


@dataclass(frozen=True)
class State:
    """How one service is; *memory* is in bytes, *pid* 0 when there is no process."""

    name: str
    condition: str
    """``up``, ``down`` (not started or stopped), ``crashed``, ``not ready``."""
    pid: int
    memory: int
    ports: tuple[int, ...]
    log: str
    reason: str = ""

    @property
    def is_up(self) -> bool:
        return self.condition == "up"


def examine(cloud: Cloud, service: Service) -> State:
    """Look at one service: its process first, and only if that lives, its answer."""
    recorded = process.recorded(cloud, service.name)
    alive = recorded is not None and recorded[0].is_alive
    pid = recorded[0].pid if recorded and alive else 0
    condition, reason = ("crashed" if recorded else "down"), ""
    if alive:
        reason = service.probe(cloud)
        condition = "not ready" if reason else "up"
    return State(
        name=service.name,
        condition=condition,
        pid=pid,
        memory=process.memory(pid) if pid else 0,
        ports=tuple(cloud.ports[name] for name in service.ports),
        log=str(cloud.log(service.name)),
        reason=reason,
    )


def states(cloud: Cloud) -> list[State]:
    """All services of the profile, in the order of the catalogue."""
    services = catalog.services(cloud.is_light, cloud.has_console)
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda service: examine(cloud, service), services))


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest entry; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def services_table(found: list[State]) -> list[str]:
    """The table of services, and their memory together."""
    rows: list[tuple[str, ...]] = [("SERVICE", "STATE", "PID", "MEMORY", "PORT", "LOG")]
    for state in found:
        rows.append(
            (
                state.name,
                state.condition,
                str(state.pid or "-"),
                f"{state.memory / 2**20:.0f} MiB" if state.pid else "-",
                ",".join(map(str, state.ports)) or "-",
                state.log,
            )
        )
    total = sum(state.memory for state in found)
    up = sum(state.is_up for state in found)
    return [*table(rows), f"{up} of {len(found)} up, {total / 2**30:.1f} GiB"]


def report(cloud: Cloud) -> tuple[str, bool]:
    """The whole report, and whether everything is up."""
    found = states(cloud)
    lines = [f"profile {cloud.state.get('profile', 'none (never up)')} in {cloud.home}"]
    lines += [f"{region}: image service {url}" for region, url in access.image_urls(cloud).items()]
    if cloud.has_console:
        lines.append(access.console(cloud))
    if not cloud.is_light:
        kind = cloud.state.get("virt_type", "not known yet")
        why = cloud.state.get("virt_reason", "no probe so far")
        lines.append(f"hypervisor {kind} ({why}), {len(guests.running(cloud))} guests running")
    lines += ["", *services_table(found)]
    for state in found:
        if state.condition == "crashed":
            log = process.tail(cloud.log(state.name), _TAIL)
            lines += ["", f"{state.name} is gone; the end of {state.log}:", log]
        elif state.reason:
            lines += ["", f"{state.name}: {state.reason}"]
    return "\n".join(lines), all(state.is_up for state in found)
