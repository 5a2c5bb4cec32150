# SPDX-License-Identifier: Apache-2.0
import configparser
import re

import pytest
from pocket_cloud import template
from pocket_cloud.errors import PocketError
from pocket_cloud.setup import base

DATABASES = {**base.LIGHT_DATABASES, **base.FULL_DATABASES}


def test_every_database_that_a_service_names_is_made_for_it(cloud):
    values = {**cloud.values, "region": "one", "region_name": "x"}
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


def test_no_database_is_made_twice():
    assert not base.LIGHT_DATABASES.keys() & base.FULL_DATABASES.keys()


def test_without_a_server_sql_says_so(cloud):
    with pytest.raises(PocketError, match="connect"):
        base.sql(cloud, "SELECT 1")
