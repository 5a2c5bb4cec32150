# SPDX-License-Identifier: Apache-2.0
"""Where the programs of the service begin: they are there after an installation of the client, too."""

import importlib
import importlib.metadata
import re
import sys
import warnings
from typing import Any

_DISTRIBUTION = "ims_glance"
_EXTRA = "service"
# So many of the missing packages are told by name.
_NAMED = 3
_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")


def manage() -> Any:
    """``ims-manage``: what :func:`ims_glance.cmd.manage.main` does."""
    return _run("manage")


def worker() -> Any:
    """``ims-worker``: what :func:`ims_glance.cmd.worker.main` does."""
    return _run("worker")


def status() -> Any:
    """``ims-status``: what :func:`ims_glance.cmd.status.main` does."""
    return _run("status")


def _run(name: str) -> Any:
    if not sys.warnoptions:
        # What libraries of Glance say to their developers is no result of ours.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    try:
        module = importlib.import_module(f"ims_glance.cmd.{name}")
    except ImportError:
        absent = _absent()
        if not absent:
            # All is there, so something else is wrong with it.
            raise
        more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
        print(
            f"ims-{name}: the service is not installed here, which needs "
            f"{', '.join(absent[:_NAMED])}{more}: "
            f"pip install '{_DISTRIBUTION}[{_EXTRA}]' where Glance runs",
            file=sys.stderr,
        )
        return 1
    return module.main()


def _absent() -> list[str]:
    """The distributions of the extra that are not installed."""
    declared = importlib.metadata.requires(_DISTRIBUTION) or []
    wanted = [line for line in declared if re.search(rf"extra *== *.{_EXTRA}\b", line)]
    return [name for name in map(_name, wanted) if not _is_installed(name)]


def _name(requirement: str) -> str:
    found = _REQUIREMENT.match(requirement)
    return found[0] if found else requirement


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
