# SPDX-License-Identifier: Apache-2.0
"""Which of our errors becomes which of those that Glance answers well."""

import errno
import re

import pytest
import requests
import webob.exc
from glance.common import exception as glance_exception
from glance_store import exceptions as store_exceptions

from ims_glance import exceptions
from ims_glance.store import errors

KEY = {"key_id": "k"}
KEY_GONE = exceptions.KeyGone(**KEY, image_id="i")
SERVICE_DENIED = exceptions.ServiceKeyDenied(**KEY, service_user="glance")
AWAY = exceptions.KeyManagerUnavailable(reason="HTTP 500")
DAMAGED = exceptions.ObjectDamaged(object_id="o", reason="cut")
HEADER_MISSING = exceptions.HeaderMissing(object_id="o")

UPLOAD = [
    (exceptions.KeyDenied(**KEY), webob.exc.HTTPForbidden),
    (SERVICE_DENIED, webob.exc.HTTPForbidden),
    (exceptions.KeyUnusable(**KEY, reason="short"), webob.exc.HTTPBadRequest),
    (exceptions.KeyNotFound(**KEY), webob.exc.HTTPConflict),
    (exceptions.ImageNotFound(image_id="i"), webob.exc.HTTPConflict),
    (exceptions.ImageHasNoKey(image_id="i"), webob.exc.HTTPConflict),
    (AWAY, store_exceptions.TimeoutError),
    (DAMAGED, exceptions.ObjectDamaged),
]
DOWNLOAD = [
    (AWAY, store_exceptions.RemoteServiceUnavailable),
    (HEADER_MISSING, store_exceptions.NotFound),
    (KEY_GONE, glance_exception.Forbidden),
    (SERVICE_DENIED, glance_exception.Forbidden),
    (exceptions.KeyNotFound(**KEY), glance_exception.Forbidden),
    (exceptions.KeyUnusable(**KEY, reason="short"), glance_exception.Forbidden),
]


def _ids(value):
    return type(value).__name__ if isinstance(value, BaseException) else value.__name__


def _text(error: BaseException) -> str:
    """As whoever asked Glance reads it."""
    if not isinstance(error, webob.exc.HTTPException):
        return str(error)
    request = webob.Request.blank("/", headers={"Accept": "application/json"})
    body = request.get_response(error).json["message"]
    return " ".join(re.sub("<[^>]*>", " ", body).split())


def _check(door, error, answer) -> None:
    with pytest.raises(answer) as caught, door():
        raise error
    assert type(caught.value) in (answer, errors.EitherUnavailable)
    assert str(error) in _text(caught.value)
    if caught.value is not error:
        # First of all: that is where it is looked for.
        assert _text(caught.value).startswith(f"{error.code}: ")
        # The inner error would say the same again in the log.
        assert caught.value.__suppress_context__


@pytest.mark.parametrize(("error", "answer"), UPLOAD, ids=_ids)
def test_upload(error, answer):
    _check(errors.for_upload, error, answer)


@pytest.mark.parametrize(("error", "answer"), DOWNLOAD, ids=_ids)
def test_download(error, answer):
    _check(errors.for_download, error, answer)


@pytest.mark.parametrize("error", [DAMAGED, OSError(5, "Input/output error", "/srv/ims-1")])
def test_damage_is_told_to_the_operator_only(error, caplog):
    with pytest.raises(webob.exc.HTTPInternalServerError) as caught, errors.for_download():
        raise error
    assert str(error) in caplog.text
    assert _text(caught.value).startswith("IMG.0057: ")
    for detail in ("Object o", "cut", "/srv", "Input/output"):
        assert detail not in _text(caught.value)


OTHERS = [store_exceptions.StorageFull(), ValueError("other"), ConnectionResetError("the client")]
ANSWERED = [
    store_exceptions.NotFound(message="gone"),
    store_exceptions.StoreRandomGetNotSupported(offset=1, chunk_size=2),
    errors.EitherUnavailable("away"),
    webob.exc.HTTPConflict("busy"),
]
OF_STORE = [
    requests.ConnectionError("Swift refused"),
    store_exceptions.BackendException("Swift answers 502"),
    store_exceptions.BadStoreConfiguration(store_name="s", reason="S3 answers 403"),
]


@pytest.mark.parametrize(
    ("door", "error"),
    [
        *((errors.for_upload, error) for error in OF_STORE),
        *((errors.for_download, error) for error in OF_STORE + OTHERS),
        (errors.for_download, TimeoutError("Connection timed out")),
        (errors.for_download, OSError(errno.ESTALE, "Stale file handle", "/srv/ims-1")),
    ],
    ids=_ids,
)
def test_a_store_that_gives_no_usable_answer_is_damage_to_nothing(door, error, caplog):
    """What Glance knows no answer for would close the connection."""
    with (
        pytest.raises(errors.EitherUnavailable, match=r"IMG\.0014: .*Try again later") as caught,
        door(),
    ):
        raise error
    assert str(error) not in str(caught.value)
    assert str(error) in caplog.text
    assert "test_errors.py" in caplog.text


def test_no_secret_of_a_store_is_logged(caplog):
    with pytest.raises(errors.EitherUnavailable), errors.for_download():
        raise ValueError("request {'X-Auth-Token': 'gAAAAAB-secret', 'password': 'secret'}")
    assert "secret'" not in caplog.text


@pytest.mark.parametrize(
    ("door", "error"),
    [
        *((errors.for_upload, error) for error in [*OTHERS, *ANSWERED]),
        *((errors.for_download, error) for error in ANSWERED),
        *((door, KeyboardInterrupt()) for door in (errors.for_upload, errors.for_download)),
    ],
    ids=_ids,
)
def test_what_is_not_ours_passes(door, error):
    with pytest.raises(type(error)) as caught, door():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("door", [errors.for_upload, errors.for_download])
def test_no_error_no_change(door):
    with door():
        done = True
    assert done


def test_service_unavailable_is_known_to_both_directions():
    error = errors.EitherUnavailable("away")
    assert isinstance(error, store_exceptions.RemoteServiceUnavailable)
    assert isinstance(error, store_exceptions.TimeoutError)
    assert "away" in str(error)


def test_every_error_of_ours_has_an_answer_on_upload():
    """Nothing of a family is left to Glance's catch-all, which would answer 500."""
    families = (
        exceptions.Forbidden,
        exceptions.Invalid,
        exceptions.NotFound,
        exceptions.Conflict,
        exceptions.Unavailable,
    )
    for family in families:
        with pytest.raises((webob.exc.HTTPClientError, errors.EitherUnavailable)):  # noqa: SIM117
            with errors.for_upload():
                raise family


def test_the_text_begins_with_the_code():
    assert errors.text(AWAY) == (
        "IMG.0014: The key manager is unavailable (HTTP 500). Try again later."
    )
