# SPDX-License-Identifier: Apache-2.0
"""What a service and a set-up step are: plain values, put together in ``catalog`` and ``setup``."""

import hashlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pocket_cloud import template
from pocket_cloud.cloud import Cloud

# Says why the service is not ready yet, or "" when it is. It is only asked while the process lives.
Probe = Callable[[Cloud], str]


@dataclass(frozen=True)
class Service:
    """A process that runs as long as the cloud does.

    ``command``, ``environment`` and the files' targets are templates, see :mod:`template`.
    """

    name: str
    command: str
    probe: Probe
    needs: tuple[str, ...] = ()
    """Names of services that must be ready and of steps that must be done."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path below ``etc`` -> name of a template, or (with a ``/``) of a file to copy."""
    folders: tuple[str, ...] = ()
    """Folders below ``data`` that have to be there."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Names for its own templates, on top of the cloud's."""
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    patience: float = 90.0
    """Seconds from the start to the first good answer of the probe."""
    grace: float = 5.0
    """Seconds from SIGTERM to SIGKILL."""
    is_foundation: bool = False
    """Whether others lose their footing without it: it is stopped after all that are not."""
    is_private: bool = False
    """Whether it gets a view of the file system with our folders in the place of libvirt's."""
    before_stop: Callable[[Cloud], None] | None = None
    """What has to go first."""
    watches: tuple[str, ...] = ()
    """Folders (templates) whose Python files it has loaded: when one changes, it is restarted."""

    def names(self, values: Mapping[str, str]) -> dict[str, str]:
        """The cloud's names and its own."""
        own = {name: template.fill(text, values, self.name) for name, text in self.extra.items()}
        return {**values, **own}

    def argv(self, values: Mapping[str, str]) -> list[str]:
        """The command line."""
        return shlex.split(template.fill(self.command, values, self.name))

    def variables(self, values: Mapping[str, str]) -> dict[str, str]:
        """The environment it gets on top of the common one."""
        return {
            name: template.fill(text, values, self.name) for name, text in self.environment.items()
        }


@dataclass(frozen=True)
class Step:
    """Something done once per cloud (or, with ``is_repeated``, at every ``up``).

    Either a ``command`` (a template, run through the shell) or a function.
    """

    name: str
    needs: tuple[str, ...] = ()
    command: str = ""
    function: Callable[[Cloud], None] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    is_patient: bool = False
    """Whether it steps aside for those that more is waiting for."""
    is_repeated: bool = False
    version: str = ""
    """Whatever, when it changes, makes a step be done again; it must bear that."""

    def fingerprint(self) -> str:
        """What its stamp says. Not its text: making a store anew because a word changed loses it."""
        return digest(self.version)


def digest(*parts: str) -> str:
    """A short fingerprint of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
