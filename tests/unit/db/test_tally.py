# SPDX-License-Identifier: Apache-2.0
"""How many things of a kind a project has."""

from ims_glance.db import tally


def test_places(tables):
    def tried(limit, project_id="project", kind="k"):
        return tables.database.write(lambda each: tally.take(each, project_id, kind, limit))

    def count():
        return tables.database.read(lambda each: tally.count(each, "project", "k"))

    assert count() == 0
    assert not tried(0)
    assert [tried(2), tried(2), tried(2)] == [True, True, False]
    assert tried(1, "other")
    assert tried(1, kind="l")
    assert count() == 2
    tables.database.write(lambda each: tally.give_back(each, "project", "k"))
    assert count() == 1
    assert tried(2)
