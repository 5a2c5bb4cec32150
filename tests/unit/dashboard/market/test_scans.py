# SPDX-License-Identifier: Apache-2.0
from ims_glance.dashboard.market import scans
from ims_glance.model.market.scan.report import STATES
from ims_glance.model.market.scan.rules import Severity


def test_there_is_a_word_for_everything():
    assert set(scans.STATES) == set(STATES)
    assert set(scans.SEVERITIES) == {str(each) for each in Severity}


def test_nobody_looked_yet():
    assert scans.shown(None) is None


def test_what_was_found_and_what_to_do():
    found = {"severity": "blocks", "where": "/root/<b>\u202e", "what": "a key", "advice": "Go."}
    report = {"state": "refused", "findings": [found], "notes": ["Half\x00"], "more": 2}
    shown = scans.shown(report)
    assert shown is not None
    assert str(shown["state"]) == "Refused for what was found"
    assert shown["findings"] == [
        {
            "severity": scans.SEVERITIES["blocks"],
            "where": "/root/<b>\ufffd",
            "what": "a key",
            "advice": "Go.",
        }
    ]
    assert (shown["notes"], shown["more"]) == (["Half\ufffd"], 2)
