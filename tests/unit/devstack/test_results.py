# SPDX-License-Identifier: Apache-2.0
from pocket_cloud import results


def test_all_reports_are_counted_together(tmp_path):
    first, second = tmp_path / "tests-one.xml", tmp_path / "tests-two.xml"
    first.write_text(
        '<testsuites><testsuite time="4.5"><testcase classname="a" name="x" time="1"/>'
        '<testcase classname="a" name="y" time="3.04"><failure>why</failure></testcase>'
        "</testsuite></testsuites>"
    )
    second.write_text(
        '<testsuites><testsuite><testcase classname="b" name="z" time="2"><error/></testcase>'
        '<testcase classname="b" name="w" time="0"><skipped/></testcase></testsuite></testsuites>'
    )
    assert results.summary([first, second], seconds=12.3).splitlines() == [
        "",
        "the slowest 4 tests, with what they set up:",
        "    3.0 s  a::y",
        "    2.0 s  b::z",
        "    1.0 s  a::x",
        "    0.0 s  b::w",
        "",
        "12 s in all: 4 s tests-one, 0 s tests-two",
        "",
        "failed: a::y",
        "    why",
        "",
        "failed: b::z",
        "",
        "1 passed, 2 failed, 1 skipped",
    ]


def test_only_the_slowest_are_named(tmp_path):
    cases = "".join(f'<testcase classname="a" name="t{n}" time="{n}"/>' for n in range(40))
    report = tmp_path / "1.xml"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    lines = results.summary([report]).splitlines()
    assert len([line for line in lines if " s  a::" in line]) == 30
    assert lines[-1] == "40 passed, 0 failed"


def test_what_failed_says_its_last_lines_where_one_looks_first(tmp_path):
    text = "\n".join(f"line {number}" for number in range(40))
    cases = "".join(
        f'<testcase classname="a" name="t{n}"><failure message="short">{text}</failure></testcase>'
        for n in range(12)
    )
    report = tmp_path / "1.xml"
    report.write_text(
        f'<testsuites><testsuite><testcase classname="a" name="c"><failure message="worker crashed"/>'
        f"</testcase>{cases}</testsuite></testsuites>"
    )
    lines = results.summary([report]).splitlines()
    assert "    worker crashed" in lines
    assert lines.count("    line 39") == 9
    assert lines.count("    line 25") == 9
    assert "    line 24" not in lines
    assert lines[-1] == "0 passed, 13 failed"


def test_what_failed_is_named_beside_the_count():
    told = results.summary([], ["mypy", "tests side by side"]).splitlines()
    assert told == ["", "failed: mypy, tests side by side", "0 passed, 0 failed"]


def test_nothing_ran():
    assert results.summary([]).splitlines() == ["", "0 passed, 0 failed"]
