# SPDX-License-Identifier: Apache-2.0
"""What the demo says of a machine's disks fails when it is not so."""

from types import SimpleNamespace

import pytest
from pocket_cloud.demo import whole_machine
from pocket_cloud.demo.stage import Unexpected


def _console(*counts):
    return "\n".join(
        f"[1.0] IMS-GUEST-COUNTER vd{name}        {count}"
        for name, count in zip("abc", counts, strict=False)
    )


@pytest.mark.parametrize("counts", [(7, 7), (8, 7)])
def test_of_one_instant(stage, capsys, counts):
    whole_machine.check_counters(stage, _console(*counts))
    assert f"{counts[0]} and {counts[1]}" in capsys.readouterr().out


@pytest.mark.parametrize("counts", [(7, 8), (9, 7), (7,), (7, 7, 7), ()])
def test_not_of_one_instant(stage, counts):
    with pytest.raises(Unexpected):
        whole_machine.check_counters(stage, _console(*counts))


def test_only_its_own_disks_are_looked_for(stage, monkeypatch):
    monkeypatch.setattr(stage, "session", lambda: SimpleNamespace(project_id="p1"))
    names = (f"{stage.name}-whole disk 0", "whole disk 0", f"{stage.name}0-whole disk 0", None)
    images = [{"name": name} for name in names]
    monkeypatch.setattr(stage, "get", lambda *_: {"images": images})
    assert whole_machine._hidden(stage) == [f"{stage.name}-whole disk 0"]
