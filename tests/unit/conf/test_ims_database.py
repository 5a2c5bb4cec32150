# SPDX-License-Identifier: Apache-2.0
import logging

from oslo_config import cfg
from oslo_db import options as db_options

from ims_glance.conf import ims_database


def conf():
    made = cfg.ConfigOpts()
    made([], default_config_files=[], default_config_dirs=[])
    ims_database.register_opts(made)
    return made


def test_there_is_no_database_by_default():
    assert conf().ims_database.connection is None


def test_nobody_waits_for_a_database_that_is_away():
    assert conf().ims_database.max_retries == 0
    # The defaults of others that use oslo.db stay.
    assert {option.name: option.default for option in db_options.database_opts}["max_retries"] == 10


def test_the_password_is_not_logged(caplog):
    options = conf()
    url = "mysql+pymysql://ims:very-secret@host/ims"
    options.set_override("connection", url, group="ims_database")
    caplog.set_level(logging.DEBUG)
    options.log_opt_values(logging.getLogger(), logging.DEBUG)
    assert "ims_database.connection" in caplog.text
    assert "very-secret" not in caplog.text


def test_listed():
    assert [group for group, _options in ims_database.list_opts()] == ["ims_database"]
