# SPDX-License-Identifier: Apache-2.0
"""What the DevStack plugin has RabbitMQ do with audit events."""

from pathlib import Path

from tests.functional.devstack.machine import ROOT, SERVICES, Machine


def test_the_queue_of_audit_events_is_bounded(tmp_path: Path) -> None:
    """DevStack has Glance send notifications, and nobody may be reading them."""
    machine = Machine(tmp_path, None)
    machine.must("stack")
    assert machine.calls("rabbitmqctl") == []
    machine.must("stack", ENABLED_SERVICES=f"{SERVICES},rabbit")
    [[_program, *called], [_other, *usage]] = machine.calls("rabbitmqctl")
    assert usage[:3] == ["set_policy", "ims-usage", "^ims_usage$"]
    # As the administrators' guide says.
    said = " ".join((ROOT / "doc/source/admin/audit.rst").read_text().split())
    _set_policy, name, queues, policy, *where = called
    assert f"set_policy {name} '{queues}' \\ '{policy}' {' '.join(where)}" in said
    machine.must("unstack", ENABLED_SERVICES=f"{SERVICES},rabbit")
    cleared = [call[1:] for call in machine.calls("rabbitmqctl")[2:]]
    assert cleared == [["clear_policy", "ims-audit"], ["clear_policy", "ims-usage"]]
    machine.must("stack", ENABLED_SERVICES=f"{SERVICES},rabbit", IMS_GLANCE_AUDIT_POLICY="")
    assert len(machine.calls("rabbitmqctl")) == 4
