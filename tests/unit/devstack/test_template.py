# SPDX-License-Identifier: Apache-2.0
import stat

import pytest
from pocket_cloud import template
from pocket_cloud.errors import PocketError


def test_names_are_replaced_and_dollars_kept():
    assert template.fill("a=${x} b=$$state_path", {"x": "1"}) == "a=1 b=$state_path"


def test_an_unknown_name_is_reported_with_its_file():
    with pytest.raises(PocketError, match=r"nova\.conf: no value for \$\{colour\}"):
        template.fill("a=${colour}", {}, "nova.conf")


def test_a_lone_dollar_is_an_error():
    with pytest.raises(PocketError, match=r"nova\.conf: "):
        template.fill("a=$ b", {}, "nova.conf")


def test_a_file_is_written_once_and_for_root_alone(tmp_path):
    path = tmp_path / "deep" / "file"
    assert template.write(path, "one")
    assert not template.write(path, "one")
    assert template.write(path, "two")
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]
