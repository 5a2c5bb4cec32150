# SPDX-License-Identifier: Apache-2.0
"""What every file of this repository keeps to: place, header, size, and what it may not contain.

A rule is one test, which names all files that break it: a test of its own for each file and rule would take most of
what a test takes, thousands of times.
"""

import ast
import collections
import functools
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ROOT / "ims_glance"
HEADER = "# SPDX-License-Identifier: Apache-2.0"
MAX_LINES = 500
# Of the product: who reads it first reads one module and one folder at a time.
MAX_MODULE_LINES = 450
MAX_MODULES = 12
MAX_FUNCTION_LINES = 60
MAX_NESTING = 3

# Names of classes that stand twice: the service's refusals, and what its client makes of them.
AT_BOTH_ENDS = {"Conflict", "Forbidden", "NotFound"}
# What Horizon looks for inside a class, which has no other name.
INSIDE = {"Meta"}

# Folders of one kind of module, which may be as many as there are nouns, or versions.
ONE_KIND = {
    "ims_glance/api/ims/operations",
    "ims_glance/client/commands",
    "ims_glance/clouds",
    "ims_glance/conf",
    "ims_glance/db/migrations/versions",
}

# Code -> its unit tests.
MIRRORS = {
    "ims_glance": "tests/unit",
    "devstack/pocket_cloud": "tests/unit/devstack",
    "doc/ext": "tests/unit/doc",
}
# Modules without a unit test at the mirrored place, and the test that they have instead: they
# speak with a neighbour, and a fake neighbour would prove nothing. (Sphinx itself calls its
# directives, when the documentation is built before the tests.)
TESTED_ELSEWHERE: dict[str, str] = {
    f"ims_glance/api/native/{name}.py": f"tests/functional/{test}.py"
    for name, test in {
        "member": "test_guard_sharing",
        "whole_image": "test_guard_whole",
    }.items()
} | {"doc/ext/directives.py": "tests/unit/test_documentation.py"}
# Tests in tests/unit that look at the tree and not at one module.
NOT_MIRRORED = {
    "tests/unit/api/test_two_doors.py",
    "tests/unit/dashboard/test_locale.py",
    "tests/unit/dashboard/test_templates.py",
    "tests/unit/flows/test_broken_reverts.py",
    "tests/unit/flows/test_deaths.py",
    "tests/unit/flows/test_forgetting.py",
    "tests/unit/flows/test_small_clouds.py",
    "tests/unit/formats/test_mutations.py",
    "tests/unit/store/test_at_once.py",
    "tests/unit/test_benchmarks.py",
    "tests/unit/test_documentation.py",
    "tests/unit/test_etc.py",
    "tests/unit/test_imports.py",
    "tests/unit/test_other_options.py",
    "tests/unit/test_promises.py",
    "tests/unit/test_shell.py",
    "tests/unit/test_structure.py",
}

# Written apart so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
NOT_RUN = re.compile(r"\bpytest\.(mark\.)?(" + "|".join(("sk" + "ip", "xf" + "ail")) + ")")


def _files() -> list[Path]:
    """What git tracks or would track; without git, everything outside of hidden folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
        return sorted(path for path in names if path.is_file())
    inside = (path for path in ROOT.rglob("*") if path.is_file())
    return sorted(
        path
        for path in inside
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts[:-1])
    )


FILES = _files()
PYTHON = [path for path in FILES if path.suffix == ".py"]
CODE = [
    path
    for source in (PRODUCT, ROOT / "devstack/pocket_cloud", ROOT / "doc/ext")
    for path in PYTHON
    if path.is_relative_to(source)
]
TESTS = [path for path in PYTHON if path.is_relative_to(ROOT / "tests")]


def _is_source(path: Path) -> bool:
    """Whether the file is a program of ours: by its name, or by its first line."""
    if path.suffix in {".py", ".sh", ".pyi"} or path == ROOT / "devstack/settings":
        return True
    with path.open("rb") as opened:
        return opened.read(2) == b"#!"


SOURCES = [path for path in FILES if _is_source(path)]


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(errors="replace")


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_text(path))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _has_code(path: Path) -> bool:
    """Whether there is anything to test: not just a docstring, imports and names."""
    body = _tree(path).body
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body)


def _test_of(path: Path) -> Path:
    """Where the unit test of a module belongs: ``a/__init__.py`` is tested as ``test_a.py``."""
    source = next(source for source in MIRRORS if path.is_relative_to(ROOT / source))
    inside = path.relative_to(ROOT / source)
    if inside.name == "__init__.py":
        inside = inside.parent.parent / f"{inside.parent.name or source}.py"
    return ROOT / MIRRORS[source] / inside.parent / f"test_{inside.name}"


def _test_modules() -> Iterator[Path]:
    unit = ROOT / "tests/unit"
    return (path for path in TESTS if path.is_relative_to(unit) and path.name.startswith("test_"))


def test_there_is_something_to_check() -> None:
    assert len(CODE) > 10
    assert ROOT / ".ci/run" in SOURCES


def _has_header(path: Path) -> bool:
    lines = _text(path).splitlines()[:2]
    return not lines or HEADER in lines[:1] or (lines[0].startswith("#!") and HEADER in lines)


def test_header() -> None:
    found = [_name(path) for path in SOURCES if not _has_header(path)]
    assert not found, found


def _longer(paths: Iterable[Path], most: int) -> list[str]:
    sizes = {_name(path): len(_text(path).splitlines()) for path in paths}
    return [f"{name}: {size} lines" for name, size in sizes.items() if size > most]


def test_size() -> None:
    found = _longer(SOURCES, MAX_LINES)
    assert not found, found


def test_packages_are_packages() -> None:
    """A folder of code without ``__init__.py`` would be left out of the wheel."""
    folders = {path.parent for path in PYTHON if path.is_relative_to(PRODUCT)}
    found = [_name(each) for each in sorted(folders) if each / "__init__.py" not in CODE]
    assert not found, found


def test_modules_are_short() -> None:
    found = _longer((path for path in CODE if path.is_relative_to(PRODUCT)), MAX_MODULE_LINES)
    assert not found, found


def test_folders_can_be_overlooked() -> None:
    """``ls`` says what there is: a folder has few modules, or they are all of one kind."""
    modules = [path for path in CODE if path.is_relative_to(PRODUCT) and path.stem != "__init__"]
    found = collections.Counter(_name(path.parent) for path in modules)
    assert {folder for folder in found if found[folder] > MAX_MODULES} <= ONE_KIND
    assert set(found) >= ONE_KIND


def test_one_name_is_one_thing() -> None:
    """Who reads the name of a class anywhere in the product knows which one is meant."""
    names = [
        node.name
        for path in CODE
        if path.is_relative_to(PRODUCT)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
    ]
    found = collections.Counter(names)
    assert {name for name in found if found[name] > 1} - INSIDE == AT_BOTH_ENDS


def test_nothing_is_said_with_the_number_of_a_page_that_nobody_has() -> None:
    numbered = re.compile(r"\(S\d+\)|\(reference [\d.]+\)")
    assert [str(path) for path in CODE if numbered.search(_text(path))] == []


def test_every_module_has_its_test() -> None:
    missing = [
        _name(path)
        for path in CODE
        if _has_code(path) and not _test_of(path).exists() and _name(path) not in TESTED_ELSEWHERE
    ]
    assert missing == []


def test_every_unit_test_has_its_module() -> None:
    expected = {_test_of(path) for path in CODE} | {ROOT / name for name in NOT_MIRRORED}
    assert [_name(path) for path in _test_modules() if path not in expected] == []


def test_the_exceptions_hold() -> None:
    """No module is on the list that is gone, or that has its own unit test by now."""
    for name, elsewhere in TESTED_ELSEWHERE.items():
        assert (ROOT / name).exists(), name
        assert (ROOT / elsewhere).exists(), elsewhere
        assert not _test_of(ROOT / name).exists(), name


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)


def _nesting(node: ast.AST, is_elif: bool = False) -> int:
    """How many blocks lie inside each other below *node*; ``elif`` is no deeper than its ``if``."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        chained = isinstance(node, ast.If) and node.orelse == [child] and isinstance(child, ast.If)
        deepest = max(deepest, _nesting(child, chained))
    return deepest + (isinstance(node, _BLOCKS) and not is_elif)


def _long_or_deep(path: Path) -> Iterator[str]:
    for function in _functions(path):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            yield f"{_name(path)}, {function.name}: {lines} lines"
        depth = max((_nesting(child) for child in function.body), default=0)
        if depth > MAX_NESTING:
            yield f"{_name(path)}, {function.name}: {depth} blocks deep"


def test_functions_are_short_and_flat() -> None:
    found = [each for path in CODE for each in _long_or_deep(path)]
    assert not found, found


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"})
        for name in names
    )


def _swallowed(text: str) -> list[int]:
    """Lines of the broad handlers that neither raise nor say that they are a boundary, and why."""
    lines = text.splitlines()
    found = []
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.ExceptHandler) and _is_broad(node)):
            continue
        raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        if not raises and not re.search(r"# boundary: \S+ \S+", lines[node.lineno - 1]):
            found.append(node.lineno)
    return found


def test_no_error_is_swallowed() -> None:
    found = [(_name(path), lines) for path in CODE if (lines := _swallowed(_text(path)))]
    assert not found, found


@pytest.mark.parametrize(
    ("handler", "found"),
    [
        ("except Exception:\n    pass", [3]),
        ("except:\n    pass", [3]),
        ("except (OSError, BaseException) as error:\n    print(error)", [3]),
        ("except Exception:  # boundary:\n    pass", [3]),
        ("except Exception:  # boundary: the worker logs it\n    pass", []),
        ("except Exception:\n    undo()\n    raise", []),
        ("except Exception as error:\n    raise ValueError from error", []),
        ("except OSError:\n    pass", []),
    ],
)
def test_a_swallowed_error_is_found(handler: str, found: list[int]) -> None:
    assert _swallowed(f"try:\n    work()\n{handler}\n") == found


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        ("x = 1", 0),
        ("if a:\n  x = 1\nelif b:\n  x = 2\nelif c:\n  x = 3", 1),
        ("for a in b:\n  with a:\n    if a:\n      x = 1", 3),
        ("try:\n  x = 1\nexcept OSError:\n  if a:\n    x = 2", 2),
    ],
)
def test_nesting_is_counted(body: str, depth: int) -> None:
    assert max(_nesting(node) for node in ast.parse(body).body) == depth


def _with(pattern: re.Pattern[str], paths: Iterable[Path]) -> list[str]:
    return [_name(path) for path in paths if pattern.search(_text(path))]


def test_nothing_is_unfinished() -> None:
    found = _with(UNFINISHED, FILES)
    assert not found, found


def test_every_test_is_run() -> None:
    found = _with(NOT_RUN, TESTS)
    assert not found, found


def test_there_are_release_notes() -> None:
    notes = [path for path in FILES if path.is_relative_to(ROOT / "releasenotes/notes")]
    assert notes
    # reno takes the id from the end of the name.
    assert [n.name for n in notes if not re.search(r"-[0-9a-f]{16}\.yaml$", n.name)] == []


def test_licence() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]
