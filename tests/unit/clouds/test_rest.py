# SPDX-License-Identifier: Apache-2.0
"""Refusals of neighbours as our errors."""

import contextlib
import gzip
import ssl
import threading
from typing import ClassVar

import pytest
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import token_endpoint
from keystoneauth1.session import Session

from ims_glance.clouds import image_api, image_frames, ims_api, reading, rest
from ims_glance.clouds.region import Region
from tests.unit.clouds import certified, frames_server
from tests.unit.clouds.silence import TIMEOUT, at_once, silence
from tests.unit.clouds.still_clock import StillClock


def client(server):
    return Region(server.session()).service("image", "Image")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, rest.Refused),
        (401, rest.ServiceUnavailable),
        (403, rest.Refused),
        (404, rest.Missing),
        (409, rest.Refused),
        (410, rest.Missing),
        (302, rest.ServiceUnavailable),
        (500, rest.ServiceUnavailable),
        (503, rest.ServiceUnavailable),
    ],
)
def test_statuses(server, status, error):
    server.failures["GET /v2/images/1"] = [status, status]
    with pytest.raises(error) as caught:
        client(server).request("GET", "/v2/images/1", redirect=False)
    assert type(caught.value) is error
    assert "as the test wants it" in str(caught.value)
    assert "<br" not in str(caught.value)
    assert ("log in again" in str(caught.value)) == (status == 401)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("86400", 60),
        ("", None),
        ("-1", None),
        ("9" * 5000, None),
        ("Mon", None),
    ],
)
def test_a_neighbour_says_when_to_ask_again(there, said, seconds):
    there.instead = lambda handler: handler.answer(503, b"{}", Retry_After=said) or True
    with pytest.raises(rest.ServiceUnavailable) as caught:
        client(there).request("GET", "/v2/images/1")
    assert getattr(caught.value, "seconds", None) == seconds


def test_the_code_of_the_guard_is_passed_on(server):
    server.failures["GET /v2/images/1"] = [403]
    with pytest.raises(rest.Refused) as caught:
        client(server).request("GET", "/v2/images/1")
    assert (caught.value.code, caught.value.status) == ("IMG.0099", 403)
    assert str(caught.value) == "The Image service refused: as the test wants it"


def test_nobody_listens(server):
    server.close()
    with pytest.raises(rest.ServiceUnavailable):
        client(server).request("GET", "/v2/images/1")


def test_an_answer_that_is_no_json(server):
    image_id = server.make(b"data")
    with pytest.raises(rest.ServiceUnavailable):
        client(server).json("GET", f"/v2/images/{image_id}/file")


def test_refusals_of_cinder_are_read(server):
    with pytest.raises(rest.Missing, match="no such volume"):
        client(server).json("GET", "/volumes/1")


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (auth_exceptions.ConnectFailure("no"), rest.ServiceUnavailable),
        (auth_exceptions.DiscoveryFailure("no"), rest.ServiceUnavailable),
        (auth_exceptions.ServiceUnavailable("no"), rest.ServiceUnavailable),
        (auth_exceptions.Unauthorized("no"), rest.DelegationEnded),
        (auth_exceptions.NotFound("trust"), rest.DelegationEnded),
        (auth_exceptions.EndpointNotFound("no"), rest.NotInCatalog),
    ],
)
def test_errors_of_keystone(server, error, ours):
    assert type(client(server).translated(error)) is ours


def test_a_neighbour_that_never_answers():
    with silence() as url:
        session = Session(token_endpoint.Token(url, "token"), timeout=TIMEOUT)
        for timeout in (None, (TIMEOUT, TIMEOUT)):
            neighbour = rest.Rest(Region(session).adapter("image"), "Image", timeout)
            with at_once(), pytest.raises(rest.ServiceUnavailable):
                neighbour.request("GET", "/v2/images/1")


def test_a_neighbour_has_a_minute(server, monkeypatch):
    asked = []

    def request(*_positional, **settings):
        asked.append(settings)
        return _Empty()

    monkeypatch.setattr(Session, "request", request)
    client(server).request("GET", "/v2/images/1")
    client(server).request("PUT", "/v2/images/1", timeout=(1, 2))
    assert [each["timeout"] for each in asked] == [(10, 60), (1, 2)]


def test_another_region_sends_us_nowhere(server, monkeypatch):
    """It would have the token then: where its services are, the catalogue says."""
    asked = []

    def request(*_positional, **settings):
        asked.append(settings.get("redirect"))
        return _Empty()

    monkeypatch.setattr(Session, "request", request)
    here = Region(server.session())
    for region in (here, here.elsewhere("two")):
        region.service("image", "Image").request("GET", "/v2/images/1")
    assert asked == [None, False]


class _Empty:
    """An answer without a body."""

    status_code, reason, content = 204, "No Content", b""
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self):
        self.raw = self

    def read1(self, _size):
        return b""

    def close(self):
        pass


def elsewhere_of(session):
    return Region(session).elsewhere("two").service("image", "Image")


def elsewhere(there):
    return elsewhere_of(there.session())


@pytest.fixture
def there():
    yield from frames_server.serving()


@pytest.mark.parametrize("status", [200, 403])
def test_another_region_drips(there, status, monkeypatch):
    """A byte comes before each time-out, for days."""
    clock, gone, is_over = StillClock(monkeypatch, reading), threading.Event(), threading.Event()

    def instead(handler):
        handler.send_response(status)
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.wfile.write(b" ")
                clock.now += reading._SECONDS / 20
                if gone.wait(0.02):
                    return True
        is_over.set()
        return True

    there.instead = instead
    error = rest.ServiceUnavailable if status == 200 else rest.Refused
    with pytest.raises(error):
        elsewhere(there).json("GET", "/v1/p/jobs/1")
    assert not is_over.is_set()
    gone.set()


def test_another_region_never_ends(there):
    sent = 0

    def instead(handler):
        nonlocal sent
        handler.begin()
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                handler.wfile.write(b" " * 300_000)
                sent += 300_000
        return True

    there.instead = instead
    with pytest.raises(rest.ServiceUnavailable, match="more than"):
        elsewhere(there).json("GET", "/v1/p/jobs/1")
    assert sent < 32 << 20


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 200_000, "without JSON"),
        (b'"\xff"', "without JSON"),
        (b"[]", "list"),
        (b"7", "int"),
        (b"null", "NoneType"),
    ],
)
def test_what_is_no_object_of_json(there, body, said):
    there.instead = lambda handler: handler.answer(200, body) or True
    for service in (elsewhere(there), client(there)):
        with pytest.raises(rest.ServiceUnavailable, match=said):
            service.json_object("GET", "/v1/p/jobs/1")


def test_a_refusal_in_brackets(there):
    there.instead = lambda handler: handler.answer(403, b"[" * 60_000) or True
    with pytest.raises(rest.Refused, match="Forbidden"):
        elsewhere(there).request("GET", "/v1/p/jobs/1")


def test_whoever_is_not_whom_the_catalogue_names_gets_no_token(there, tmp_path):
    """TLS: a certificate that nobody vouches for ends it before anything is sent."""
    certificate, key = certified.itself(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    there.socket = context.wrap_socket(there.socket, server_side=True)
    url = there.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
    session = Session(token_endpoint.Token(url, "token"))
    region = Region(session).elsewhere("two")
    for ask in (
        lambda: ims_api.ImsApi(region).show_job("p", "1"),
        lambda: image_api.ImageApi(region).get("1"),
        lambda: image_frames.ImageFrames(region)._rest.request("POST", "/v1/p/images/1/frames"),
    ):
        with pytest.raises(rest.ServiceUnavailable, match=r"(?i)certificate|ssl"):
            ask()
    assert there.requests == []
    trusting = Session(token_endpoint.Token(url, "token"), verify=str(certificate))
    there.instead = lambda handler: handler.answer(200, b"{}") or True
    assert elsewhere_of(trusting).json_object("GET", "/v1/p/jobs/1") == {}


def test_another_region_packs_nothing(there):
    asked = []

    def instead(handler):
        asked.append(handler.headers["Accept-Encoding"])
        handler.answer(200, gzip.compress(b"{}"), Content_Encoding="gzip")
        return True

    there.instead = instead
    with pytest.raises(rest.ServiceUnavailable, match="without JSON"):
        elsewhere(there).json_object("GET", "/v1/p/jobs/1")
    assert asked == ["identity"]
