# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside.steps.windows import registry
from ims_glance.guests.inside.steps.windows.registry import DWORD, SZ, opened
from ims_glance.guests.inside.tree import GuestFileTooLarge
from tests.unit.guests.inside.steps.windows.windows_guest import CONFIG, WindowsGuest, work


def test_values_are_found_in_whatever_case_and_set_in_keys_that_are_made() -> None:
    g = WindowsGuest({"Control": {"Start": (DWORD, b"\x01\0\0\0")}})
    with opened(work(g), "SYSTEM") as hive:
        assert hive.number(("control",), "start") == 1
        assert hive.number(("Control",), "none") is None
        assert hive.value(("None", "Deep"), "x") is None
        assert hive.set(("Control",), "START", DWORD, registry.number_of(0))
        assert hive.set(("New", "Deep"), "name", SZ, registry.text_of("a"))
        assert not hive.set(("New", "Deep"), "name", SZ, registry.text_of("a"))
    assert g.hives["SYSTEM"] == {
        "Control": {"Start": (DWORD, bytes(4))}, "New": {"Deep": {"name": (SZ, b"a\0\0\0")}},
    }  # fmt: skip
    assert g.commits == 1
    assert g.text(f"{CONFIG}/.SYSTEM.before-ims") == "old system"


def test_a_hive_that_did_not_change_is_not_written() -> None:
    g = WindowsGuest({"a": {}})
    with opened(work(g), "SYSTEM") as hive:
        assert hive.names() == ["a"]
    dry = work(g, is_dry=True)
    with opened(dry, "SYSTEM") as hive:
        assert hive.set(("b",), "x", DWORD, bytes(4))
    assert (g.commits, g.hives["SYSTEM"]) == (0, {"a": {}})


def test_a_hive_of_a_step_that_failed_is_not_written() -> None:
    g = WindowsGuest({})
    with pytest.raises(ValueError, match="x"), opened(work(g), "SYSTEM") as hive:
        hive.set(("b",), "x", DWORD, bytes(4))
        raise ValueError("x")
    assert g.commits == 0


def test_a_huge_hive_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    g = WindowsGuest({str(number): {} for number in range(5000)})
    with pytest.raises(GuestFileTooLarge), opened(work(g), "SYSTEM") as hive:
        hive.names()
    monkeypatch.setattr(g, "filesize", lambda path: 1 << 40)
    with pytest.raises(GuestFileTooLarge), opened(work(g), "SYSTEM"):
        pass


def test_a_huge_value_is_none() -> None:
    g = WindowsGuest({"a": {"x": (SZ, bytes(1 << 20)), "y": (SZ, b"")}})
    with opened(work(g), "SYSTEM") as hive:
        assert hive.value(("a",), "x") is None
        assert hive.values("a") == {"y": b""}


def test_strings_as_a_hive_has_them() -> None:
    assert registry.text_of("é") == b"\xe9\0\0\0"
    assert registry.texts_of("a", "b") == b"a\0\0\0b\0\0\0\0\0"
    assert registry.texts_of() == b"\0\0"
