# SPDX-License-Identifier: Apache-2.0
import io

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
    with pytest.raises(ValueError, match=line.split("|")[0]):
        read(line)


def test_files():
    file = io.BytesIO(b"abc")
    file.name = "a.pdf"
    assert draft.upload(file, "other") == {"name": "a.pdf", "content": "YWJj", "kind": "other"}
    known = {"name": "a.pdf", "digest": "d", "size": 3, "media_type": "application/pdf"}
    assert draft.kept(known) == {"name": "a.pdf", "digest": "d"}
