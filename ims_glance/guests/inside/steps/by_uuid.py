# SPDX-License-Identifier: Apache-2.0
"""File systems by their UUID, in fstab, crypttab and the boot loader: ``/dev/sda1`` is ``/dev/vda1`` on virtio.

Sources: fstab(5), crypttab(5). A device of a disk that is not in the image gets ``nofail``, as AWS does, so that a
server starts without it.
"""

import re

from ims_glance.guests.inside.steps import kernel_line
from ims_glance.guests.inside.steps.kernel_line import DEFAULTS, KernelChange
from ims_glance.guests.inside.steps.step import Work

_FSTAB, _CRYPTTAB = "/etc/fstab", "/etc/crypttab"
_PLAIN = re.compile(r"/dev/(?:sd|hd|vd|xvd)(?P<disk>[a-z])(?P<part>\d{0,3})")
_LINK = re.compile(r"/dev/disk/by-(?:id|path)/\S{1,200}?-part(?P<part>\d{1,3})")
_OWN_DISK = "a"
_UUID = re.compile(r"[0-9A-Fa-f-]{4,36}")
_MOST_LINES = 500
_ANY_TYPE = frozenset({"auto", "none", "swap"})
_ROOT = re.compile(r"root=(/dev/\S+)")
_OFF = re.compile(r"^\s*GRUB_DISABLE_(?:LINUX_)?UUID\s*=\s*[\"']?true.*", re.MULTILINE)


def run(work: Work) -> None:
    """Name file systems by their UUID."""
    _table(work, _FSTAB, 0, 2)
    _table(work, _CRYPTTAB, 1, None)
    _loader(work)


def _table(work: Work, path: str, device: int, kind: int | None) -> None:
    text = work.tree.text(path)
    if text is None:
        return
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        work.deeds.leave(f"{path} has {len(lines)} lines.", "Name file systems by UUID in it.")
        return
    new = "\n".join(_line(work, path, line, device, kind) for line in lines)
    if new != text:
        work.tree.write(path, new)


def _line(work: Work, path: str, line: str, device: int, kind: int | None) -> str:
    fields = line.split()
    if not fields or fields[0].startswith("#") or len(fields) <= device:
        return line
    name = fields[device]
    if _PLAIN.fullmatch(name) is None and _LINK.fullmatch(name) is None:
        return line
    uuid = _uuid(work, name, fields[kind] if kind is not None and len(fields) > kind else "auto")
    if uuid is not None:
        work.deeds.done.append(f"{path}: {name} is UUID={uuid}.")
        return _with(line, device, f"UUID={uuid}")
    has_options = kind is not None and len(fields) > kind + 1
    is_own_root = len(fields) > 1 and fields[1] in ("/", "/usr")
    if not has_options or is_own_root or "nofail" in fields[3].split(","):
        return line
    work.deeds.done.append(f"{path}: nothing waits for {name}, which is not in the image.")
    return _with(line, 3, f"{fields[3]},nofail")


def _with(line: str, field: int, text: str) -> str:
    """A line with something else in one of its fields, wherever else in it the same is written."""
    found = [*re.finditer(r"\S+", line)][field]
    return f"{line[: found.start()]}{text}{line[found.end() :]}"


def _uuid(work: Work, name: str, kind: str) -> str | None:
    """The UUID of a device that the guest names; ``None`` if it is not on this disk, or something else is there."""
    plain = _PLAIN.fullmatch(name)
    linked = _LINK.fullmatch(name)
    part = (plain or linked)["part"]  # type: ignore[index]
    if plain is not None and plain["disk"] != _OWN_DISK:
        return None
    device = f"/dev/sda{part}"
    g = work.tree.g
    try:
        has, uuid = g.vfs_type(device), g.vfs_uuid(device)
    except RuntimeError:
        return None
    is_it = kind in _ANY_TYPE or has.startswith(kind[:3]) or kind.startswith(has[:3])
    return uuid if is_it and _UUID.fullmatch(uuid) else None


def _loader(work: Work) -> None:
    tree = work.tree
    instead = {}
    for line in kernel_line.lines(tree)[:100]:
        for name in _ROOT.findall(line):
            uuid = _uuid(work, name, "auto") if _PLAIN.fullmatch(name) else None
            if uuid is not None:
                instead[f"root={name}"] = f"root=UUID={uuid}"
    changed = kernel_line.edit(tree, KernelChange(instead=instead)) if instead else []
    if changed:
        work.deeds.done.append(f"{', '.join(changed)}: {', '.join(instead.values())}.")
    text = tree.text(DEFAULTS)
    if text is not None and _OFF.search(text):
        tree.write(DEFAULTS, _OFF.sub("# \\g<0>", text))
        work.deeds.done.append(f"{DEFAULTS}: UUIDs are not turned off any more.")
