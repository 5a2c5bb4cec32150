# SPDX-License-Identifier: Apache-2.0
"""A console on the serial line, which ``openstack console log show`` shows; systemd logs in there by itself."""

import re

from ims_glance.guests.inside.steps import kernel_line
from ims_glance.guests.inside.steps.kernel_line import KernelChange
from ims_glance.guests.inside.steps.step import Work

_LINES = {"aarch64": "ttyAMA0"}
_DEFAULT = "ttyS0"
_INITTAB = "/etc/inittab"
_OFF = re.compile(r"^#\s*(ttyS0::respawn:/sbin/getty .*)", re.MULTILINE)


def run(work: Work) -> None:
    """Have the kernel write to the serial line too."""
    line = _LINES.get(work.guest.arch or "", _DEFAULT)
    known = kernel_line.lines(work.tree)
    if any(f"console={line}" not in each for each in known):
        wanted = KernelChange(add=("console=tty0", f"console={line},115200n8"))
        if any(f"console={line}" in each for each in known):
            # Some have one, with the speed that the owner chose.
            wanted = KernelChange(add=(_chosen(known, line),))
        changed = kernel_line.edit(work.tree, wanted)
        if changed:
            work.deeds.done.append(f"{', '.join(changed)}: console={line}.")
    text = work.tree.text(_INITTAB)
    if text is not None and _OFF.search(text):
        work.tree.write(_INITTAB, _OFF.sub(r"\1", text))
        work.deeds.done.append(f"{_INITTAB}: a login on {_DEFAULT}.")


def _chosen(known: list[str], line: str) -> str:
    words = [word for each in known for word in each.split()]
    return next(word for word in words if word.startswith(f"console={line}"))
