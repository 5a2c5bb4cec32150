# SPDX-License-Identifier: Apache-2.0
"""The table of ``tests/README.md``: what the tests promise, read from their names.

``python -m tests.promises`` writes it anew; ``tests/unit/test_promises.py`` holds it to the tests.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
README = TESTS / "README.md"
HEAD = "| promise | tests | where |\n|---|---|---|\n"
_WITHOUT, _BESIDE, _ALONE = "without the cloud", "side by side", "alone"
_ANYWHERE = ", any cloud"


def table() -> str:
    """One row for each file of tests, or two if some of them run alone."""
    files = sorted(TESTS.rglob("test_*.py"))
    return HEAD + "".join(row for path in files for row in _rows(path))


def _rows(path: Path) -> Iterator[str]:
    module = ast.parse(path.read_text())
    is_cloud = path.relative_to(TESTS).parts[0] == "cloud"
    found: dict[str, list[str]] = {}
    for test, have in _tests(module, marks(module)):
        where = _where(have) if is_cloud else _WITHOUT
        found.setdefault(where, []).append(test)
    for where, names in found.items():
        promise = "; ".join(dict.fromkeys(names))
        subject = _subject(module, path)
        yield f"| {subject} {promise} | `{path.relative_to(TESTS)}` | {where} |\n"


def _subject(module: ast.Module, path: Path) -> str:
    """The first sentence of what a file says of itself, or what it mirrors."""
    text = ast.get_docstring(module)
    if not text:
        return f"`{path.stem.removeprefix('test_')}`:"
    sentence = " ".join(text.split("\n\n")[0].split())
    return f"{sentence.replace('|', '/').rstrip('.')}:"


def _where(have: frozenset[str]) -> str:
    return (_ALONE if "alone" in have else _BESIDE) + ("" if "pocket" in have else _ANYWHERE)


def _tests(
    node: ast.Module | ast.ClassDef, have: frozenset[str], prefix: str = ""
) -> Iterator[tuple[str, frozenset[str]]]:
    for each in node.body:
        if isinstance(each, ast.ClassDef):
            yield from _tests(each, have | marks(each), f"{_words(each.name)}: ")
        elif isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
            yield prefix + _words(each.name.removeprefix("test_")), have | marks(each)


def _words(name: str) -> str:
    return name.replace("_", " ").strip()


def marks(node: ast.AST) -> frozenset[str]:
    """The names of the marks of a module, a class or a test that say where it runs."""
    found: list[ast.expr] = list(getattr(node, "decorator_list", []))
    if isinstance(node, ast.Module):
        for each in node.body:
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "pytestmark":
                value = each.value
                found += value.elts if isinstance(value, ast.List) else [value]
    return frozenset(ast.unparse(mark).removeprefix("pytest.mark.") for mark in found)


def main() -> None:
    """Put the table in its place, at the end of the README."""
    text = README.read_text()
    README.write_text(text[: text.index(HEAD)] + table())


if __name__ == "__main__":
    main()
