# SPDX-License-Identifier: Apache-2.0
import io
import re

import pytest

from ims_glance.dashboard.selling import draft


def test_ports_there_and_back():
    typed = "22\n 5432/TCP SQL and more \n\n53/udp"
    ports = draft.read_ports(typed)
    assert ports == [
        {"port": 22},
        {"port": 5432, "protocol": "tcp", "purpose": "SQL and more"},
        {"port": 53, "protocol": "udp"},
    ]
    assert draft.write_ports(ports) == "22/tcp\n5432/tcp SQL and more\n53/udp"
    assert draft.write_ports(None) == ""


def test_specifications_there_and_back():
    typed = "small\nlarge | Large | | 2 an hour"
    known = draft.read_specifications(typed)
    assert known == [{"sku": "small"}, {"sku": "large", "name": "Large", "price": "2 an hour"}]
    assert draft.read_specifications(draft.write_specifications(known)) == known


def test_attributes_there_and_back():
    known = draft.read_pairs("engine = quick\nformula==1+1")
    assert known == {"engine": "quick", "formula": "=1+1"}
    assert draft.read_pairs(draft.write_pairs(known)) == known


@pytest.mark.parametrize(
    ("read", "line"),
    [
        (draft.read_ports, "http"),
        (draft.read_pairs, "engine"),
        (draft.read_specifications, "| no sku"),
        (draft.read_specifications, "a|b|c|d|e"),
    ],
)
def test_a_line_that_is_not_understood(read, line):
    with pytest.raises(ValueError, match=re.escape(line)):
        read(line)


def test_files():
    file = io.BytesIO(b"abc")
    file.name = "a.pdf"
    assert draft.upload(file, "other") == {"name": "a.pdf", "content": "YWJj", "kind": "other"}
    known = {"name": "a.pdf", "digest": "d", "size": 3, "media_type": "application/pdf"}
    assert draft.kept(known) == {"name": "a.pdf", "digest": "d"}


@pytest.mark.parametrize(
    ("name", "stored", "can_be"),
    [
        ("ports", None, True),
        ("ports", [{"port": 22}], True),
        ("ports", [{"port": 22, "purpose": "a\n23"}], False),
        ("specifications", [{"sku": "s", "name": "", "price": "1 "}], True),
        ("specifications", [{"sku": "s", "description": "a | b"}], False),
        ("specifications", [{"sku": "s", "description": "a\ntests", "price": "1"}], False),
        ("specifications", [{"sku": "s", "description": "a|b|c", "price": "1"}], False),
        ("attributes", {"a": "=1", "b": ""}, True),
        ("attributes", {"a=b": "1"}, False),
        ("keywords", ["a b", "c"], True),
        ("keywords", ["a,b"], False),
    ],
)
def test_what_can_be_typed(name, stored, can_be):
    assert draft.can_be_typed(name, stored) == can_be


def test_texts_that_are_the_same():
    assert draft.one_end("a\r\nb\rc\n") == "a\nb\nc\n"
    assert draft.is_same(" a\nb\n", "a\r\nb")
    assert not draft.is_same("a b", "a  b")
