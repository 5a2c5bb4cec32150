# SPDX-License-Identifier: Apache-2.0
"""A driver whose library is missing says where that comes from, and disturbs no other driver."""

import sys

import pytest
from glance_store import exceptions as store_exceptions

from tests.unit.store import stores


@pytest.mark.parametrize(
    ("driver", "module", "remedy"),
    [
        ("s3", "boto3", "pip install 'ims_glance[s3]'"),
        ("s3", "botocore", "pip install 'ims_glance[s3]'"),
        ("swift", "swiftclient", "pip install 'ims_glance[swift]'"),
        ("rbd", "rados", "python3-rados"),
        ("rbd", "rbd", "python3-rbd"),
    ],
)
def test_a_missing_library(monkeypatch, tmp_path, driver, module, remedy):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(store_exceptions.BadStoreConfiguration) as raised:
        stores.inner_of(driver, tmp_path)
    assert f"driver {driver} lacks a library" in str(raised.value)
    assert module in str(raised.value)
    assert remedy in str(raised.value)
    assert list(stores.file_inner(tmp_path / "inner").objects()) == []
