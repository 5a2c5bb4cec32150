# SPDX-License-Identifier: Apache-2.0
"""No pattern of the tree lets a text end in a line feed by accident, in Python or in a schema."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from re import _parser  # the compiler's own reading of a pattern
from typing import Any

import pytest

from ims_glance.api.ims.openapi import document
from ims_glance.model.text import patterns

_ROOT = Path(__file__).parents[4]
_MODULES = [
    path for top in ("ims_glance", "devstack/pocket_cloud") for path in (_ROOT / top).rglob("*.py")
]
# The guard's routes are those that Routes makes of Glance's table, where "$" is so.
_ALLOWED = {"ims_glance/api/native/guard.py"}
_FUNCTIONS = {
    "compile",
    "match",
    "fullmatch",
    "search",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}


def _is_loose(pattern: str) -> bool:
    """Whether there is a ``$`` that a line feed may follow."""
    flags = _parser.SRE_FLAG_VERBOSE if "(?x)" in pattern else 0
    return _has_loose_end(_parser.parse(pattern, flags))


def _has_loose_end(parsed: Any) -> bool:
    items = list(parsed)
    for (operation, argument), following in zip(items, [*items[1:], None], strict=False):
        name = str(operation)
        if name == "AT" and str(argument) == "AT_END":
            guarded = following is not None and str(following[0]) == "ASSERT_NOT"
            if not guarded or [(str(o), a) for o, a in following[1][1]] != [("LITERAL", 10)]:
                return True
        if any(_has_loose_end(inner) for inner in _inside(argument)):
            return True
    return False


def _inside(argument: Any) -> Iterator[Any]:
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, (list, tuple)):
        for each in argument:
            yield from _inside(each)


def _expressions(module: Path) -> Iterator[str]:
    """The patterns of a module; what is put together stands for anything."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
            if is_re and node.func.attr in _FUNCTIONS and node.args:
                yield from _texts(node.args[0])
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "pattern":
                    yield from _texts(value)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield node.value.decode("latin-1") if isinstance(node.value, bytes) else str(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
        )
    elif isinstance(node, ast.BinOp):
        yield "".join([*_texts(node.left), *_texts(node.right)])


def test_no_expression_has_a_bare_dollar() -> None:
    assert _MODULES
    found = {
        str(module): [each for each in _expressions(module) if _is_loose(each)]
        for module in _MODULES
        if str(module.relative_to(_ROOT)) not in _ALLOWED
    }
    wrong = {name: each for name, each in found.items() if each}
    assert not wrong, wrong


def test_no_schema_has_a_bare_dollar() -> None:
    found = list(_patterns(document()))
    assert len(found) > 9
    assert [each for each in found if _is_loose(each) or not each.startswith("^")] == []


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = schema.values()
    elif not isinstance(schema, list):
        return
    for each in schema:
        yield from _patterns(each)


@pytest.mark.parametrize(
    ("pattern", "loose"),
    [
        ("^a$", True),
        ("(a|b$)c", True),
        ("(?:a$)*", True),
        (r"^a\$", False),
        ("[$]", False),
        (r"^a\Z", False),
        (patterns.whole("a|b"), False),
        ("^a$(?!b)", True),
    ],
)
def test_bare_dollars_are_found(pattern: str, loose: bool) -> None:
    assert _is_loose(pattern) is loose


@pytest.mark.parametrize(
    ("text", "fits"), [("a", True), ("b", True), ("a\n", False), ("ab", False), ("\na", False)]
)
def test_the_whole_of_a_text(text: str, fits: bool) -> None:
    assert bool(re.search(patterns.whole("a|b"), text)) is fits
