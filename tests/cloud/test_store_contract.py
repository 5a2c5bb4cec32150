# SPDX-License-Identifier: Apache-2.0
"""Every encrypting store of the pocket cloud, and the stock driver below it, keeps the contract.

With the configuration of RegionOne's Glance, so on real Ceph, Swift and S3, and with a key of tenant
``demo`` in the real Barbican.
"""

import faulthandler
import gc
import secrets
import uuid

import glance_store
import pytest
import webob.exc
from oslo_config import cfg
from oslo_context.context import RequestContext

from ims_glance import exceptions, keys
from ims_glance.crypto.stream import SEGMENT_SIZE
from ims_glance.store import driver, sealed
from ims_glance.store.inner.base import NAME_PREFIX
from ims_glance.store.inner.rbd import RbdInner
from ims_glance.store.sealed import Owner, SealedObjects
from ims_glance.store.spool import Overtaken, Spool
from tests.cloud import login, pocket
from tests.cloud.store_contract import StoreContract

pytestmark = pytest.mark.pocket

_STORES = {"file": "kms", "rbd": "kms-rbd", "swift": "kms-swift", "s3": "kms-s3"}


@pytest.fixture(scope="module")
def conf():
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.DictOpt("enabled_backends"))
    conf([], project="glance", default_config_files=pocket.glance_config_files())
    glance_store.register_store_opts(conf)
    return conf


@pytest.fixture(scope="module")
def key_id(conf):
    """The default key of tenant ``demo``, opened to the service."""
    cloud = login.connect("demo")
    context = RequestContext(auth_token=cloud.auth_token, project_id=cloud.session.get_project_id())
    manager = keys.of_process(conf)
    key_id = manager.default_key(context)
    manager.open_to_service(context, key_id)
    return key_id


@pytest.fixture(scope="module", params=sorted(_STORES))
def encrypting_store(request, conf, key_id) -> driver.Store:
    """One encrypting store after the other."""
    store = driver.Store(conf, _STORES[request.param])
    store.configure(re_raise_bsc=True)
    store.key_id_of = lambda _image_id: key_id
    return store


class _OverInner(StoreContract):
    @pytest.fixture
    def leftovers(self, encrypting_store, monkeypatch):
        """Names of all objects that the test has made and that are there; the store is others', too."""
        inner, put = encrypting_store.objects.inner, encrypting_store.objects.inner.put

        def seen(name, *rest):
            self.made.add(name)
            put(name, *rest)

        monkeypatch.setattr(inner, "put", seen)
        return lambda: [
            stored.name
            for stored in inner.objects()
            if any(stored.name.startswith(name) for name in self.made)
        ]


class TestEncryptingStore(_OverInner):
    @pytest.fixture
    def open_store(self, encrypting_store):
        return lambda: encrypting_store

    # Not in the contract: the stock swift driver stores what was announced and drops the rest, or
    # waits a minute for what does not come.
    @pytest.mark.parametrize("announced", [10_000, 3_000_000])
    def test_refuses_another_size_than_announced(self, open_store, leftovers, announced):
        with pytest.raises(glance_store.Invalid):
            self.add(open_store(), secrets.token_bytes(2_000_000), size=announced)
        assert leftovers() == []

    def test_body_that_was_cut_off_is_found(self, open_store, stored):
        _data, where = stored
        inner = open_store().objects.inner
        body = f"{NAME_PREFIX}{where.store_location.object_id}"
        whole = b"".join(inner.stream(body, 0)[0])
        inner.delete(body)
        inner.put(body, [whole[:SEGMENT_SIZE]], SEGMENT_SIZE)
        with pytest.raises(exceptions.ObjectDamaged):
            self.read(open_store(), where)
        with pytest.raises(webob.exc.HTTPInternalServerError, match=r"IMG\.0057"):
            open_store().get(where, offset=2 * SEGMENT_SIZE, chunk_size=10)

    def test_inner_store_never_sees_plaintext(self, open_store):
        marker = b"IN PLAIN SIGHT, NOT IN THE STORE"
        uri, *_rest = self.add(open_store(), marker * 100_000)
        where = self.locate(open_store(), uri)
        inner = open_store().objects.inner
        kept = b""
        for stored in inner.objects():
            if where.store_location.object_id in stored.name:
                kept += b"".join(inner.stream(stored.name, 0)[0])
        assert len(kept) > len(marker) * 100_000
        assert marker not in kept
        open_store().delete(where)

    @pytest.mark.parametrize("is_in_a_cycle", [False, True])
    def test_a_reader_that_nobody_closes(self, open_store, stored, is_in_a_cycle):
        """Ceph's library never comes back from closing an image whose connection has ended."""
        data, where = stored
        inner = open_store().objects.inner
        reader = inner.open(f"{NAME_PREFIX}{where.store_location.object_id}")
        assert len(reader.read(0, 1000)) == 1000
        if isinstance(inner, RbdInner):
            inner.renew()
        if is_in_a_cycle:
            reader.itself = reader
        faulthandler.dump_traceback_later(120, exit=True)
        try:
            del reader
            gc.collect()
        finally:
            faulthandler.cancel_dump_traceback_later()
        assert self.read(open_store(), where) == data

    def test_spool_of_a_job(self, open_store, leftovers, key_id):
        """What comes from another region lies in the same inner store, and is nobody else's."""
        store = open_store()
        inner = store.objects.inner
        owner = Owner(secrets.token_hex(16), 0, str(uuid.uuid4()))

        def opened():
            return Spool(SealedObjects(inner, owner, key_id, store.keys))

        wanted = secrets.token_bytes(4_000_000)
        piece = secrets.token_bytes(65_536)
        first = opened()
        first.piece(b"a prefix", 0, piece)
        first.data(wanted[:2_000_000])
        first.data(wanted[2_000_000:])
        first.flush()
        second = opened()
        second.held(len(piece), [second.place(b"a prefix")])
        second.flush()
        assert b"".join(second.chunks()) == wanted + piece
        second.close()
        first.data(b"by a worker that was taken for dead")
        with pytest.raises(Overtaken):
            first.flush()
        first.close()
        assert {each.job_id for each in sealed.left(inner)} >= {owner.job_id}
        sealed.delete(inner, owner)
        assert leftovers() == []


class TestStockDriver(_OverInner):
    @pytest.fixture
    def open_store(self, encrypting_store):
        return encrypting_store.objects.inner._new_driver
