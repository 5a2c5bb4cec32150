# SPDX-License-Identifier: Apache-2.0
"""The driver as glance_store calls it: what it returns, what it refuses, and what it never shows."""

import base64
import hashlib
import logging
import secrets
import traceback
import uuid
from unittest import mock

import glance_store
import pytest
import webob.exc
from glance.common import exception as glance_exception
from glance_store import capabilities
from glance_store import exceptions as store_exceptions
from glance_store import location as store_location
from hypothesis import given
from hypothesis import strategies as st
from oslo_config import cfg
from oslo_context.context import RequestContext

from ims_glance import exceptions
from ims_glance.clouds.image import ImageRecords
from ims_glance.crypto import envelope, stream
from ims_glance.store import driver
from tests.base import PatternSource, pattern
from tests.unit.conftest import make_conf
from tests.unit.store import stores
from tests.unit.store.stores import FIRST, REST

SIZE = FIRST + REST + 5
OBJECT_ID = "0123456789abcdef" * 2


@pytest.fixture
def options(tmp_path, vault_options):
    """Options of a Glance with a plain store and an encrypting one."""
    return {
        "DEFAULT": {"enabled_backends": "plain:file,kms:ims-kms"},
        "glance_store": {"default_backend": "plain"},
        "plain": {"filesystem_store_datadir": tmp_path / "plain"},
        "kms": {"ims_kms_inner_driver": "file"},
        "kms_inner": {"filesystem_store_datadir": tmp_path / "inner"},
        **vault_options,
    }


@pytest.fixture
def make_store(tmp_path, options):
    """Make the encrypting store with the options as they are then."""

    def make() -> driver.Store:
        conf = make_conf(tmp_path / "glance.conf", options)
        conf.register_opt(cfg.DictOpt("enabled_backends"))
        glance_store.register_store_opts(conf)
        store = driver.Store(conf, "kms")
        store.configure(re_raise_bsc=True)
        return store

    return make


@pytest.fixture
def key_id(vault):
    """A key of tenant ``demo``."""
    return vault.make("demo")


@pytest.fixture
def store(make_store, key_id):
    """The encrypting store; every image has :func:`key_id`, and no key is remembered."""
    store = make_store()
    store.conf.set_override("cache_seconds", 0, group="ims_kms")
    store.key_id_of = lambda _image_id: key_id
    return store


def add(store, size=SIZE, source=None):
    """An image; what the driver says of it."""
    source = source or PatternSource(size)
    return store.add(str(uuid.uuid4()), source, size, "sha512")


def locate(store, uri) -> store_location.Location:
    """The location that glance_store makes of *uri*."""
    return store_location.Location(
        "ims-kms", store.get_store_location_class(), store.conf, uri=uri, backend="kms"
    )


def read(store, uri, **range_) -> bytes:
    """An image, or a range of it."""
    pieces, size = store.get(locate(store, uri), **range_)
    data = b"".join(pieces)
    assert size == len(data)
    return data


def leftovers(store) -> list[str]:
    """Everything in the inner store."""
    return stores.names(store.objects)


def test_add(store):
    uri, size, checksum, multihash, metadata = add(store)
    expected = pattern(0, SIZE)
    assert size == SIZE
    assert checksum == hashlib.md5(expected, usedforsecurity=False).hexdigest()
    assert multihash == hashlib.sha512(expected).hexdigest()
    assert metadata == {"store": "kms"}
    scheme, _empty, store_id, object_id = uri.split("/")
    assert (scheme, store_id) == ("ims-kms:", "kms")
    assert envelope.is_object_id(object_id)
    assert leftovers(store) == [f"ims-{object_id}", f"ims-{object_id}.header-a"]


def test_get(store):
    uri = add(store)[0]
    assert read(store, uri) == pattern(0, SIZE)
    assert read(store, uri, offset=5) == pattern(5, SIZE - 5)
    assert read(store, uri, offset=FIRST - 1, chunk_size=2) == pattern(FIRST - 1, 2)
    # Glance says so when there is no range.
    assert read(store, uri, offset=None, chunk_size=None) == pattern(0, SIZE)
    assert store.get_size(locate(store, uri)) == SIZE


def test_an_empty_image(store):
    uri, size, *_rest = add(store, 0)
    assert size == 0
    assert read(store, uri) == b""


def test_delete(store):
    uri = add(store)[0]
    store.delete(locate(store, uri))
    assert leftovers(store) == []
    for call in (store.get, store.get_size, store.delete):
        with pytest.raises(store_exceptions.NotFound):
            call(locate(store, uri))


def test_capabilities(store):
    bits = capabilities.BitMasks
    assert store.is_capable(bits.READ_RANDOM, bits.WRITE_ACCESS, bits.DRIVER_REUSABLE)
    assert store.get_schemes() == ("ims-kms",)


# --- keys ------------------------------------------------------------------------------------


def _deny(vault, key_id):
    vault.change(key_id, service=False)


def _delete(vault, key_id):
    vault.delete(key_id)


def _go_away(vault, _key_id):
    vault.away = True


@pytest.mark.parametrize(
    ("happens", "on_upload", "on_download"),
    [
        (_deny, webob.exc.HTTPForbidden, glance_exception.Forbidden),
        (_delete, webob.exc.HTTPConflict, glance_exception.Forbidden),
        (_go_away, store_exceptions.TimeoutError, store_exceptions.RemoteServiceUnavailable),
    ],
)
def test_when_the_key_cannot_be_read(store, vault, key_id, happens, on_upload, on_download):
    uri = add(store)[0]
    before = leftovers(store)
    happens(vault, key_id)
    with pytest.raises(on_upload):
        add(store)
    assert leftovers(store) == before
    with pytest.raises(on_download):
        store.get(locate(store, uri))
    # The operator, and the owner, can still be rid of it.
    store.delete(locate(store, uri))
    assert leftovers(store) == []


def test_a_key_that_was_deleted_a_moment_ago(make_store, vault, key_id):
    """What is there can be read while the key is remembered; nothing new is written under it."""
    store = make_store()
    store.key_id_of = lambda _image_id: key_id
    uri = add(store)[0]
    before = leftovers(store)
    vault.delete(key_id)
    with pytest.raises(webob.exc.HTTPConflict, match=f"IMG.0095: .*{key_id}.*does not exist"):
        add(store)
    with pytest.raises(exceptions.KeyNotFound):
        store.objects.rekey(uri[-32:], key_id)
    assert leftovers(store) == before
    assert read(store, uri) == pattern(0, SIZE)


class Meanwhile(PatternSource):
    """Something happens while the data comes."""

    def __init__(self, happens):
        super().__init__(SIZE)
        self._happens = happens

    def read(self, size):
        self._happens()
        return super().read(size)


@pytest.mark.parametrize("is_remembered", [True, False])
def test_a_key_that_is_deleted_while_the_data_comes(make_store, vault, key_id, is_remembered):
    """Nobody could ever read it, so it is not accepted."""
    store = make_store()
    store.conf.set_override("cache_seconds", 60 if is_remembered else 0, group="ims_kms")
    store.key_id_of = lambda _image_id: key_id
    source = Meanwhile(lambda: vault.keys() and vault.delete(key_id))
    with pytest.raises(webob.exc.HTTPConflict, match=f"IMG.0095: .*{key_id}.*does not exist"):
        add(store, source=source)
    assert leftovers(store) == []


@pytest.mark.parametrize("at_end", ["new", "none", "deleted"])
def test_an_image_that_gets_another_key_while_the_data_comes(store, vault, key_id, at_end):
    """A re-key does not see this copy, and whoever deletes the old key afterwards loses none of them."""
    new, gone = vault.make("demo"), exceptions.ImageNotFound(image_id="i")
    answers = {"new": new, "none": None, "deleted": gone}
    store.key_id_of = mock.Mock(side_effect=[key_id, answers[at_end]])
    read_before = Meanwhile(store.key_id_of.assert_called_once)
    uri = add(store, source=read_before)[0]
    expected = new if at_end == "new" else key_id
    assert store.objects.header(uri[-32:]).key_ids == (expected,)
    vault.delete(key_id if at_end == "new" else new)
    assert read(store, uri) == pattern(0, SIZE)


def test_a_key_manager_that_goes_away_while_the_data_comes(store, vault, key_id, caplog):
    """The key was there, and nothing says that it is gone."""
    uri = add(store, source=Meanwhile(lambda: setattr(vault, "away", True)))[0]
    vault.away = False
    assert read(store, uri) == pattern(0, SIZE)
    assert f"Key {key_id} was there" in caplog.text


def test_the_last_header_that_can_be_opened_stays(make_store, vault, key_id):
    """A re-key broke off with both headers there, and then its new key was deleted."""
    store = make_store()
    store.key_id_of = lambda _image_id: key_id
    object_id = add(store)[0][-32:]
    header = stores.header_path(store.objects, object_id)
    stored = header.read_bytes()
    store.objects.rekey(object_id, vault.make("demo"))
    header.write_bytes(stored)
    both = leftovers(store)
    vault.delete(key_id)
    with pytest.raises(exceptions.KeyNotFound, match=key_id):
        store.objects.rekey(object_id, key_id)
    assert leftovers(store) == both


@pytest.mark.parametrize("size", [0, FIRST + 4 * REST])
def test_the_key_is_asked_for_before_and_after_an_image_of_any_size(store, monkeypatch, size):
    asked = []
    read = store.keys._read

    def counted(*arguments):
        asked.append(arguments)
        return read(*arguments)

    monkeypatch.setattr(store.keys, "_read", counted)
    add(store, size)
    assert len(asked) == 2


def test_a_key_that_is_gone_is_named(store, vault, key_id):
    uri = add(store)[0]
    vault.delete(key_id)
    with pytest.raises(glance_exception.Forbidden, match=f"IMG.0101: .*{key_id}.*no longer exists"):
        store.get(locate(store, uri))


def test_an_image_without_a_key_is_refused(store):
    store.key_id_of = lambda _image_id: None
    with pytest.raises(webob.exc.HTTPConflict) as caught:
        add(store)
    assert "ims_guard" in caught.value.explanation
    assert leftovers(store) == []


def test_the_key_is_looked_up_in_glances_database(make_store):
    method = make_store().key_id_of
    assert isinstance(method.__self__, ImageRecords)
    assert method.__name__ == "key_id"


def test_reading_needs_the_objects_key_and_not_the_images(store, vault, key_id):
    uri = add(store)[0]
    store.key_id_of = None
    assert read(store, uri) == pattern(0, SIZE)


# --- uploads that fail -----------------------------------------------------------------------


def test_another_size(store):
    with pytest.raises(glance_store.Invalid):
        add(store, 10, PatternSource(9))
    assert leftovers(store) == []


def test_more_than_glance_takes(store):
    """Refused as Glance refuses what is more than was announced, before anybody makes room for it."""
    store.conf.register_opt(cfg.IntOpt("image_size_cap", default=SIZE))
    assert add(store)[1] == SIZE
    with pytest.raises(glance_exception.ImageSizeLimitExceeded, match=str(SIZE)):
        store.add(str(uuid.uuid4()), None, SIZE + 1, "sha512")


def test_a_client_that_is_gone(store):
    class Gone(Exception):
        pass

    class Breaking(PatternSource):
        def read(self, size):
            if self._position:
                raise Gone
            return super().read(size)

    with pytest.raises(Gone):
        add(store, SIZE, Breaking(SIZE))
    assert leftovers(store) == []


def test_a_damaged_object(store):
    uri = add(store)[0]
    body = stores.body_path(store.objects, uri[-32:])
    with stores.flipped(body, 100, 0), pytest.raises(webob.exc.HTTPInternalServerError):
        store.get(locate(store, uri))
    pieces, _size = store.get(locate(store, uri))
    with stores.flipped(body, stream.SEGMENT_SIZE + 7, 0):
        received = b""
        with pytest.raises(Exception, match="damaged"):
            for piece in pieces:
                received += piece
        assert received == pattern(0, FIRST)


# --- locations -------------------------------------------------------------------------------

FORGED = [
    "",
    OBJECT_ID,
    f"ims-kms:{OBJECT_ID}",
    f"ims-kms:/kms/{OBJECT_ID}",
    f"ims-kms:///{OBJECT_ID}",
    f"ims-kms://{OBJECT_ID}",
    "ims-kms://kms",
    "ims-kms://kms/",
    f"ims-kms://kms/{OBJECT_ID[:-1]}",
    f"ims-kms://kms/{OBJECT_ID}0",
    f"ims-kms://kms/{OBJECT_ID.upper()}",
    f"ims-kms://kms/ims-{OBJECT_ID}",
    f"ims-kms://kms/{OBJECT_ID}.header-a",
    f"ims-kms://kms/{OBJECT_ID}/",
    f"ims-kms://kms//{OBJECT_ID}",
    f"ims-kms://kms/./{OBJECT_ID}",
    f"ims-kms://kms/../kms/{OBJECT_ID}",
    "ims-kms://kms/../../../../etc/passwd",
    f"ims-kms://kms/{OBJECT_ID}?x=1",
    f"ims-kms://kms/{OBJECT_ID}?",
    f"ims-kms://kms/{OBJECT_ID}#x",
    f"ims-kms://kms/{OBJECT_ID};x",
    f"ims-kms://kms/{OBJECT_ID}\n",
    f"ims-kms://kms/{OBJECT_ID}\0",
    f" ims-kms://kms/{OBJECT_ID}",
    f"ims-kms://kms/\t{OBJECT_ID}",
    f"ims-kms://kms/%30{OBJECT_ID[1:]}",
    f"ims-kms://k%6ds/{OBJECT_ID}",
    f"ims-kms://user@kms/{OBJECT_ID}",
    f"ims-kms://user:password@kms/{OBJECT_ID}",
    f"ims-kms://kms:80/{OBJECT_ID}",
    f"ims-kms://[kms/{OBJECT_ID}",
    f"ims-kms://KMS/{OBJECT_ID}",
    f"ims-kms://plain/{OBJECT_ID}",
    f"ims-kms://\uff4bms/{OBJECT_ID}",
    "ims-kms://kms/" + OBJECT_ID.replace("0", "\u0660"),
    "ims-kms://kms/" + OBJECT_ID.replace("0", "\uff10"),
    f"ims_kms://kms/{OBJECT_ID}",
    f"IMS-KMS://kms/{OBJECT_ID}",
    f"file:///srv/inner/ims-{OBJECT_ID}",
    "file:///etc/passwd",
    f"rbd://fsid/pool/ims-{OBJECT_ID}/snap",
]


@pytest.mark.parametrize("uri", [uri for uri in FORGED if uri], ids=ascii)
def test_a_forged_location_is_refused(store, uri):
    with pytest.raises(store_exceptions.BadStoreUri):
        locate(store, uri)


@given(st.text(max_size=60))
def test_no_other_text_is_a_location(tail):
    where = driver.StoreLocation({}, None, backend_group="kms")
    for uri in (tail, f"ims-kms://kms/{tail}", f"ims-kms://{tail}/{OBJECT_ID}"):
        if uri != f"ims-kms://kms/{OBJECT_ID}":
            with pytest.raises(store_exceptions.BadStoreUri):
                where.parse_uri(uri)


def test_a_genuine_location(store):
    uri = f"ims-kms://kms/{OBJECT_ID}"
    where = locate(store, uri)
    assert where.store_location.object_id == OBJECT_ID
    assert where.get_store_uri() == uri
    specs = {"store": "kms", "object_id": OBJECT_ID}
    assert driver.StoreLocation(specs, store.conf, backend_group="kms").get_uri() == uri


def test_a_guessed_object_is_not_there(store):
    add(store)
    before = leftovers(store)
    for call in (store.get, store.delete, store.get_size):
        with pytest.raises(store_exceptions.NotFound):
            call(locate(store, f"ims-kms://kms/{OBJECT_ID}"))
    assert leftovers(store) == before


def test_a_location_cannot_be_attached(store):
    """Glance asks for the size, with a context, when somebody attaches one."""
    uri = add(store)[0]
    with pytest.raises(store_exceptions.BadStoreUri, match="upload or import"):
        store.get_size(locate(store, uri), context=RequestContext())


# --- configuration ---------------------------------------------------------------------------


def test_another_inner_group(make_store, options, tmp_path, key_id):
    options["kms"]["ims_kms_inner_group"] = "hidden"
    options["hidden"] = {"filesystem_store_datadir": tmp_path / "hidden"}
    store = make_store()
    store.key_id_of = lambda _image_id: key_id
    uri = add(store)[0]
    assert (tmp_path / "hidden" / f"ims-{uri[-32:]}").exists()


def test_without_an_inner_driver(make_store, options):
    options["kms"] = {}
    with pytest.raises(store_exceptions.BadStoreConfiguration, match="inner_driver is not set"):
        make_store()


def test_an_inner_group_that_users_can_reach(make_store, options):
    options["DEFAULT"]["enabled_backends"] += ",kms_inner:file"
    with pytest.raises(store_exceptions.BadStoreConfiguration, match="enabled_backends"):
        make_store()


def test_an_inner_store_that_is_away_when_glance_starts(
    make_store, options, tmp_path, key_id, caplog
):
    (tmp_path / "mount").write_text("not mounted")
    options["kms_inner"]["filesystem_store_datadir"] = tmp_path / "mount" / "inner"
    store = make_store()
    store.key_id_of = lambda _image_id: key_id
    assert "has no inner store" in caplog.text
    with pytest.raises(store_exceptions.RemoteServiceUnavailable, match="cannot be reached"):
        add(store)
    (tmp_path / "mount").unlink()
    assert read(store, add(store)[0]) == pattern(0, SIZE)


# --- nothing is shown ------------------------------------------------------------------------


def test_neither_log_nor_error_shows_a_key(store, vault, key_id, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    data_key = secrets.token_bytes(32)
    monkeypatch.setattr(envelope, "new_data_key", lambda: data_key)
    uri = add(store)[0]
    read(store, uri)
    store.objects.rekey(uri[-32:], vault.make("demo"))
    shown = [repr(vars(store)), repr(vars(store.objects)), repr(store.objects.header(uri[-32:]))]
    header = stores.header_path(store.objects, uri[-32:], "b")
    for byte in (20, header.stat().st_size - 5):
        with stores.flipped(header, byte, 0):
            try:
                store.get(locate(store, uri))
            except Exception as error:
                shown += traceback.format_exception(error)
    text = caplog.text + "".join(shown)
    assert "damaged" in text
    for secret in (data_key, *(bytes.fromhex(key.secret) for key in vault.keys("demo"))):
        for spelling in (secret.hex(), base64.b64encode(secret).decode(), repr(secret)[2:-1]):
            assert spelling not in text
