# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo of the marketplace fail when what they show is not so."""

import json
import struct
from typing import Any

import pytest
from pocket_cloud.demo import market
from pocket_cloud.demo.stage import Unexpected

from ims_glance.model.market import document as documents

LINE = "2026-11-29,2026-11-30,p,c,ims-demo-abc,v,e,buyers,RegionOne,s,m1.nano,12"
IMAGE = {"id": "i", "status": "active", "__productcode": "c"}


@pytest.fixture
def answers(stage, monkeypatch):
    """What commands answer, by a word of theirs."""
    answers: dict[str, str] = {}

    def run(*command, **_options):
        return next((answers[word] for word in command if word in answers), "")

    monkeypatch.setattr(stage, "run", run)
    return answers


def test_the_product_lacks_nothing():
    document = market._product("Guest", "image")
    document["basic"]["logo"] = {"digest": "d"}
    assert documents.missing(document) == []


def test_the_logo_is_one(stage):
    assert market._logo()[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", market._logo()[16:24]) == (120, 120)


def test_a_buyer_who_sees_it_too_early_is_seen(stage, answers):
    answers |= {"review": json.dumps([{"ID": "v", "Product": "name"}]), "market": "name"}
    with pytest.raises(Unexpected, match="until then no buyer sees it"):
        market._review(stage, "name")


@pytest.mark.parametrize(
    ("image", "why"),
    [({**IMAGE, "status": "queued"}, "to boot"), ({**IMAGE, "__productcode": ""}, "product code")],
)
def test_what_was_bought_is_looked_at(stage, answers, monkeypatch, image, why):
    answers |= {
        "show": json.dumps({"agreement_digest": "d"}),
        "subscribe": json.dumps({"images": [{"image_id": "i"}], "product": "p"}),
    }
    monkeypatch.setattr(stage, "get", lambda *_arguments, **_named: IMAGE)
    assert market._buy(stage, "name") == ("i", "p")
    monkeypatch.setattr(stage, "get", lambda *_arguments, **_named: image)
    with pytest.raises(Unexpected, match=why):
        market._buy(stage, "name")


def test_the_bill(stage, answers, capsys):
    answers["usage"] = f"begin,end\n{LINE}"
    market._meter(stage, "ims-demo-abc", "p")
    assert ",m1.nano,12" in capsys.readouterr().out
    answers["usage"] = f"begin,end\n{LINE[:-2]}0"
    with pytest.raises(Unexpected, match="how many seconds"):
        market._meter(stage, "ims-demo-abc", "p")


def test_what_is_restricted_is_on_no_list(stage, answers, monkeypatch):
    shown: list[Any] = []
    monkeypatch.setattr(
        stage, "get", lambda _port, path, **_named: {"images": shown} if "?" in path else IMAGE
    )
    market._withdraw(stage, "name", "i")
    answers["list"] = "name"
    with pytest.raises(Unexpected, match="nobody finds it"):
        market._withdraw(stage, "name", "i")
