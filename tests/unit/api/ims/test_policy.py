# SPDX-License-Identifier: Apache-2.0
"""Who may call what, by default and when the operator says otherwise."""

import pytest
from oslo_config import cfg
from oslo_context.context import RequestContext

from ims_glance import conf as ims_conf
from ims_glance.api.ims import policy
from ims_glance.api.ims.operations import OPERATIONS

LIST = next(each for each in OPERATIONS if each.name == "list_images")
UPDATE = next(each for each in OPERATIONS if each.name == "update_image")
WORKERS = next(each for each in OPERATIONS if each.name == "list_workers")
ORPHANS = next(each for each in OPERATIONS if each.name == "list_orphans")


@pytest.fixture
def conf(tmp_path):
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override("policy_file", str(tmp_path / "ims-policy.yaml"), group="ims_api")
    return conf


def _caller(*roles, project="p"):
    return RequestContext(user_id="u", project_id=project, roles=list(roles))


def test_one_rule_an_operation_each_with_a_description():
    rules = policy.list_rules()
    assert [rule.name for rule in rules] == [f"ims:{each.name}" for each in OPERATIONS]
    assert all(rule.description and rule.operations for rule in rules)


@pytest.mark.parametrize(
    ("operation", "roles", "allowed"),
    [
        (LIST, ["reader"], True),
        (LIST, ["member", "reader"], True),
        (LIST, [], False),
        (UPDATE, ["reader"], False),
        (UPDATE, ["member"], True),
        (UPDATE, ["admin"], True),
        (WORKERS, ["admin"], True),
        (WORKERS, ["manager", "member", "reader"], False),
        (ORPHANS, ["admin"], True),
        (ORPHANS, ["manager", "member", "reader"], False),
    ],
)
def test_defaults(conf, operation, roles, allowed):
    checks = policy.Policy(conf)
    if allowed:
        checks.check(_caller(*roles), operation)
    else:
        with pytest.raises(policy.NotAllowed, match=operation.policy):
            checks.check(_caller(*roles), operation)


def test_all_is_done_in_a_project(conf):
    with pytest.raises(policy.NotAllowed):
        policy.Policy(conf).check(_caller("reader", project=None), LIST)


def test_the_operator_has_the_last_word(conf, tmp_path):
    (tmp_path / "ims-policy.yaml").write_text('"ims:list_images": "role:auditor"\n')
    checks = policy.Policy(conf)
    checks.check(_caller("auditor"), LIST)
    with pytest.raises(policy.NotAllowed):
        checks.check(_caller("reader"), LIST)
