# SPDX-License-Identifier: Apache-2.0
"""Imports go down the layers and never up, and never in a circle.

The layers::

    cmd  ->  api, flows -> jobs, guests  ->  db, clouds, store, keys  ->
        model, crypto, transfer, formats, writers, conf  ->  exceptions

and the rooms of ``api``::

    front, ims -> native  ->  common

``client`` is an island, to which ``writers`` belongs as well; ``dashboard`` is another one, beside Horizon, which
asks the client. ``metrics``, which imports nothing of
ours, is below ``keys`` and ``jobs``. ``model``, ``crypto``, ``transfer``, ``formats`` and ``writers`` are
pure: bytes and values in, bytes and values out. The check is a function over a directory, so it is
itself tested on trees made to be wrong.
"""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "ims_glance"

_BOTTOM = {"exceptions"}
_VALUES = {"model", "crypto", "transfer", "formats", "writers", "conf", *_BOTTOM}
_MIDDLE = {"db", "clouds", "store", "keys", "metrics", *_VALUES}

# What each layer may import of ours, besides itself. A layer that is not listed is refused: a new
# one has to say where it belongs. ``api`` has rooms, and each of them is one.
ALLOWED: dict[str, set[str]] = {
    "": set(),
    "exceptions": set(),
    "model": _BOTTOM,
    "crypto": _BOTTOM,
    "transfer": _BOTTOM,
    "formats": _BOTTOM,
    "writers": _BOTTOM,
    "conf": _BOTTOM,
    "metrics": set(),
    "clouds": _VALUES,
    "db": _VALUES,
    "keys": {"clouds", "metrics", *_VALUES},
    "store": {"keys", "clouds", *_VALUES},
    "api": set(),
    "api.common": _MIDDLE,
    "api.market": {"api.common", *_MIDDLE},
    "api.native": {"api.market", "api.common", *_MIDDLE},
    # All that it does to images it asks of the Image API, behind the guard.
    "api.ims": {"api.native", "api.market", "api.common", *_MIDDLE},
    "api.front": {"api.common", *_MIDDLE},
    # It looks into disks, and knows nothing of jobs and images.
    "guests": {"formats", "model", "conf", *_BOTTOM},
    # The table of what there is to do is handed in: jobs run whatever their flows do.
    "jobs": _MIDDLE,
    "flows": {"guests", "jobs", *_MIDDLE},
    "cmd": {"api.ims", "flows", "jobs", *_MIDDLE},
    # It saves images in any format; writers need nothing that is not installed with it.
    "client": {"writers"},
    # Another island, on Horizon's host: it asks the service what everybody may ask.
    "dashboard": {"client"},
}

_WITH_ROOMS = "api"

# The pure layers: nothing here can open, send, wait or log.
PURE_STDLIB = {
    "abc", "array", "base64", "binascii", "bisect", "collections", "copy", "dataclasses", "datetime",
    "decimal", "enum", "fnmatch", "fractions", "functools", "hashlib", "heapq", "hmac", "ipaddress",
    "itertools", "json", "math", "operator", "re", "secrets", "string", "struct", "textwrap",
    "types", "typing", "unicodedata", "uuid", "zlib",
}  # fmt: skip
PURE_THIRD_PARTY: dict[str, set[str]] = {
    "model": set(),
    "crypto": {"cryptography"},
    "transfer": {"blake3", "zstandard"},
    # Of oslo.utils only the format inspector: it is fed with bytes.
    "formats": {"defusedxml", "oslo_utils", "zlib_ng", "zstandard"},
    "writers": {"zstandard"},
}


def _modules(root: Path) -> dict[str, Path]:
    """Every module below *root*/ims_glance by its dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(name: str, path: Path) -> Iterator[str]:
    """The dotted names that module *name* imports, relative ones resolved.

    ``from a import b`` gives ``a.b``: whether b is a module is for the caller to see.
    """
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _own(target: str, modules: dict[str, Path]) -> str | None:
    """The module of ours that an imported name lies in, if any."""
    while target and target not in modules:
        target = target.rpartition(".")[0]
    return target or None


def _layer(module: str) -> str:
    parts = module.split(".")[1:]
    return ".".join(parts[:2] if parts[:1] == [_WITH_ROOMS] else parts[:1])


def _folder(module: str, path: Path) -> str:
    return module if path.name == "__init__.py" else module.rpartition(".")[0]


def _edges(root: Path) -> dict[str, set[str]]:
    """Module -> modules of ours that it imports."""
    modules = _modules(root)
    edges: dict[str, set[str]] = {}
    for name, path in modules.items():
        owned = {_own(target, modules) for target in _imports(name, path)}
        edges[name] = {target for target in owned if target is not None and target != name}
    return edges


def wrong_edges(root: Path) -> list[str]:
    """Imports between layers that the table does not allow, as ``a -> b``."""
    wrong = []
    for name, targets in _edges(root).items():
        allowed = ALLOWED.get(_layer(name))
        for target in sorted(targets):
            inside = _layer(target) == _layer(name)
            if allowed is None or not (inside or _layer(target) in allowed):
                wrong.append(f"{name} -> {target}")
    return wrong


def cycle(root: Path) -> list[str]:
    """The modules of one import circle, or nothing."""
    edges = _edges(root)
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return trail[trail.index(name) :]
        if name in done:
            return []
        for target in sorted(edges[name]):
            if found := visit(target, [*trail, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(edges) if (found := visit(name, []))), [])


def pairs(root: Path) -> list[str]:
    """Folders that import each other, so that neither is the lower one, as ``a <-> b``.

    What lies in each other may: a folder's own module gathers what is below it.
    """
    modules = _modules(root)
    folders = {name: _folder(name, path) for name, path in modules.items()}
    edges = {
        (folders[name], folders[target])
        for name, targets in _edges(root).items()
        for target in targets
    }
    return [
        f"{one} <-> {other}"
        for one, other in sorted(edges)
        if one < other and (other, one) in edges and not other.startswith(f"{one}.")
    ]


def _third_party(root: Path) -> dict[str, set[str]]:
    """Module -> top-level names that it imports from outside of ours."""
    modules = _modules(root)
    return {
        name: {target.split(".")[0] for target in _imports(name, path)} - {PACKAGE}
        for name, path in modules.items()
    }


def impure(root: Path) -> list[str]:
    """Imports of the pure layers that could do input or output, as ``module: name``."""
    found = []
    for name, outside in _third_party(root).items():
        if _layer(name) in PURE_THIRD_PARTY:
            allowed = PURE_STDLIB | PURE_THIRD_PARTY[_layer(name)]
            found += [f"{name}: {other}" for other in sorted(outside - allowed)]
    return found


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"__init__.py": "", **files}.items():
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    return root


def _outside(tree: ast.Module) -> set[str]:
    """The names by which a module calls modules, classes and functions that are not ours."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            theirs = [alias for alias in node.names if not alias.name.startswith(PACKAGE)]
            names |= {(alias.asname or alias.name).split(".")[0] for alias in theirs}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            theirs = [] if (node.module or "").split(".")[0] == PACKAGE else node.names
            names |= {alias.asname or alias.name for alias in theirs}
    return names


def replaced(source: str) -> list[str]:
    """What a module puts in the place of something that another library has."""
    tree = ast.parse(source)
    outside = _outside(tree)
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            found.append(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("setattr", "vars"):
            found += node.args[:1]
    return [ast.unparse(node) for node in found if _root(node) in outside]


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def test_nothing_of_other_libraries_is_replaced() -> None:
    """Glance, and everything in its process, stays as it is installed."""
    found = {name: replaced(path.read_text()) for name, path in _modules(ROOT).items()}
    assert found
    wrong = {name: what for name, what in found.items() if what}
    assert not wrong, wrong


@pytest.mark.parametrize(
    "statement",
    [
        "from glance_store._drivers.swift import utils\nutils.CONFIG = 1",
        "import glance_store.driver\nglance_store.driver.Store.add = print",
        "from glance.api import policy as p\nsetattr(p, 'x', 1)",
        "import sys\nsys.modules['glance'] = 1",
        "import glance\nglance.x: int = 1",
        "import glance\ndef f():\n    glance.x += 1",
    ],
)
def test_a_replacement_is_found(statement: str) -> None:
    assert len(replaced(statement)) == 1


def test_no_edge_goes_up() -> None:
    assert wrong_edges(ROOT) == []


def test_there_is_no_circle() -> None:
    assert cycle(ROOT) == []


def test_no_two_folders_import_each_other() -> None:
    assert pairs(ROOT) == []


def test_the_pure_layers_do_no_io() -> None:
    assert impure(ROOT) == []


def test_every_import_is_declared() -> None:
    """What we import is in pyproject.toml, so that it is there after ``pip install``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    providers = importlib.metadata.packages_distributions()
    undeclared = []
    for module, outside in _third_party(ROOT).items():
        declared = {*project["dependencies"]}
        for extra in _extras_of(module):
            declared |= {*extras[extra]}
        names = {_distribution(re.split("[<>=;[]", line)[0]) for line in declared}
        for name in outside - sys.stdlib_module_names - ELSEWHERE:
            if not names & {_distribution(each) for each in providers.get(name, [])}:
                undeclared.append(f"{module}: {name}")
    assert undeclared == []


# Ceph's binding is not on PyPI: it comes with the distribution. uWSGI's is in its own process.
ELSEWHERE = {"rados", "rbd", "uwsgi"}


def _extras_of(module: str) -> list[str]:
    """The extras with which a module can be imported."""
    if _layer(module) in ("", "client", "writers"):
        return []
    if _layer(module) == "dashboard":
        return ["dashboard"]
    if module in (f"{PACKAGE}.metrics", f"{PACKAGE}.jobs.exporter"):
        return ["service", "metrics"]
    if module in (f"{PACKAGE}.jobs.market.ecosystems", f"{PACKAGE}.jobs.market.severity"):
        return ["service", "market"]
    driver = module.removeprefix(f"{PACKAGE}.store.inner.").removeprefix(
        f"{PACKAGE}.clouds.objects."
    )
    return ["service", driver] if driver in ("s3", "swift") else ["service"]


def _distribution(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


@pytest.mark.parametrize(
    ("importer", "statement", "target"),
    [
        ("model/a.py", "from ims_glance.store import b", "store/b.py"),
        ("model/a.py", "import ims_glance.conf.b", "conf/b.py"),
        ("crypto/a.py", "from ims_glance.conf.b import thing", "conf/b.py"),
        ("transfer/a.py", "from ims_glance.crypto import b", "crypto/b.py"),
        ("crypto/a.py", "from ims_glance.transfer import b", "transfer/b.py"),
        ("formats/a.py", "from ims_glance.store import b", "store/b.py"),
        ("exceptions.py", "from ims_glance.model import b", "model/b.py"),
        ("clouds/a.py", "from ims_glance import keys", "keys.py"),
        ("keys.py", "from ims_glance.store import b", "store/b.py"),
        ("store/a.py", "from ims_glance.db import b", "db/b.py"),
        ("store/a.py", "from ims_glance.api.common import b", "api/common/b.py"),
        ("store/a.py", "from ..db import b", "db/b.py"),
        ("db/a.py", "from ims_glance.clouds import b", "clouds/b.py"),
        ("api/ims/a.py", "from ims_glance.flows import b", "flows/b.py"),
        ("api/ims/a.py", "def late():\n    from ims_glance.flows import b", "flows/b.py"),
        ("api/common/a.py", "from ims_glance.api.native import b", "api/native/b.py"),
        ("api/common/a.py", "from ims_glance.api.ims import b", "api/ims/b.py"),
        ("api/native/a.py", "from ims_glance.api.ims import b", "api/ims/b.py"),
        ("api/native/a.py", "from ..front import b", "api/front/b.py"),
        ("api/front/a.py", "from ims_glance.api.native import b", "api/native/b.py"),
        ("api/front/a.py", "from ims_glance.api.ims import b", "api/ims/b.py"),
        ("api/ims/a.py", "from ims_glance.api.front import b", "api/front/b.py"),
        ("api/a.py", "from ims_glance.api.common import b", "api/common/b.py"),
        ("api/common/a.py", "from ims_glance.jobs import b", "jobs/b.py"),
        ("flows/a.py", "from ims_glance.api.common import b", "api/common/b.py"),
        ("flows/copy/a.py", "from ims_glance.api.common import b", "api/common/b.py"),
        ("jobs/a.py", "from ims_glance import flows", "flows/__init__.py"),
        ("jobs/a.py", "from ims_glance.flows import b", "flows/b.py"),
        ("jobs/a.py", "from ims_glance.api.common import b", "api/common/b.py"),
        ("db/a.py", "from ims_glance.jobs import b", "jobs/b.py"),
        ("guests/a.py", "from ims_glance.clouds import b", "clouds/b.py"),
        ("guests/a.py", "from ims_glance.jobs import b", "jobs/b.py"),
        ("jobs/a.py", "from ims_glance import guests", "guests/__init__.py"),
        ("client/a.py", "from ims_glance import exceptions", "exceptions.py"),
        ("writers/a.py", "from ims_glance.transfer import b", "transfer/b.py"),
        ("client/a.py", "from ims_glance.transfer import b", "transfer/b.py"),
        ("model/a.py", "from ims_glance.client import b", "client/b.py"),
        ("dashboard/a.py", "from ims_glance.model import b", "model/b.py"),
        ("dashboard/images/a.py", "from ims_glance.writers import b", "writers/b.py"),
        ("client/a.py", "from ims_glance.dashboard import b", "dashboard/b.py"),
        ("newcomer/a.py", "from ims_glance import exceptions", "exceptions.py"),
        ("__init__.py", "from ims_glance.conf import b", "conf/b.py"),
    ],
)
def test_a_wrong_edge_is_found(tmp_path: Path, importer: str, statement: str, target: str) -> None:
    root = _tree(tmp_path, {target: "", importer: statement})
    assert len(wrong_edges(root)) == 1
    assert cycle(root) == []


@pytest.mark.parametrize(
    ("importer", "statement", "target"),
    [
        ("flows/files/a.py", "from ims_glance import guests", "guests/__init__.py"),
        ("guests/a.py", "from ims_glance.formats import b", "formats/b.py"),
        ("cmd/a.py", "from ims_glance.flows import b", "flows/b.py"),
        ("cmd/a.py", "from ims_glance.jobs import b", "jobs/b.py"),
        ("flows/copy/a.py", "from ims_glance.jobs import b", "jobs/b.py"),
        ("api/common/a.py", "from ims_glance import keys", "keys.py"),
        ("api/ims/a.py", "from ims_glance.api.native import b", "api/native/b.py"),
        ("api/front/a.py", "from ims_glance.api.common import b", "api/common/b.py"),
        ("store/a.py", "from ims_glance import keys", "keys.py"),
        ("store/a.py", "from ims_glance.clouds.b import thing", "clouds/b.py"),
        ("store/inner/a.py", "from ims_glance.store import b", "store/b.py"),
        ("keys.py", "from ims_glance.clouds import b", "clouds/b.py"),
        ("client/a.py", "from ims_glance.writers.b import thing", "writers/b.py"),
        ("model/a.py", "from ims_glance import exceptions", "exceptions.py"),
        (
            "dashboard/images/a.py",
            "from ims_glance.client.resources import b",
            "client/resources/b.py",
        ),
    ],
)
def test_a_right_edge_is_allowed(
    tmp_path: Path, importer: str, statement: str, target: str
) -> None:
    root = _tree(tmp_path, {target: "", importer: statement})
    assert any(_edges(root).values())
    assert wrong_edges(root) == []


def test_a_circle_inside_a_layer_is_found(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "store/a.py": "from ims_glance.store import b",
            "store/b.py": "from .c import thing",
            "store/c.py": "import ims_glance.store.a",
        },
    )
    assert wrong_edges(root) == []
    assert cycle(root) == ["ims_glance.store.a", "ims_glance.store.b", "ims_glance.store.c"]


def test_a_pair_of_folders_is_found(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "store/inner/a.py": "from ims_glance.store.outer import b",
            "store/inner/c.py": "",
            "store/outer/b.py": "",
            "store/outer/d.py": "from ims_glance.store.inner import c",
        },
    )
    assert cycle(root) == []
    assert pairs(root) == ["ims_glance.store.inner <-> ims_glance.store.outer"]


@pytest.mark.parametrize("statement", ["import socket", "import os", "import oslo_config"])
def test_io_in_a_pure_layer_is_found(tmp_path: Path, statement: str) -> None:
    root = _tree(tmp_path, {"crypto/a.py": statement, "model/b.py": "import cryptography"})
    assert impure(root) == [
        f"ims_glance.crypto.a: {statement.split()[1]}",
        "ims_glance.model.b: cryptography",
    ]
