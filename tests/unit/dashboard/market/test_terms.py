# SPDX-License-Identifier: Apache-2.0
from ims_glance.dashboard.market import terms
from ims_glance.model.market import document, entitlement, product


def test_there_is_a_word_for_everything():
    assert set(terms.CATEGORIES) == set(document.CATEGORIES)
    assert set(terms.PRICES) == set(document.PRICE_MODELS)
    assert set(terms.STATES) == {str(each) for each in product.ProductState}
    assert set(terms.VERSION_STATES) == {str(each) for each in product.VersionState}
    assert set(terms.COPY_STATES) == {str(each) for each in entitlement.ProductCopyState}
    assert set(terms.SUBSCRIPTIONS) == {str(each) for each in entitlement.EntitlementState}
    assert set(terms.ACTIONS) == {str(each) for each in product.ProductAction}


def test_there_is_a_word_for_all_that_a_draft_lacks():
    lacking = document.missing({})
    assert {each["field"] for each in lacking} == set(terms.MISSING)
    assert terms.missing({"field": "basic.new", "what": "something new"}) == "something new"


def test_lines_stay_and_what_hides_in_them_is_seen():
    assert terms.lines("a\u202e\r\nb\x00") == "a\ufffd\nb\ufffd"
    assert terms.lines(None) == ""


def test_a_price():
    assert terms.price("free", None) == "Free"
    assert terms.price("hourly", "=1+1") == "Hourly: =1+1"
    assert terms.price(None, None) == "-"


def test_a_product_that_says_nothing():
    shown = terms.shown(None, None, None)
    assert (shown["facts"], shown["texts"], shown["says_ports"]) == ([], [], False)


def test_the_newest_comes_first():
    changes = [{"action": "submit", "from": "draft", "to": "submitted"}, {"action": "approve"}]
    assert [str(each["action"]) for each in terms.history(changes)] == ["Approved", "Submitted"]
    assert [str(each["decision"]) for each in terms.reviews([{"decision": "reject"}])] == [
        "Rejected"
    ]


def test_a_copy_says_what_it_waits_for():
    away = {"region": "RegionTwo", "state": "wanted", "error_code": "IMG.0029", "reason": "Away."}
    (shown,) = terms.copies([away])
    assert (str(shown["state"]), shown["why"]) == ("Being copied", "Away. (IMG.0029)")
