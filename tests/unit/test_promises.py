# SPDX-License-Identifier: Apache-2.0
"""The table of ``tests/README.md`` names every test."""

import ast

from tests import promises

CLOUD = promises.TESTS / "cloud"
# They ask for the pocket cloud only where it is the one that is tested.
ANYWHERE = {"conftest", "forks", "leftovers", "login"}


def test_the_table_has_every_test_and_no_other():
    text = promises.README.read_text()
    written = text[text.index(promises.HEAD) :].splitlines()
    rows = promises.table().splitlines()
    missing = "\n".join(row for row in rows if row not in written)
    stale = "\n".join(row for row in written if row not in rows)
    told = "'python -m tests.promises' writes the table anew"
    assert not missing, f"{told}; not there:\n{missing}"
    assert not stale, f"{told}; of no test:\n{stale}"
    assert written == rows


def test_where_tests_run_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(promises, "TESTS", tmp_path)
    (tmp_path / "cloud").mkdir()
    (tmp_path / "cloud" / "test_a.py").write_text(
        '"""Things\nhold. More."""\n'
        "class TestX:\n    @pytest.mark.pocket\n    @pytest.mark.alone\n"
        "    def test_one_thing(self): ...\n"
        "def test_two(): ...\ndef helper(): ...\n"
    )
    (tmp_path / "cloud" / "test_b.py").write_text(
        "pytestmark = [pytest.mark.alone, pytest.mark.pocket]\ndef test_three(): ...\n"
    )
    (tmp_path / "test_c.py").write_text("def test_four(): ...\n")
    assert promises.table().removeprefix(promises.HEAD).splitlines() == [
        "| Things hold. More: TestX: one thing | `cloud/test_a.py` | alone |",
        "| Things hold. More: two | `cloud/test_a.py` | side by side, any cloud |",
        "| `b`: three | `cloud/test_b.py` | alone |",
        "| `c`: four | `test_c.py` | without the cloud |",
    ]


def test_what_needs_the_pocket_cloud_says_so():
    """On another cloud there is no folder, no process and no guest of the pocket cloud."""
    modules = {path.stem: ast.parse(path.read_text()) for path in CLOUD.glob("*.py")}
    theirs = {"pocket"}
    # A helper that needs the pocket cloud makes those that it helps need it.
    while (
        more := {name for name, module in modules.items() if _imports(module) & theirs}
        - theirs
        - ANYWHERE
    ):
        theirs |= more
    for name in sorted(theirs):
        if name.startswith("test_") and "pocket" not in promises.marks(modules[name]):
            assert _imports(modules[name]) & theirs == {"pocket"}, f"{name} lacks the mark 'pocket'"
            for test in modules[name].body:
                if not isinstance(test, ast.FunctionDef):
                    continue
                needs = "pocket." in ast.unparse(test)
                assert not needs or "pocket" in promises.marks(test), f"{name}: {test.name}"


def _imports(module: ast.Module) -> set[str]:
    """What of ``tests.cloud`` a module imports; ``pocket`` for the pocket cloud's own code, too."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == "tests.cloud":
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            place, _, name = node.module.rpartition(".")
            found |= {name} if place == "tests.cloud" else set()
            found |= {"pocket"} if node.module.startswith("pocket_cloud") else set()
    return found
