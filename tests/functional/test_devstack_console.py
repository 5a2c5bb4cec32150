# SPDX-License-Identifier: Apache-2.0
"""What the DevStack plugin does on a host with Horizon."""

from pathlib import Path

from tests.functional.devstack.machine import Machine


def test_a_host_with_horizon_alone_gets_the_console_and_no_glance(tmp_path: Path) -> None:
    machine = Machine(tmp_path, None)
    snippets = machine.stack / "horizon/openstack_dashboard/local/local_settings.d"
    machine.must("stack", ENABLED_SERVICES="horizon")
    (pip,) = machine.calls("/pip")
    assert pip[-1].endswith("/ims_glance")
    (snippet,) = snippets.iterdir()
    compile(snippet.read_text(), snippet, "exec")
    assert "ims_settings.extend(globals())" in snippet.read_text()
    machine.must("unstack", ENABLED_SERVICES="horizon")
    assert list(snippets.iterdir()) == []
