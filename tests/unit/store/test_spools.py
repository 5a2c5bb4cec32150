# SPDX-License-Identifier: Apache-2.0
"""Which store a worker takes for its spools, by Glance's own configuration and without Glance."""

import pytest
from glance_store import exceptions as store_exceptions

from ims_glance import exceptions
from ims_glance.store import inner, spools
from ims_glance.store.inner.file import FileInner
from ims_glance.store.sealed import Owner, SpoolUnavailable
from ims_glance.store.spools import NoSpool, Spools
from tests.unit.conftest import make_conf
from tests.unit.store.stores import IMAGE_ID, KEY_ID
from tests.unit.store.test_spool import Keys

OWNER = Owner("1" * 32, 0, IMAGE_ID)


@pytest.fixture
def configured(tmp_path):
    """What a worker reads, with some options of [ims_jobs]."""

    def conf(stores="plain:file, kms:ims-kms, more:ims-kms", **options):
        files = {name: tmp_path / name for name in ("kms_inner", "elsewhere")}
        return make_conf(
            tmp_path / "glance.conf",
            {
                "DEFAULT": {"enabled_backends": stores},
                "kms": {"ims_kms_inner_driver": "file"},
                "kms_inner": {"filesystem_store_datadir": files["kms_inner"]},
                "more": {"ims_kms_inner_driver": "file", "ims_kms_inner_group": "elsewhere"},
                "elsewhere": {"filesystem_store_datadir": files["elsewhere"]},
                "none": {},
                "ims_jobs": options,
            },
        )

    return conf


def test_the_first_encrypting_store(configured, tmp_path):
    found = spools.find(configured())
    assert isinstance(found, FileInner)
    found.put("ims-spool-x", [b"x"], 1)
    assert (tmp_path / "kms_inner" / "ims-spool-x").exists()


def test_the_one_that_is_named(configured, tmp_path):
    spools.find(configured(spool_store="more")).put("ims-spool-x", [b"x"], 1)
    assert (tmp_path / "elsewhere" / "ims-spool-x").exists()


@pytest.mark.parametrize(
    ("stores", "chosen", "reason"),
    [
        ("plain:file", None, "no encrypting store"),
        ("plain:file, kms:ims-kms", "plain", "names plain"),
        ("kms:ims-kms", "unknown", "names unknown"),
        ("none:ims-kms", None, "none has no ims_kms_inner_driver"),
    ],
)
def test_without_one_it_is_said_what_to_configure(configured, stores, chosen, reason):
    options = {"spool_store": chosen} if chosen else {}
    with pytest.raises(NoSpool, match=reason) as raised:
        spools.find(configured(stores, **options))
    assert "spool_store" in str(raised.value)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (store_exceptions.BadStoreConfiguration(store_name="s", reason="r"), NoSpool),
        (store_exceptions.BackendException("away"), SpoolUnavailable),
    ],
)
def test_a_store_that_cannot_be_made(configured, monkeypatch, raised, told):
    def broken(*_arguments):
        raise raised

    monkeypatch.setattr(inner, "load", broken)
    with pytest.raises(told):
        spools.find(configured())


def test_one_for_each_process(configured):
    conf = configured()
    assert spools.of_process(conf) is spools.of_process(conf)
    assert spools.of_process(conf).inner is spools.of_process(conf).inner


def test_a_spool_from_the_beginning_to_the_end(inner):
    keys = Keys()
    all_spools = Spools(lambda: inner, lambda: keys)
    found = all_spools.open(OWNER, KEY_ID)
    found.data(b"data")
    found.flush()
    assert all_spools.open(OWNER, KEY_ID).end == 4
    all_spools.delete(OWNER)
    all_spools.delete(OWNER)
    assert list(inner.objects()) == []


def test_a_damaged_key_is_one_that_is_lost(inner):
    """What was under it is fetched again."""
    keys = Keys()
    all_spools = Spools(lambda: inner, lambda: keys)
    found = all_spools.open(OWNER, KEY_ID)
    found.data(b"data")
    found.flush()
    path = inner.uri(f"{OWNER.prefix}0").removeprefix("file://")
    with open(path, "r+b") as file:
        file.write(b"XXXX")
    assert all_spools.open(OWNER, KEY_ID).end == 0


def test_a_key_that_is_gone_is_no_damage(inner):
    keys = Keys()
    all_spools = Spools(lambda: inner, lambda: keys)
    all_spools.open(OWNER, KEY_ID)
    del keys.keys[KEY_ID]
    with pytest.raises(exceptions.KeyGone):
        all_spools.open(OWNER, KEY_ID)
