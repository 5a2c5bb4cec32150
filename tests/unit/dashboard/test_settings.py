# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import yaml
from openstack_dashboard.local import enabled

from ims_glance.api.ims import policy
from ims_glance.dashboard import settings


def test_horizon_finds_the_panel_and_the_policy_once(monkeypatch):
    monkeypatch.setattr(enabled, "__path__", list(enabled.__path__))
    local = {"POLICY_FILES": {"image": "mine.yaml"}}
    settings.extend(local)
    settings.extend(local)
    assert local["POLICY_FILES"] == {"ims": "ims_policy.yaml", "image": "mine.yaml"}
    assert Path(local["DEFAULT_POLICY_FILES"]["ims"]).is_file()
    assert local["DEFAULT_POLICY_FILES"]["compute"] == "default_policies/nova.yaml"
    assert list(enabled.__path__).count(settings.ENABLED) == 1
    assert any(Path(settings.ENABLED).glob("_*_project_ims_*.py"))


def test_an_operators_own_policy_file_stays():
    local = {"POLICY_FILES": {"ims": "/etc/ours.yaml"}}
    settings.extend(local)
    assert local["POLICY_FILES"]["ims"] == "/etc/ours.yaml"


def test_the_policy_file_is_the_services():
    """Made by ``django-admin dump_default_policies --namespace ims_glance --output-file FILE``."""
    written = yaml.safe_load(Path(settings.DEFAULT_POLICY).read_text())
    assert written == [
        {
            "name": rule.name,
            "check_str": rule.check_str,
            "description": rule.description,
            "operations": [dict(each) for each in rule.operations],
            "scope_types": list(rule.scope_types or ()),
        }
        for rule in policy.list_rules()
    ]
