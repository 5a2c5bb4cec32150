# SPDX-License-Identifier: Apache-2.0
"""How long the console takes for a page of a list, beside Horizon's own page for images.

In a Horizon of this process's own, with the pocket cloud's settings: Horizon's page is the one that is made by
Django, and a page has as many images as there are.
"""

import json
import os
import re
import statistics
import subprocess
import sys
from typing import Any
from unittest import mock

from tests.benchmarks import listing
from tests.benchmarks.harness import Figure, in_turns, median_ratio, note, seconds
from tests.cloud import login, pocket

IMAGES = 100
_PAGES = ("/project/images/", "/project/ims/")


def page() -> list[Figure]:
    """Seconds of the list page ÷ those of Horizon's own, warm; and how often the APIs are asked for it."""
    with listing.project() as conn, listing.images(conn.current_project_id, IMAGES):
        auth = login.region("demo").config["auth"]
        asked = {name: auth[name] for name in ("username", "password")}
        horizon = {
            "DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings",
            "PYTHONPATH": os.pathsep.join((str(pocket.HOME / "etc" / "horizon"), *sys.path)),
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", __name__],
            input=json.dumps({**asked, "project_id": conn.current_project_id}),
            env={**os.environ, **horizon},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout)
    theirs, ours = found["seconds"]
    return [
        Figure(
            f"list page of {IMAGES} images, warm, server time ÷ Horizon's own Django images page",
            "≤ 1.0",
            f"{median_ratio(ours, theirs):.2f} ({statistics.median(ours):.2f} ÷ "
            f"{statistics.median(theirs):.2f} s)",
        ),
        Figure(
            "requests to the APIs for it, besides those that Horizon sends around every page",
            "≤ 3",
            f"{found['requests'][1]} (Horizon's own: {found['requests'][0]})",
        ),
    ]


class _Horizon:
    """Somebody who is logged in to a Horizon in this process."""

    def __init__(self, asked: dict[str, str]) -> None:
        import django  # noqa: PLC0415
        from django import test  # noqa: PLC0415
        from django.conf import settings  # noqa: PLC0415

        settings.ANGULAR_FEATURES = {**settings.ANGULAR_FEATURES, "images_panel": False}
        settings.API_RESULT_PAGE_SIZE = IMAGES
        django.setup()
        self._client = test.Client(SERVER_NAME="localhost")
        fields = {name: asked[name] for name in ("username", "password")} | {"region": "default"}
        self._go("post", "/auth/login/", fields)
        self._go("get", f"/auth/switch/{asked['project_id']}/?next=/project/")

    def look(self, path: str) -> None:
        """A page, which has to have all images."""
        content = self._client.get(path).content.decode()
        found = set(re.findall(r"image (\d{5})", content))
        assert len(found) == IMAGES, f"{path} has {len(found)} images"

    def _go(self, method: str, path: str, *arguments: Any) -> None:
        answer = getattr(self._client, method)(path, *arguments)
        assert answer.status_code == 302, f"{path}: {answer.status_code}"


def _measure() -> None:
    import requests  # noqa: PLC0415

    horizon = _Horizon(json.load(sys.stdin))
    sent: list[str] = []
    send = requests.Session.send

    def counted(session: Any, request: Any, **options: Any) -> Any:
        sent.append(request.url)
        return send(session, request, **options)

    theirs, ours = (lambda _turn, path=path: seconds(lambda: horizon.look(path)) for path in _PAGES)
    found = in_turns(theirs, ours, pairs=9)
    asked: list[list[str]] = []
    with mock.patch.object(requests.Session, "send", counted):
        for path in _PAGES:
            sent.clear()
            horizon.look(path)
            asked.append([*sent])
            note("\n  ".join([path, *sent]))
    # What Horizon asks for around every page: projects, regions, what Cinder and Neutron can do.
    frame = set(asked[0]) & set(asked[1])
    counts = [len([url for url in each if url not in frame]) for each in asked]
    print(json.dumps({"seconds": found, "requests": counts}))


if __name__ == "__main__":
    _measure()
