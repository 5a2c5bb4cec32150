# SPDX-License-Identifier: Apache-2.0
"""The table of ``tests/README.md`` names every test."""

from tests import promises


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


def test_what_runs_alone_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(promises, "TESTS", tmp_path)
    (tmp_path / "cloud").mkdir()
    (tmp_path / "cloud" / "test_a.py").write_text(
        '"""Things\nhold. More."""\n'
        "class TestX:\n    @pytest.mark.alone\n    def test_one_thing(self): ...\n"
        "def test_two(): ...\ndef helper(): ...\n"
    )
    (tmp_path / "cloud" / "test_b.py").write_text(
        "pytestmark = pytest.mark.alone\ndef test_three(): ...\n"
    )
    (tmp_path / "test_c.py").write_text("def test_four(): ...\n")
    assert promises.table().removeprefix(promises.HEAD).splitlines() == [
        "| Things hold. More: TestX: one thing | `cloud/test_a.py` | alone |",
        "| Things hold. More: two | `cloud/test_a.py` | side by side |",
        "| `b`: three | `cloud/test_b.py` | alone |",
        "| `c`: four | `test_c.py` | without the cloud |",
    ]
