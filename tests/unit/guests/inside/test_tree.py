# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside import tree
from ims_glance.guests.inside.tree import GuestFileTooLarge, GuestProgramFailed, Tree, old_name
from tests.unit.guests.inside.memory_guest import MemoryGuest


def test_a_changed_file_keeps_its_first_content_beside_it() -> None:
    g = MemoryGuest({"/etc/fstab": "one"})
    files = Tree(g)
    files.write("/etc/fstab", "two")
    files.write("/etc/fstab", "three")
    assert g.text("/etc/fstab") == "three"
    assert g.text("/etc/.fstab.before-ims") == "one"
    assert files.changed == ["/etc/fstab", "/etc/fstab"]


def test_what_was_put_aside_is_there_under_its_old_name() -> None:
    g = MemoryGuest({"/etc/x/a": "one"})
    Tree(g).aside("/etc/x/a")
    assert set(g.files) == {old_name("/etc/x/a")} == {"/etc/x/.a.before-ims"}
    g.files["/etc/x/a"] = b"again"
    Tree(g).aside("/etc/x/a")
    assert g.text("/etc/x/.a.before-ims") == "one"
    assert Tree(g).names("/etc/x") == []


def test_a_dry_tree_writes_nothing_and_remembers() -> None:
    g = MemoryGuest({"/etc/a": "one", "/etc/b": "two"})
    files = Tree(g, is_dry=True)
    files.write("/etc/a", "changed")
    files.write("/etc/c", "new")
    files.aside("/etc/b")
    assert [files.text(f"/etc/{name}") for name in "abc"] == ["changed", None, "new"]
    assert [files.is_there(f"/etc/{name}") for name in "abc"] == [True, False, True]
    assert files.names("/etc") == ["/etc/a", "/etc/c"]
    assert g.files == {"/etc/a": b"one", "/etc/b": b"two"}


def test_links_lead_into_the_guest() -> None:
    g = MemoryGuest({"/run/real": "one"})
    g.links["/etc/link"] = "/run/real"
    files = Tree(g)
    assert files.text("/etc/link") == "one"
    files.write("/etc/link", "two")
    assert g.text("/run/real") == "two"
    assert g.text("/run/.real.before-ims") == "one"


def test_a_new_file_takes_the_place_of_a_link_to_nowhere_and_gets_its_folders_label() -> None:
    g = MemoryGuest({"/etc/x/y": ""})
    g.links["/etc/x/new"] = "/dev/null"
    g.labels["/etc/x"] = b"system_u:object_r:net_conf_t:s0\0"
    Tree(g).write("/etc/x/new", "text", 0o600)
    assert g.text("/etc/x/new") == "text"
    assert g.modes == {"/etc/x/new": 0o600}
    assert g.labels["/etc/x/new"] == g.labels["/etc/x"]


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    g = MemoryGuest({"/etc/a": b"\xff\xfe=1\n"})
    files = Tree(g)
    text = files.text("/etc/a")
    assert text is not None
    files.write("/etc/a", text + "more")
    assert g.files["/etc/a"] == b"\xff\xfe=1\nmore"


def test_what_is_no_file_is_not_read() -> None:
    g = MemoryGuest({"/etc/a/b": ""})
    assert Tree(g).text("/etc/a") is None
    assert Tree(g).text("/etc/none") is None
    assert Tree(g).names("/none") == []


def test_a_huge_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    g = MemoryGuest({"/etc/fstab": "one"})
    monkeypatch.setattr(g, "filesize", lambda path: 10 << 30)
    with pytest.raises(GuestFileTooLarge, match="/etc/fstab has more than"):
        Tree(g).text("/etc/fstab")


def test_a_huge_folder_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"/etc/x/{number}": "" for number in range(tree.MOST_NAMES + 1)}
    with pytest.raises(GuestFileTooLarge, match="more than 256 files"):
        Tree(MemoryGuest(names)).names("/etc/x")
    g = MemoryGuest({"/etc/x/a": ""})
    monkeypatch.setattr(g, "statns", lambda path: {"st_size": 1 << 30})
    with pytest.raises(GuestFileTooLarge):
        Tree(g).names("/etc/x")


def test_names_are_in_order_and_hidden_ones_left_out() -> None:
    g = MemoryGuest({"/x/b.yaml": "", "/x/.a.yaml": "", "/x/a.yaml": "", "/x/c": ""})
    assert Tree(g).names("/x", ".yaml") == ["/x/a.yaml", "/x/b.yaml"]
    assert dict(Tree(g).texts("/x")) == {"/x/a.yaml": "", "/x/b.yaml": "", "/x/c": ""}


def test_a_program_runs_within_a_time_and_says_its_last_words_when_it_fails() -> None:
    g = MemoryGuest()
    whole: list[list[str]] = []

    def fail(arguments: list[str]) -> str:
        raise RuntimeError("dpkg: error\nno space")

    g.programs["dpkg"] = fail
    real = g.command
    g.command = lambda arguments: whole.append(arguments) or real(arguments)  # type: ignore[method-assign,func-returns-value]
    with pytest.raises(GuestProgramFailed, match="dpkg: dpkg: error no space"):
        Tree(g).run(["dpkg", "-i"], 60)
    assert whole[0][:4] == ["timeout", "-k", "10", "60"]
