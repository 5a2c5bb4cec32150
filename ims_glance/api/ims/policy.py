# SPDX-License-Identifier: Apache-2.0
"""Who may call what: one oslo.policy rule an operation, with a default.

Shown by ``oslopolicy-sample-generator --namespace ims_glance``; overridden in the file that
``[ims_api] policy_file`` names, which is not Glance's.
"""

from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from ims_glance import exceptions
from ims_glance.api.ims.operation import Operation
from ims_glance.api.ims.operations import OPERATIONS


class NotAllowed(exceptions.Forbidden):
    """The caller's roles do not allow the operation."""

    template = (
        "Your roles in this project do not allow this operation (policy rule '{rule}', by default "
        "{default}). Ask for the role, or use a user that has it."
    )


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """The rules with their defaults, for ``oslo.policy``'s tools."""
    return [
        policy.DocumentedRuleDefault(
            name=operation.policy,
            check_str=operation.access.rule,
            scope_types=["project"],
            description=operation.summary,
            operations=[{"method": operation.method, "path": operation.path}],
        )
        for operation in OPERATIONS
    ]


class Policy:
    """The rules in force."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._enforcer = policy.Enforcer(conf, policy_file=conf.ims_api.policy_file)
        self._enforcer.register_defaults(list_rules())

    def check(self, context: Any, operation: Operation) -> None:
        """Check that the caller may call *operation*.

        :raises NotAllowed: if not, or if the token has no project, in which all is done
        """
        target = {"project_id": context.project_id}
        allowed = context.project_id and self._enforcer.enforce(
            operation.policy, target, context.to_policy_values()
        )
        if not allowed:
            raise NotAllowed(rule=operation.policy, default=f"'{operation.access.rule}'")
