# SPDX-License-Identifier: Apache-2.0
"""How the demo ends, well or not."""

from pocket_cloud import demo
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import encrypted_image
from pocket_cloud.demo.stage import Unexpected


def test_ends_well(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(encrypted_image, "play", lambda stage: stage.say("playing"))
    assert demo.run(Cloud(tmp_path)) == 0
    assert "playing" in capsys.readouterr().out


def test_says_what_is_not_as_it_must_be(tmp_path, monkeypatch, capsys):
    def play(_stage: object) -> None:
        raise Unexpected("the sky is green")

    monkeypatch.setattr(encrypted_image, "play", play)
    assert demo.run(Cloud(tmp_path)) == 1
    shown = capsys.readouterr().out
    assert "NOT AS IT MUST BE: the sky is green" in shown
    assert "nothing is left" not in shown
