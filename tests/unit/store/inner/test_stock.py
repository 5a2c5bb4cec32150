# SPDX-License-Identifier: Apache-2.0
"""The glance_store that is installed has everything that we use of it and that it does not publish."""

import ast
from pathlib import Path

import pytest
from glance_store import driver as store_driver
from glance_store._drivers import filesystem, rbd

from ims_glance.store.inner import stock
from ims_glance.store.inner.s3 import S3Inner
from tests.unit.store import stores

PACKAGE = Path(stock.__file__).parents[2]


def test_the_options_of_every_store():
    names = {option.name for option in stock.common_options()}
    assert {"store_description", "weight"} <= names
    assert stock.common_options() is not store_driver._MULTI_BACKEND_OPTS


def test_the_best_directory(tmp_path):
    class Driver(filesystem.Store):  # type: ignore[misc]
        multiple_datadirs = False
        datadir = str(tmp_path)

        def __init__(self):
            pass

    assert stock.best_directory(Driver(), 1) == str(tmp_path)


def test_a_client_of_s3(tmp_path):
    options = ["s3_store_host = https://s3.example.org", "s3_store_bucket = images"]
    options += ["s3_store_access_key = x", "s3_store_secret_key = x"]
    inner = stores.inner_of("s3", tmp_path, *options)
    assert isinstance(inner, S3Inner)
    assert inner._client.meta.endpoint_url == "https://s3.example.org"


def test_the_module_of_rbd():
    assert stock.rbd() is rbd
    assert rbd.DEFAULT_SNAPNAME == "snap"
    assert {"rados", "rbd"} <= set(vars(rbd))
    assert callable(rbd.Store.get_connection)


def unpublished(source: str) -> list[str]:
    """Names of glance_store, or of one of its drivers, that begin with an underscore."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("glance_store"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found += [name for name in names if name.startswith("_")]
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("glance_store")]
            found += [name for name in names if "._" in name]
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr[1] != "_":
            owner = ast.unparse(node.value).rpartition(".")[2]
            found += [node.attr] * (owner in DRIVERS)
    return found


# What modules and drivers of glance_store are called in our code.
DRIVERS = {"glance_store", "store_driver", "capabilities", "_shared", "driver", "_driver_class"}


def test_they_are_used_nowhere_else():
    found = {path: unpublished(path.read_text()) for path in PACKAGE.rglob("*.py")}
    assert found.pop(Path(stock.__file__))
    wrong = {str(path): names for path, names in found.items() if names}
    assert not wrong, wrong


@pytest.mark.parametrize(
    "source",
    [
        "from glance_store._drivers.swift import utils",
        "from glance_store import _drivers",
        "import glance_store._drivers.rbd",
        "self._shared._create_s3_client()",
        "store_driver._MULTI_BACKEND_OPTS",
    ],
)
def test_a_use_elsewhere_is_found(source):
    assert unpublished(source) != []
