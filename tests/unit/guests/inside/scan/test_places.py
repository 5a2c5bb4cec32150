# SPDX-License-Identifier: Apache-2.0
"""Files by patterns, within bounds."""

from typing import Any

import pytest

from ims_glance.guests.inside.scan import places as module
from ims_glance.guests.inside.scan.places import Places
from ims_glance.model.guest.found import Guest
from tests.unit.guests.inside.guests import DEBIAN
from tests.unit.guests.inside.memory_guest import MemoryGuest


def places(files: Any, homes: Any = (), guest: Guest = DEBIAN) -> Places:
    return Places(MemoryGuest(files), guest, list(homes))


def test_a_tilde_is_each_home() -> None:
    files = {"/root/.ssh/a": "1", "/home/ann/.ssh/a": "2", "/srv/app/.ssh/a": "3", "/x/.ssh/a": "4"}
    found = places(files, ["/srv/app", "/", "/nonexistent", "/srv/*", "relative", "/home/ann"])
    assert list(found.found("~/.ssh/*")) == ["/root/.ssh/a", "/home/ann/.ssh/a", "/srv/app/.ssh/a"]
    windows = places({"/Users/Ann/.ssh/a": "1", "/root/.ssh/a": "2"}, guest=Guest("windows"))
    assert list(windows.found("~/.ssh/*")) == ["/Users/Ann/.ssh/a"]


def test_homes_that_are_not_looked_at_are_said() -> None:
    assert places({}, ["/root", "/", "", "relative", "/srv/a"]).lacks == []
    assert len(places({}, ["/srv/a b"]).lacks) == 1
    assert len(places({}, [f"/srv/{number}" for number in range(65)]).lacks) == 1
    deep = places({"/home/corp/ann/.ssh/a": "1"}, ["/home/corp/ann"])
    assert list(deep.found("~/.ssh/*")) == ["/home/corp/ann/.ssh/a"]


def test_of_homes_of_services_only_what_is_hidden() -> None:
    """Those are folders of programs, as often as not."""
    found = places({"/usr/sbin/daemon": "x", "/root/a": "x"}, ["/usr/sbin"])
    assert list(found.found("~/*")) == ["/root/a"]


def test_folders_are_no_files() -> None:
    assert list(places({"/root/a/b": "x", "/root/c": "x"}).found("~/*")) == ["/root/c"]


def test_what_a_file_has() -> None:
    found = places({"/a": "one\ntwo", "/large": "x" * 100})
    assert found.lines("/a") == ["one", "two"]
    assert found.lines("/b") == []
    assert found.content("/large", 10) == b"x" * 10
    assert found.content("/large", 10, is_small=True) == b""
    assert found.lacks == ["Only the first 10 bytes of /large were read."]


def test_what_cannot_be_read_is_said() -> None:
    found = places({"/a": "x"})

    def broken(*_: Any) -> Any:
        raise RuntimeError("Input/output error")

    found.g.pread = broken  # type: ignore[assignment,method-assign]
    assert found.content("/a") == b""
    found.g.filesize = broken  # type: ignore[assignment,method-assign]
    assert found.size("/b") == 0
    assert found.lacks == ["/a could not be read.", "/b could not be read."]


def test_names_that_are_no_text_are_said() -> None:
    found = places({})

    def broken(*_: Any) -> Any:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")

    found.g.glob_expand = broken  # type: ignore[assignment,method-assign]
    assert list(found.found("/etc/ssh/*")) == []
    assert found.lacks == ["The names at /etc/ssh/* could not be read."]


@pytest.mark.parametrize("bound", ["MOST_FILES", "MOST_BYTES", "MOST_FOUND"])
def test_it_ends(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(module, bound, 3)
    found = places({f"/root/{number}": "ab" for number in range(9)})
    read = [found.content(path) for path in found.found("~/*")]
    assert read.count(b"ab") in (2, 3)
    assert len(found.lacks) == 1
    assert found.lacks[0].startswith("Only ")


def test_lacks_are_few() -> None:
    found = places({f"/root/{number}": "ab" for number in range(99)})
    for path in found.found("~/*"):
        found.content(path, 1)
    assert len(found.lacks) == 16
