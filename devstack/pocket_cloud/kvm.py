# SPDX-License-Identifier: Apache-2.0
"""Whether guests run under KVM here: found out by booting one.

That ``/dev/kvm`` can be opened says little: inside other virtual machines a guest may hang in it.
"""

import os
import selectors
import subprocess
import time
from pathlib import Path

from pocket_cloud import guest
from pocket_cloud.cloud import Cloud

_DEVICE = Path("/dev/kvm")
_PATIENCE = 10.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def decide(cloud: Cloud) -> None:
    """Find out which of ``kvm`` and ``qemu`` Nova is to use, once per boot of this machine."""
    boot = _BOOT_ID.read_text().strip()
    if cloud.state.get("virt_probed") == boot:
        return
    virt_type, reason = probe(guest.build(cloud))
    cloud.remember(virt_type=virt_type, virt_reason=reason, virt_probed=boot)


def probe(disk: Path) -> tuple[str, str]:
    """Boot *disk* under KVM.

    :returns: ``kvm`` or ``qemu``, and why.
    """
    if not _DEVICE.exists():
        return "qemu", f"there is no {_DEVICE}"
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return "qemu", f"{_DEVICE} cannot be opened"
    begin = time.monotonic()
    if boots(disk, "kvm", _PATIENCE):
        return "kvm", f"a guest boots under it in {time.monotonic() - begin:.1f} s"
    return "qemu", f"a guest does not boot under {_DEVICE} within {_PATIENCE:.0f} s"


def boots(disk: Path, accelerator: str, patience: float) -> bool:
    """Whether the guest's last line appears on its serial console within *patience* seconds."""
    command = [
        *("qemu-system-x86_64", "-accel", accelerator, "-m", "128", "-nodefaults", "-no-reboot"),
        *("-display", "none", "-serial", "stdio", "-net", "none", "-snapshot"),
        *("-drive", f"file={disk},format=raw,if=virtio"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as machine:
        try:
            return _says(machine, guest.LAST_LINE.encode(), patience)
        finally:
            machine.kill()


def _says(machine: "subprocess.Popen[bytes]", wanted: bytes, patience: float) -> bool:
    assert machine.stdout is not None
    deadline = time.monotonic() + patience
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(machine.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and wanted not in said:
            if not selector.select(left):
                break
            piece = os.read(machine.stdout.fileno(), 4096)
            if not piece:
                break
            said += piece
    return wanted in said
