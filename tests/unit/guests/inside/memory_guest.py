# SPDX-License-Identifier: Apache-2.0
"""A guest whose disk is a dictionary: what of libguestfs is used, with the answers that the real one gives."""

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

GIB = 1 << 30


class MemoryGuest:
    """Files by path; folders are where files are.

    :ivar files: path -> content
    :ivar links: path -> target
    :ivar room: mount point -> free bytes and inodes
    :ivar commands: arguments of each program that was run
    :ivar programs: name of a program -> what it does; others are not there
    """

    def __init__(self, files: Mapping[str, str | bytes] | None = None, **asked: Any) -> None:
        self.files: dict[str, bytes] = {}
        for path, content in (files or {}).items():
            self.files[path] = content.encode() if isinstance(content, str) else content
        self.links: dict[str, str] = {}
        self.modes: dict[str, int] = {}
        self.labels: dict[str, bytes] = {}
        self.room: dict[str, tuple[int, int]] = {}
        self.uuids: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self.commands: list[list[str]] = []
        self.programs: dict[str, Callable[[list[str]], Any]] = {}
        self.mounted: list[tuple[str, str]] = []
        self.events: list[str] = []
        self.is_read_only = False
        self.asked = asked

    # Inspection, and disks.
    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith(("inspect_", "part_", "list_", "pread_device")):
            raise AttributeError(name)

        def answer(*arguments: Any) -> Any:
            if name not in self.asked:
                raise RuntimeError(f"{name}: not known")
            said = self.asked[name]
            return said(*arguments) if callable(said) else said

        return answer

    def vfs_uuid(self, device: str) -> str:
        if device not in self.types and device not in self.uuids:
            raise RuntimeError(f"vfs_uuid: {device}: No such file or directory")
        return self.uuids.get(device, "")

    def vfs_type(self, device: str) -> str:
        if device not in self.types:
            raise RuntimeError(f"vfs_type: {device}: No such file or directory")
        return self.types[device]

    def mount(self, device: str, mountpoint: str) -> None:
        if device in self.asked.get("broken", ()):
            raise RuntimeError("mount: wrong fs type, bad option, bad superblock")
        self.mounted.append((device, mountpoint))

    mount_ro = mount

    def umount_all(self) -> None:
        self.mounted.clear()

    def statvfs(self, path: str) -> dict[str, int]:
        free, inodes = self.room.get(path, (GIB, 10_000))
        return {
            "bsize": 4096,
            "frsize": 4096,
            "bavail": free // 4096,
            "files": 65536,
            "favail": inodes,
        }

    def fstrim(self, mountpoint: str) -> None:
        self.events.append(f"fstrim {mountpoint}")

    def e2fsck(self, device: str, correct: bool = False, forceall: bool = False) -> None:
        self.events.append(f"e2fsck {device}")
        if device in self.asked.get("damaged", ()):
            raise RuntimeError("e2fsck: errors left uncorrected")

    def xfs_repair(self, device: str, nomodify: bool = False) -> int:
        self.events.append(f"xfs_repair {device}")
        return 1 if device in self.asked.get("damaged", ()) else 0

    def sync(self) -> None:
        self.events.append("sync")

    # Files.
    def _real(self, path: str) -> str:
        for _ in range(8):
            for link in self.links:
                if path == link or path.startswith(f"{link}/"):
                    target = posixpath.join(posixpath.dirname(link), self.links[link])
                    path = posixpath.normpath(target + path[len(link) :])
                    break
            else:
                return path
        raise RuntimeError("Too many levels of symbolic links")

    def is_file(self, path: str, followsymlinks: bool = False) -> bool:
        return (self._real(path) if followsymlinks else path) in self.files

    def is_dir(self, path: str, followsymlinks: bool = False) -> bool:
        real = self._real(path) if followsymlinks else path
        return any(name.startswith(f"{real.rstrip('/')}/") for name in [*self.files, *self.links])

    def is_symlink(self, path: str) -> bool:
        return path in self.links

    def readlink(self, path: str) -> str:
        return self.links[path]

    def exists(self, path: str) -> bool:
        return self.is_file(path, followsymlinks=True) or self.is_dir(path, followsymlinks=True)

    def realpath(self, path: str) -> str:
        return self._real(path)

    def case_sensitive_path(self, path: str) -> str:
        for name in self.files:
            parts = name.split("/")
            for length in range(2, len(parts) + 1):
                if "/".join(parts[:length]).lower() == path.lower():
                    return "/".join(parts[:length])
        raise RuntimeError(f"case_sensitive_path: {path}: no such file")

    def filesize(self, path: str) -> int:
        return len(self.files[self._real(path)])

    def statns(self, path: str) -> dict[str, int]:
        return {"st_size": 32 * len(self.ls(path))}

    def ls(self, folder: str) -> list[str]:
        start = f"{self._real(folder).rstrip('/')}/"
        inside = [
            name[len(start) :] for name in [*self.files, *self.links] if name.startswith(start)
        ]
        return sorted({name.split("/")[0] for name in inside})

    def glob_expand(self, pattern: str) -> list[str]:
        # A star ends at a slash, and finds nothing hidden, as in a shell.
        words = (re.escape(part) for part in re.split(r"(\*|\[!\.\])", pattern))
        stars = {re.escape("*"): "[^/]*", re.escape("[!.]"): "[^/.]"}
        wanted = re.compile("".join(stars.get(each, each) for each in words))
        names = [*self.files, *self.links]
        found = {"/".join(name.split("/")[: pattern.count("/") + 1]) for name in names}
        return sorted(
            each if each in names else f"{each}/" for each in found
            if wanted.fullmatch(each)
            and not any(
                a.startswith(".") > b.startswith(".")
                for a, b in zip(each.split("/"), pattern.split("/"), strict=True)
            )
        )  # fmt: skip

    def grep(self, regex: str, path: str) -> list[str]:
        if path not in self.files:
            raise RuntimeError(f"grep: {path}: No such file or directory")
        wanted = re.compile(regex.replace(r"\(", "(").replace(r"\|", "|").replace(r"\)", ")"))
        return [line for line in self.files[path].decode().splitlines() if wanted.search(line)]

    def pread(self, path: str, count: int, offset: int) -> bytes:
        return self.files[self._real(path)][offset : offset + count]

    def _writes(self) -> None:
        if self.is_read_only:
            raise RuntimeError("Read-only file system")

    def write(self, path: str, content: bytes) -> None:
        self._writes()
        self.files[self._real(path)] = content

    def upload(self, filename: str, remotefilename: str) -> None:
        with open(filename, "rb") as opened:
            self.write(remotefilename, opened.read())

    def mkdir_p(self, path: str) -> None:
        self._writes()

    def mkdtemp(self, tmpl: str) -> str:
        return tmpl.replace("XXXXXX", "abcdef")

    def chmod(self, mode: int, path: str) -> None:
        self.modes[path] = mode

    def cp_a(self, src: str, dest: str) -> None:
        self._writes()
        self.files[dest] = self.files[src]

    def mv(self, src: str, dest: str) -> None:
        self._writes()
        if src in self.links:
            self.links[dest] = self.links.pop(src)
        else:
            self.files[dest] = self.files.pop(src)

    def rm(self, path: str) -> None:
        self._writes()
        if path in self.links:
            del self.links[path]
        elif path in self.files:
            del self.files[path]
        else:
            raise RuntimeError(f"rm: {path}: No such file or directory")

    def rm_rf(self, path: str) -> None:
        for name in list(self.files):
            if name == path or name.startswith(f"{path}/"):
                del self.files[name]

    def truncate(self, path: str) -> None:
        self.write(path, b"")

    def ln_sf(self, target: str, linkname: str) -> None:
        self.links[linkname] = target

    def lgetxattr(self, path: str, name: str) -> bytes:
        if path not in self.labels:
            raise RuntimeError("lgetxattr: No data available")
        return self.labels[path]

    def lsetxattr(self, xattr: str, val: str, vallen: int, path: str) -> None:
        self.labels[path] = val.encode()

    # Programs.
    def command(self, arguments: list[str]) -> str:
        # Of what is run by the tree only the program itself is of interest.
        own = arguments[arguments.index("ims") + 1 :] if "ims" in arguments else arguments
        self.commands.append(own)
        name = posixpath.basename(own[0])
        if name not in self.programs:
            raise RuntimeError(f"{own[0]}: not found")
        return self.programs[name](own) or ""

    def text(self, path: str) -> str:
        return self.files[path].decode()


class MemoryHive:
    """A registry hive: keys are dictionaries whose values are ``(type, bytes)`` or keys."""

    def __init__(self, keys: dict[str, Any]) -> None:
        self.keys = keys
        self.commits = 0
        self._nodes: list[Any] = [None]

    def _node(self, thing: Any) -> int:
        self._nodes.append(thing)
        return len(self._nodes) - 1

    def hivex_open(self, filename: str, write: bool = False, unsafe: bool = False) -> None: ...

    def hivex_close(self) -> None: ...

    def hivex_commit(self, filename: str | None) -> None:
        self.commits += 1

    def hivex_root(self) -> int:
        return self._node(("", self.keys))

    def _child(self, node: int, name: str, is_key: bool) -> Any:
        for known, value in self._nodes[node][1].items():
            if known.lower() == name.lower() and isinstance(value, dict) == is_key:
                return known, value
        return None

    def hivex_node_get_child(self, node: int, name: str) -> int:
        found = self._child(node, name, is_key=True)
        return self._node(found) if found else 0

    def hivex_node_add_child(self, node: int, name: str) -> int:
        self._nodes[node][1][name] = {}
        return self.hivex_node_get_child(node, name)

    def hivex_node_children(self, node: int) -> list[dict[str, Any]]:
        keys = [pair for pair in self._nodes[node][1].items() if isinstance(pair[1], dict)]
        return [{"hivex_node_h": self._node(pair)} for pair in keys]

    def hivex_node_name(self, node: int) -> str:
        return str(self._nodes[node][0])

    def hivex_node_get_value(self, node: int, name: str) -> int:
        found = self._child(node, name, is_key=False)
        return self._node(found) if found else 0

    def hivex_node_values(self, node: int) -> list[dict[str, Any]]:
        values = [pair for pair in self._nodes[node][1].items() if not isinstance(pair[1], dict)]
        return [{"hivex_value_h": self._node(pair)} for pair in values]

    def hivex_node_set_value(self, node: int, name: str, kind: int, value: bytes) -> None:
        found = self._child(node, name, is_key=False)
        self._nodes[node][1][found[0] if found else name] = (kind, value)

    def hivex_value_key(self, value: int) -> str:
        return str(self._nodes[value][0])

    def hivex_value_value(self, value: int) -> bytes:
        return bytes(self._nodes[value][1][1])

    def hivex_value_type(self, value: int) -> int:
        return int(self._nodes[value][1][0])
