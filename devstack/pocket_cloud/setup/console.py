# SPDX-License-Identifier: Apache-2.0
"""Horizon's scripts and styles, gathered into one folder."""

from pocket_cloud import template
from pocket_cloud.cloud import CHECKOUT
from pocket_cloud.service import Step, digest

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings",
    "PYTHONPATH": "${etc}/horizon",
}
# Their versions: a step is done again when they change, or the settings.
_PINNED = [
    line
    for line in (CHECKOUT / "devstack/pocket_cloud/constraints.txt").read_text().splitlines()
    if line.lower().startswith(("django", "horizon", "xstatic"))
]

FILES = {
    "horizon/local/__init__.py": "horizon-local-init",
    "horizon/local/local_settings.py": "horizon-local-settings",
}


def _template(name: str) -> str:
    return (template.FOLDER / name).read_text()


STEPS = (
    Step(
        "horizon-static",
        command="""
            django-admin collectstatic --noinput --verbosity 0
            django-admin compress --force --verbosity 0
        """,
        environment=ENVIRONMENT,
        is_patient=True,
        version=digest(repr(_PINNED), *map(_template, FILES.values())),
    ),
)
