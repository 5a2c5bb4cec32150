# SPDX-License-Identifier: Apache-2.0
"""What the console needs of Horizon's settings."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
ENABLED = str(_HERE / "enabled")
DEFAULT_POLICY = str(_HERE / "conf" / "ims_default_policy.yaml")
# Beside Horizon's own: an operator's changes to it, if there are any.
POLICY = "ims_policy.yaml"


def extend(settings: MutableMapping[str, Any]) -> None:
    """Add the console to Horizon.

    :param settings: of ``local_settings.py``: its ``globals()``
    """
    from openstack_dashboard import defaults  # noqa: PLC0415  # only Horizon has it
    from openstack_dashboard.local import enabled  # noqa: PLC0415

    for name, path in (("POLICY_FILES", POLICY), ("DEFAULT_POLICY_FILES", DEFAULT_POLICY)):
        settings[name] = {"ims": path, **settings.get(name, getattr(defaults, name))}
    if ENABLED not in enabled.__path__:
        enabled.__path__.append(ENABLED)
