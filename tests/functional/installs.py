# SPDX-License-Identifier: Apache-2.0
"""What ``pip install`` would bring, without a network: a view of the libraries that are here.

The view holds links to the files of just those distributions that an installation requires, by
their own metadata, and of no others. So what imports there is declared.
"""

import functools
import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

OURS = "ims-glance"


def required(metadata: importlib.metadata.Distribution, extras: Iterable[str]) -> set[str]:
    """Names of the distributions that an installation needs, and what they need, and so on.

    :param metadata: of the wheel that is installed
    :param extras: that are asked for
    :raises importlib.metadata.PackageNotFoundError: if one of them is not here
    :raises AssertionError: if one is here in a version that is not allowed
    """
    done: set[tuple[str, str]] = set()
    waiting = [(OURS, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        found = metadata if name == OURS else importlib.metadata.distribution(name)
        for need in _needs(found, extra):
            other = _canonical(need.name)
            if other != OURS:
                version = importlib.metadata.version(other)
                assert need.specifier.contains(version, prereleases=True), f"{name}: {need}"
            waiting += [(other, each) for each in ("", *need.extras)]
    return {name for name, _extra in done} - {OURS}


def _needs(found: importlib.metadata.Distribution, extra: str) -> Iterator[Requirement]:
    for line in found.requires or []:
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            yield need


def view(folder: Path, names: set[str]) -> None:
    """Fill *folder* with links to the files of the distributions *names*."""
    wanted: dict[PurePosixPath, Path] = {}
    foreign: set[PurePosixPath] = set()
    for name, files, folders in _installed():
        if name in names:
            wanted.update(files)
        else:
            foreign |= folders
    linked: set[PurePosixPath] = set()
    for file, path in wanted.items():
        # As much at once as belongs to none of the others.
        above = [*reversed(file.parents)][1:]
        top = next((each for each in above if each not in foreign), file)
        if top not in linked:
            linked.add(top)
            link = folder / top
            link.parent.mkdir(parents=True, exist_ok=True)
            below = len(file.parts) - len(top.parts)
            link.symlink_to(path.parents[below - 1] if below else path)


@functools.cache
def _installed() -> list[tuple[str, dict[PurePosixPath, Path], set[PurePosixPath]]]:
    """What is here: names of distributions, their files, and the folders that these lie in.

    Kept, since there are a hundred thousand files.
    """
    installed = []
    for found in importlib.metadata.distributions():
        files = {file: Path(str(found.locate_file(file))) for file in _files(found)}
        folders = {each for file in files for each in file.parents}
        installed.append((_canonical(found.metadata["Name"]), files, folders))
    return installed


def _files(found: importlib.metadata.Distribution) -> Iterator[PurePosixPath]:
    for file in found.files or []:
        if ".." not in file.parts and "__pycache__" not in file.parts and file.suffix != ".pth":
            yield PurePosixPath(file)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
