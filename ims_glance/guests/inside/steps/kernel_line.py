# SPDX-License-Identifier: Apache-2.0
"""The arguments of the kernel, in the files of boot loaders and of what writes these anew.

The files are changed as text: running ``update-grub`` of a guest takes half a minute where there is no
virtualization, and says less of what it does. Sources: GRUB's manual (grub.cfg, ``/etc/default/grub``, grubenv of 1024 bytes),
the Boot Loader Specification (``options``), Syslinux (``APPEND``), Alpine's update-extlinux.conf.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from ims_glance.guests.inside.tree import Tree

_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_SETTING = re.compile(
    r"^(?P<head>\s*GRUB_CMDLINE_LINUX(?P<which>_DEFAULT)?=)(?P<quote>[\"']?)(?P<line>.*?)(?P=quote)\s*\Z"
)
_ALPINE = re.compile(
    r"^(?P<head>default_kernel_opts=)(?P<quote>[\"']?)(?P<line>.*?)(?P=quote)\s*\Z"
)
# Before the arguments of the kernel stands the kernel.
_GRUB = re.compile(r"^(?P<head>\s*(?:linux(?:16|efi)?|kernel)\s+\S+)(?P<line>(?:\s.*)?)\Z")
_BLS = re.compile(r"^(?P<head>options)(?P<line>\s.*)\Z")
_APPEND = re.compile(r"^(?P<head>\s*append)(?P<line>\s.*)\Z", re.IGNORECASE)
_KERNELOPTS = re.compile(r"^(?P<head>kernelopts=)(?P<line>.*)\Z")
_MOST_WORDS = 200
_ENV_SIZE = 1024

_GRUB_CFG = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")
_GRUB_ONE = ("/boot/grub/menu.lst", "/boot/grub/grub.conf")
_EXTLINUX = ("/boot/extlinux.conf", "/boot/extlinux/extlinux.conf", "/extlinux.conf")
_ENV = ("/boot/grub2/grubenv",)
_EFI = "/boot/efi/EFI"
DEFAULTS = "/etc/default/grub"


@dataclasses.dataclass(frozen=True)
class KernelChange:
    """A change of a kernel's arguments.

    :ivar add: arguments that are to be there
    :ivar drop: those that go; the whole argument
    :ivar instead: arguments and what stands in their place
    """

    add: tuple[str, ...] = ()
    drop: re.Pattern[str] | None = None
    instead: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def changed(self, line: str, *, is_whole: bool = True) -> str:
        """Arguments after the change; the very same text if there is nothing to change.

        :param is_whole: whether these are all arguments: what is added is added here
        """
        words = _WORD.findall(line)
        if len(words) > _MOST_WORDS:
            return line
        kept = [
            self.instead.get(word, word)
            for word in words
            if self.drop is None or self.drop.fullmatch(word) is None
        ]
        if is_whole:
            kept += [word for word in self.add if word not in kept]
        return line if kept == words else " ".join(kept)


def edit(tree: Tree, change: KernelChange) -> list[str]:
    """Change the arguments in all files that have some.

    :returns: paths of the files that changed
    """
    found = []
    for path, text in _files(tree):
        new = _edited(path, text, change)
        if new != text:
            tree.write(path, new)
            found.append(path)
    return found


def lines(tree: Tree) -> list[str]:
    """The arguments of each kernel that the boot loader starts."""
    found = []
    for path, text in _files(tree):
        pattern = _pattern(path)
        matches = [pattern.match(line) for line in text.split("\n")]
        found += [match["line"].strip() for match in matches if match]
    return found


def _files(tree: Tree) -> Iterator[tuple[str, str]]:
    efi = [
        path for folder in tree.names(_EFI) for path in (f"{folder}/grub.cfg", f"{folder}/grubenv")
    ]
    fixed = (
        DEFAULTS, "/etc/update-extlinux.conf", "/etc/kernel/cmdline",
        *_GRUB_CFG, *_GRUB_ONE, *_EXTLINUX, *_ENV,
    )  # fmt: skip
    for path in (*fixed, *efi, *tree.names("/boot/loader/entries", ".conf")):
        text = tree.text(path)
        if text is not None:
            yield path, text


def _pattern(path: str) -> re.Pattern[str]:
    if path == "/etc/kernel/cmdline":
        return re.compile(r"^(?P<head>)(?P<line>.*\S.*)\Z")
    if path.endswith("grubenv"):
        return _KERNELOPTS
    if path.startswith("/boot/loader/"):
        return _BLS
    if path in _EXTLINUX:
        return _APPEND
    return {DEFAULTS: _SETTING, "/etc/update-extlinux.conf": _ALPINE}.get(path, _GRUB)


def _edited(path: str, text: str, change: KernelChange) -> str:
    pattern = _pattern(path)
    new = "\n".join(_line(pattern, line, change) for line in text.split("\n"))
    if path == DEFAULTS and change.add and "\nGRUB_CMDLINE_LINUX=" not in f"\n{new}":
        new = f'{new.rstrip()}\nGRUB_CMDLINE_LINUX="{" ".join(change.add)}"\n'
    if path.endswith("grubenv") and new != text:
        # A block of a fixed size, filled up with "#".
        new = new.rstrip("#").ljust(_ENV_SIZE, "#")
        return new if len(new) == _ENV_SIZE else text
    return new


def _line(pattern: re.Pattern[str], line: str, change: KernelChange) -> str:
    match = pattern.match(line)
    if match is None or "$kernelopts" in line:
        return line
    named = match.groupdict()
    new = change.changed(named["line"].strip(), is_whole=not named.get("which"))
    if new == named["line"].strip():
        return line
    quote = named.get("quote")
    if quote is not None:
        mark = quote or '"'
        return f"{named['head']}{mark}{new}{mark}"
    blank = "" if named["head"].endswith("=") or not named["head"] else " "
    return f"{named['head']}{blank}{new}"
