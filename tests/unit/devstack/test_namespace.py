# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
from pathlib import Path

import pytest
from pocket_cloud import namespace


def test_a_wrapped_command_keeps_its_arguments_and_its_pid(cloud, monkeypatch):
    """Without the privilege to mount: the mounts are replaced by nothing."""
    seen = cloud.home.parent / "seen"
    monkeypatch.setattr(namespace, "BINDS", {str(seen): "data/ours"})
    argv = namespace.wrap(cloud, ["printf", "%s|", "a b", "$c"])
    assert argv[:4] == ["unshare", "--mount", "--propagation", "private"]
    assert seen.is_dir()
    assert cloud.path("data", "ours").is_dir()
    bare = ["sh", "-c", argv[6].replace("mount --bind", ":"), *argv[7:]]
    child = subprocess.run(bare, capture_output=True, text=True, check=True)
    assert child.stdout == "a b|$c|"


@pytest.mark.parametrize("seen", namespace.BINDS)
def test_nothing_of_the_machine_is_hidden_but_what_the_services_insist_on(seen):
    assert Path(seen).parts[-1] in {"ceph", "libvirt"}
    assert not os.path.isabs(namespace.BINDS[seen])
