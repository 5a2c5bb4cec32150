# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from unittest import mock

from horizon import exceptions

from ims_glance.dashboard.backups import servers

NAMED = [SimpleNamespace(id=f"s-{name}", name=f"{name}\u202e", status="ACTIVE") for name in "ab"]


def page_of(request, search_opts, detailed):
    """As Nova does it: so many at once as it likes, here one."""
    ids = [each.id for each in NAMED]
    begin = ids.index(search_opts["marker"]) + 1 if "marker" in search_opts else 0
    return NAMED[begin : begin + 1], False


def test_there_are_more_servers_than_nova_shows_at_once():
    with mock.patch("openstack_dashboard.api.nova.server_list", side_effect=page_of):
        found = servers.choices(None)
    assert found == [("s-a", "a\ufffd (Running)"), ("s-b", "b\ufffd (Running)")]


def test_a_compute_service_that_is_away():
    away = exceptions.NotAvailable("away")
    with (
        mock.patch("openstack_dashboard.api.nova.server_list", side_effect=away),
        mock.patch("horizon.exceptions.handle") as handled,
    ):
        assert servers.choices(None) == []
    assert handled.called
