# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo of the IMS API fail when what they show is not so."""

import pytest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import ims_api
from pocket_cloud.demo.stage import Stage, Unexpected


@pytest.fixture
def stage(tmp_path, monkeypatch):
    with Stage(Cloud(tmp_path)) as stage:
        monkeypatch.setattr(stage, "at_end", lambda *_, **__: None)
        monkeypatch.setattr(stage, "refuse", lambda *_, **__: "")
        yield stage


def test_a_copy_that_differs_is_seen(stage, monkeypatch):
    disk = stage.files / "disk"
    disk.write_bytes(b"data")

    def run(*command, **_options):
        if "save" in command:
            (stage.files / "copied").write_bytes(b"other")
        return ""

    monkeypatch.setattr(stage, "run", run)
    with pytest.raises(Unexpected, match="the same"):
        ims_api._copy(stage, "name", disk)


def test_an_image_that_is_not_received_is_seen(stage, monkeypatch):
    monkeypatch.setattr(stage, "run", lambda *command, **_: "" if "list" in command else "id")
    with pytest.raises(Unexpected, match="in the list"):
        ims_api._share(stage, "name")
