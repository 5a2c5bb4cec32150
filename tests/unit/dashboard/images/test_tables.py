# SPDX-License-Identifier: Apache-2.0
from ims_glance.client.resources.image import TYPES
from ims_glance.dashboard.images import tables


def test_each_tab_has_a_table_of_its_own():
    """Horizon binds actions to the last table of a class."""
    classes = [
        each
        for each in tables.ImagesTable.__subclasses__()
        if "dashboard.images" in each.__module__
    ]
    names = {each._meta.name for each in classes}
    assert len(names) == len(classes)
    assert names == {*TYPES, "offered"}


def test_rows_that_are_not_finished_are_asked_for_again():
    choices = dict(tables.ImagesTable.base_columns["status"].status_choices)
    assert choices["active"] is True
    assert "saving" not in choices
    assert tables.PrivateImages._meta.row_class.ajax
