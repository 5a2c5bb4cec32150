# SPDX-License-Identifier: Apache-2.0
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from ims_glance.db import clock


def test_it_is_the_time_and_can_be_calculated_with(tables):
    query = sa.select(clock.now(), clock.now() + 60.0)
    before = time.time()
    now, later = tables.database.read(lambda connection: connection.execute(query).one())
    assert before - 1 < now < time.time() + 1
    assert later - now == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("dialect", "words"),
    [(mysql.dialect(), "UTC_TIMESTAMP(6)"), (postgresql.dialect(), "clock_timestamp()")],
)
def test_on_servers(dialect, words):
    assert words in str(sa.select(clock.now()).compile(dialect=dialect))
