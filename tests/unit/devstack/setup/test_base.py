# SPDX-License-Identifier: Apache-2.0
import configparser
import json
import re

import pytest
from pocket_cloud import template
from pocket_cloud.cloud import CHECKOUT
from pocket_cloud.errors import PocketError
from pocket_cloud.setup import base

from ims_glance.conf import ims_audit, ims_usage

DATABASES = {**base.LIGHT_DATABASES, **base.FULL_DATABASES}


def test_every_database_that_a_service_names_is_made_for_it(cloud):
    values = {**cloud.values, "region": "one", "region_name": "x", "market": "true"}
    values |= {"glance_port": "1", "not_inherited": "x"}
    named = set()
    for path in template.FOLDER.glob("*.conf"):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(template.render(path.name, values))
        except configparser.Error:
            continue  # not an INI file: nothing of OpenStack's
        for section in parser.sections():
            named.add(parser[section].get("connection", ""))
    found = {
        match[2]: match[1]
        for text in named
        if (match := re.match(r"mysql\+pymysql://(\w+):\w+@[\d.:]+/(\w+)\?", text))
    }
    assert found.items() <= DATABASES.items()
    assert DATABASES.keys() - found.keys() == {"glance_two", "ims_two", "nova_cell0"}


def test_the_queue_of_audit_events_is_bounded(cloud):
    """The administrators' guide says the same as is done here."""
    assert json.loads(base.AUDIT_POLICY).keys() == {"max-length", "message-ttl", "overflow"}
    said = " ".join((CHECKOUT / "doc/source/admin/audit.rst").read_text().split())
    words = f"set_policy ims-audit '{base.AUDIT_QUEUES}' \\ '{base.AUDIT_POLICY}' --apply-to queues"
    assert words in said
    (step,) = [each for each in base.FULL if each.name == "audit-queue-policy"]
    filled = template.fill(step.command, cloud.values, step.name)
    assert words.replace("\\ ", "") in filled
    assert "PATH=/usr/lib/rabbitmq/bin:$PATH" in filled
    topic = next(each.default[0] for each in ims_audit.OPTS if each.name == "topics")
    assert re.match(base.AUDIT_QUEUES, f"{topic}.info")


def test_the_queues_of_notifications_are_bounded(cloud):
    (step,) = [each for each in base.FULL if each.name == "usage-queue-policy"]
    queues = base.USAGE_QUEUES.replace("$$", "$")
    assert f"set_policy ims-usage '{queues}'" in template.fill(
        step.command, cloud.values, step.name
    )
    queue = next(each.default for each in ims_usage.OPTS if each.name == "notification_queue")
    assert re.match(queues, queue)
    assert re.match(queues, "notifications.info")
    assert not re.match(queues, "ims_usage_of_others")


def test_no_database_is_made_twice():
    assert not base.LIGHT_DATABASES.keys() & base.FULL_DATABASES.keys()


def test_without_a_server_sql_says_so(cloud):
    with pytest.raises(PocketError, match="connect"):
        base.sql(cloud, "SELECT 1")
