# SPDX-License-Identifier: Apache-2.0
from ims_glance.client.resources.backup import STATUSES, Backup
from ims_glance.dashboard.backups import terms
from ims_glance.model.image.attributes import CAPTURES


def test_there_is_a_word_for_everything():
    assert set(terms.STATUSES) == set(STATUSES)
    assert set(terms.CAPTURES) == set(CAPTURES)


def test_one_without_names():
    nameless = Backup(id="b")
    assert (terms.name(nameless), terms.server(nameless)) == ("b", "-")
    assert terms.disks(nameless) == []
