# SPDX-License-Identifier: Apache-2.0
"""A product as a file: from paths, to what the API takes, and back."""

import base64
import json

import pytest
import yaml
from osc_lib import exceptions

from ims_glance.client import product_file
from tests.unit.api.ims.market_world import CERTIFICATE, MarketWorld, png, whole


def written(folder, name, draft):
    path = folder / name
    path.write_text(json.dumps(draft) if name.endswith(".json") else yaml.safe_dump(draft))
    return str(path)


@pytest.mark.parametrize("name", ["product.yaml", "product.json"])
def test_files_are_beside_it(tmp_path, name):
    (tmp_path / "logo.png").write_bytes(png())
    (tmp_path / "report.pdf").write_bytes(CERTIFICATE)
    draft = whole()
    draft["basic"]["logo"] = "logo.png"
    draft["basic"]["certificates"] = [{"file": "report.pdf", "kind": "self-test report"}]
    read = product_file.read(written(tmp_path, name, draft))
    assert base64.b64decode(read["basic"]["logo"]["content"]) == png()
    (certificate,) = read["basic"]["certificates"]
    assert (certificate["name"], certificate["kind"]) == ("report.pdf", "self-test report")
    assert read["business"] == draft["business"]


def test_what_is_shown_makes_the_same_again(tmp_path):
    """Through the API and back."""
    world = MarketWorld(tmp_path)
    first = world.own(world.draft(), files="true")
    path = tmp_path / "again.yaml"
    path.write_text(product_file.text(first))
    again = world.own(world.call("create_product", product_file.read(str(path))), files="true")
    assert product_file.text(again) == product_file.text(first)
    assert again["missing"] == []
    assert product_file.text({"name": "a", "basic": None}) == "name: a\n"


@pytest.mark.parametrize(
    "text", ["[1, 2]", "a: [", "\0", "!!python/object:os.system {}", '{"a": 1', "- " * 3]
)
def test_what_is_no_product(tmp_path, text):
    path = tmp_path / "product.yaml"
    path.write_text(text)
    with pytest.raises(exceptions.CommandError):
        product_file.read(str(path))


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(exceptions.CommandError, match="cannot be read"):
        product_file.read(str(tmp_path / "none.yaml"))
    path = written(tmp_path, "product.yaml", {"basic": {"logo": "none.png"}})
    with pytest.raises(exceptions.CommandError, match=r"none\.png"):
        product_file.read(path)
    with (tmp_path / "large.yaml").open("wb") as large:
        large.truncate(33 << 20)
    with pytest.raises(exceptions.CommandError, match="32 MiB"):
        product_file.read(str(tmp_path / "large.yaml"))


def test_what_a_seller_calls_its_files_is_nobody_s_path(tmp_path):
    world = MarketWorld(tmp_path)
    draft = whole()
    draft["basic"]["certificates"][0]["name"] = "../../escaped.pdf"
    shown = world.own(world.draft(**draft), files="true")
    folder = tmp_path / "saved"
    paths = product_file.save(shown["basic"], str(folder))
    assert paths == [str(folder / "logo.png"), str(folder / "certificate-1.pdf")]
    assert (folder / "certificate-1.pdf").read_bytes() == CERTIFICATE
    with pytest.raises(exceptions.CommandError, match="cannot be written"):
        product_file.save(shown["basic"], str(folder))
    assert product_file.save({}, str(folder)) == []
