# SPDX-License-Identifier: Apache-2.0
from ims_glance.client.resources.replication import STATUSES, Replication
from ims_glance.dashboard.replications import terms
from ims_glance.model.standing_copy import CopyState


def test_there_is_a_word_for_everything():
    assert set(terms.STATUSES) == set(STATUSES)
    assert set(terms.COPIES) == {str(each) for each in CopyState} - {"starting"}


def test_which_images_and_how_many():
    both = Replication(tag="a=b", image_name="<*>\u202e", keep=3)
    assert terms.which(both) == "Tag: a=b, Name: <*>\ufffd"
    assert terms.kept(both) == 3
    assert terms.kept(Replication()) == "All"


def test_a_failure_has_its_code():
    assert terms.why("IMG.0035", "It ended.") == "It ended. (IMG.0035)"
    assert terms.why("IMG.0035", None) == "IMG.0035"
    assert terms.why(None, None) == ""
