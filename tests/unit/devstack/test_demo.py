# SPDX-License-Identifier: Apache-2.0
"""How the demo ends, well or not."""

from pocket_cloud import demo
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import encrypted_image, ims_api, whole_machine
from pocket_cloud.demo.stage import Unexpected


def test_ends_well(tmp_path, monkeypatch, capsys):
    for number, part in enumerate((encrypted_image, ims_api, whole_machine)):
        monkeypatch.setattr(part, "play", lambda stage, n=number: stage.say(f"playing part {n}"))
    assert demo.run(Cloud(tmp_path)) == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"playing part {number}") for number in range(3)]
    assert places == sorted(places)


def test_says_what_is_not_as_it_must_be(tmp_path, monkeypatch, capsys):
    def play(_stage: object) -> None:
        raise Unexpected("the sky is green")

    monkeypatch.setattr(encrypted_image, "play", play)
    assert demo.run(Cloud(tmp_path)) == 1
    shown = capsys.readouterr().out
    assert "NOT AS IT MUST BE: the sky is green" in shown
    assert "nothing is left" not in shown
