# SPDX-License-Identifier: Apache-2.0
import types

import pytest

from ims_glance.api.common import roles


def test_the_role_is_added_to_a_copy():
    context = types.SimpleNamespace(roles=["member"], service_roles=[], project_id="p")
    elevated = roles.as_service(context)
    assert (elevated.roles, elevated.project_id) == (["member", "ims_service"], "p")
    assert context.roles == ["member"]


@pytest.mark.parametrize(
    ("own", "service", "is_service"),
    [
        ([], ["ims_service"], True),
        (["ims_service"], [], False),
        ([], ["service"], False),
        ([], None, False),
    ],
)
def test_only_a_service_token_makes_a_request_the_worker_s(own, service, is_service):
    context = types.SimpleNamespace(roles=own, service_roles=service)
    assert roles.is_service(context) is is_service
