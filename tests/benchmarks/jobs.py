# SPDX-License-Identifier: Apache-2.0
"""How quickly a job is accepted, on the pocket cloud, as tenant ``demo`` in RegionOne."""

import contextlib
import http.client
import json
import math
import secrets
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.benchmarks.harness import Figure, note
from tests.cloud import client_shell, login, pocket

CALLERS = 20
# For each caller in a turn: few, for the workers run what was accepted on the same processors.
REQUESTS = 5
TURNS = 5
_PATIENCE = 300.0


def accept() -> list[Figure]:
    """p99 of the answer to ``batch_add_members`` ÷ p99 of ``GET /v2/images/{id}``.

    20 callers each at once, in turns; the workers are idle again before each turn. Once they are frozen while jobs are
    accepted, as if they had processors of their own, and once they begin what was accepted beside it.
    """
    return [
        _accepted("workers elsewhere", "≤ 2", held=True),
        _accepted("workers on the same processors", "≤ 4", held=False),
    ]


def _accepted(title: str, must: str, *, held: bool) -> Figure:
    native: list[float] = []
    accepted: list[float] = []
    conn, other = login.connect("demo"), login.connect("other")
    with client_shell.image(conn, f"benchmark-{secrets.token_hex(4)}") as image_id:
        show = ("GET", f"/v2/images/{image_id}", None)
        body = json.dumps({"images": [image_id], "projects": [other.current_project_id]})
        share = ("POST", "/v1/cloudimages/members", body)
        for turn in range(TURNS + 1):
            shown = _turn(conn, *show)
            with _workers_frozen() if held else contextlib.nullcontext():
                shared = _turn(conn, *share)
            _workers_idle(conn)
            name = "warm-up" if turn == 0 else turn
            note(f"  {name}: GET {_p99(shown):.0f} ms, job {_p99(shared):.0f} ms")
            if turn:
                native += shown
                accepted += shared
    return Figure(
        f"accepting a job, p99 under {CALLERS} concurrent callers ÷ native "
        f"`GET /v2/images/{{id}}` p99 likewise, {title}",
        must,
        f"{_p99(accepted) / _p99(native):.2f} ({_p99(accepted):.0f} ÷ {_p99(native):.0f} ms)",
    )


@contextlib.contextmanager
def _workers_frozen() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for worker in ("ims-worker-one", "ims-worker-one-b"):
            stack.enter_context(pocket.frozen(worker))
        yield


def _turn(conn: Any, method: str, path: str, body: str | None) -> list[float]:
    """Milliseconds that each of the requests of all callers takes."""
    place = urllib.parse.urlsplit(conn.image.get_endpoint())
    headers = {"X-Auth-Token": conn.auth_token, "Content-Type": "application/json"}

    def call(_caller: int) -> list[float]:
        took = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.read()
            took.append(1000 * (time.perf_counter() - began))
            assert response.status == http.HTTPStatus.OK, answer
            connection.close()
        return took

    with ThreadPoolExecutor(CALLERS) as callers:
        return [one for took in callers.map(call, range(CALLERS)) for one in took]


def _workers_idle(conn: Any) -> None:
    """Wait until no job of the project is unfinished."""
    place = urllib.parse.urlsplit(conn.image.get_endpoint())
    path = f"{place.scheme}://{place.netloc}/v1/{conn.current_project_id}/jobs"
    until = time.monotonic() + _PATIENCE
    for status in ("INIT", "RUNNING"):
        while conn.image.get(path, params={"status": status, "limit": 1}).json()["jobs"]:
            assert time.monotonic() < until, "the jobs do not end"
            time.sleep(0.5)


def _p99(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]
