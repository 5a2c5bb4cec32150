# SPDX-License-Identifier: Apache-2.0
"""A small cloud in the same process: without a connection, hundreds of jobs cost seconds.

What it answers is what ``tests/unit/clouds`` answer over HTTP; the clients are the real ones down
to ``requests``, of which the transport is replaced.
"""

import copy
import io
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import requests
from keystoneauth1 import session, token_endpoint
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from ims_glance.clouds.identity import Identity
from tests.unit.clouds import cloud_server
from tests.unit.clouds.small_cloud import SmallCloud

URL = "http://cloud"
MARKET = "market"
"""The project of what is sold."""

Serve = Callable[[], requests.Response]
# What a small cloud has that is no state of it.
_PASSING = frozenset(
    {
        "before",
        "requests",
        "around",
        "faults",
        "exchange",
        "spoil",
        "link",
        "ranges",
        "object_ranges",
        "_one_at_a_time",
        "database",
    }
)

State = dict[str, dict[str, Any]]
Kept = dict[str, Any]

# What nothing can change, so that it is its own copy.
_CONSTANT = frozenset({str, bytes, int, float, bool, type(None)})


def copied(value: Any) -> Any:
    """The same as :func:`copy.deepcopy`, which takes its time over what is but lists and names."""
    kind = type(value)
    if kind in _CONSTANT:
        return value
    if kind is dict:
        return {
            name: each if type(each) in _CONSTANT else copied(each) for name, each in value.items()
        }
    if kind is list:
        return [each if type(each) in _CONSTANT else copied(each) for each in value]
    return copy.deepcopy(value)


class DirectCloud(SmallCloud):
    """Glance, Nova, Cinder, and as much of Keystone and Barbican as jobs may leave something in.

    It is both regions, for a job that has to do with two.

    :ivar stored: objects in the inner store of its encrypting store, that are no images', by name
    :ivar secrets: of the key manager, by id
    :ivar trusts: by id
    :ivar reports: what our database keeps of the systems in images, by image; told by whoever has the database
    :ivar around: called with ``METHOD path`` and what serves the request; it returns the answer, or
        raises what the client is to meet
    :ivar exchange: what serves one request
    :ivar database: the service's own, for jobs about what is recorded there beside them
    :ivar faults: what no request of a job should have met: errors of the small cloud itself
    """

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[str, dict[str, Any]] = {}
        self.trusts: dict[str, dict[str, Any]] = {}
        self.stored: dict[str, bytes] = {}
        self.reports: dict[str, Any] = {}
        self.around: Callable[[str, Serve], requests.Response] = lambda _request, serve: serve()
        self.faults: list[str] = []
        self._one_at_a_time = threading.RLock()
        self.exchange: type[Exchange] = Exchange
        self.database: Any = None

    def session(self) -> session.Session:
        """A session that finds every service here."""
        auth = token_endpoint.Token(URL, "token")
        return session.Session(auth=auth, session=self.transport())

    def transport(self) -> requests.Session:
        """What sends requests here."""
        transport = _PlainSession()
        # No look at files and variables for each request.
        transport.trust_env = False
        transport.mount("http://", _Transport(self))
        return transport

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """The answer to a request, as :attr:`around` will have it."""
        path = str(request.path_url).partition("?")[0]
        with self._one_at_a_time:
            return self.around(
                f"{request.method} {path}", lambda: self.exchange(self, request).run()
            )

    def state(self) -> State:
        """All that there is: kind -> id -> what the owner of the thing sees of it."""
        kinds: State = {
            "image": self.images,
            "store file": self.data,
            "members": {image_id: members for image_id, members in self.members.items() if members},
            "volume": self.volumes,
            "server": self.machines.servers,
            "attachments": self.machines.attached,
            "snapshot": self.machines.snapshots,
            "backup": self.backups,
            "secret": self.secrets,
            "trust": self.trusts,
            "stored object": self.stored,
            "file": self.objects,
            "segment": self.segments or {},
            "upload": self.uploads,
            "report": self.reports,
        }
        return copied(kinds)

    def kept(self) -> Kept:
        """All that later requests may be answered by."""
        kept = {name: value for name, value in vars(self).items() if name not in _PASSING}
        return copied({**kept, "machines": vars(self.machines)})

    def restore(self, kept: Kept) -> None:
        """Be as another one was."""
        there = copied(kept)
        vars(self.machines).update(there.pop("machines"))
        vars(self).update(there)

    def settle(self) -> None:
        """Do what is still to be done: another region goes on by itself."""
        for job_id in self.copies:
            self.end_copy(job_id)

    def visible(self, kept: Kept) -> Kept:
        """What of it anybody could see."""
        return kept

    def trust(self) -> str:
        """A new trust; its id."""
        trust_id = uuid.uuid4().hex
        self.trusts[trust_id] = {"id": trust_id}
        return trust_id


class DirectIdentity(Identity):
    """Keystone, as the jobs of a :class:`DirectCloud` know it."""

    def __init__(self, conf: Any, cloud: DirectCloud) -> None:
        super().__init__(conf)
        self._cloud = cloud

    _url = f"{URL}/v3"

    def session_of(self, grant: str, request_id: str | None = None) -> session.Session:
        """A session as a caller, as long as the trust is there."""
        assert grant in self._cloud.trusts
        return self._cloud.session()

    def session_in(self, project: str, request_id: str | None = None) -> session.Session:
        """A session as the service itself in a project of its own."""
        assert project == MARKET
        return self._cloud.session()

    def project_id_of(self, session: Any) -> str:
        """The project of what is sold: no other session of the service's is asked."""
        return MARKET

    def _trust_auth(self, trust_id: str) -> Any:
        return None

    def _session(self, auth: Any, request_id: str | None = None) -> session.Session:
        return self._cloud.session()


def refusal(status: int) -> requests.Response:
    """The answer of a service that does not do what it is asked for."""
    body = {"message": "IMG.0099: as the test wants it<br />"}
    return _response(status, {}, json.dumps(body).encode())


class _PlainSession(requests.Session):
    """Of what a session may have beside each request's own, it has headers and a signer, and nothing else.

    That takes requests longer than all that it makes of the request itself.
    """

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """What is sent: what requests itself makes of a request, which has no cookies."""
        prepared = requests.PreparedRequest()
        headers = CaseInsensitiveDict({**self.headers, **request.headers})
        prepared.prepare_method(str(request.method))
        # It would look long at parameters and data that are none.
        prepared.prepare_url(str(request.url), request.params or None)
        prepared.prepare_headers({name: each for name, each in headers.items() if each is not None})
        prepared.prepare_body(request.data or None, request.files, request.json)
        auth = request.auth or self.auth
        if auth is not None:
            prepared.prepare_auth(auth)
        prepared.prepare_hooks(request.hooks)
        return prepared

    def merge_environment_settings(
        self, url: str, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> dict[str, Any]:
        """As the request has them: there is neither a proxy nor a certificate on the way."""
        return {"proxies": proxies, "stream": bool(stream), "verify": verify, "cert": cert}


class _Transport(BaseAdapter):
    def __init__(self, cloud: DirectCloud) -> None:
        super().__init__()
        self._cloud = cloud

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = self._cloud.answer(request)
        response.request = request
        response.url = str(request.url)
        return response

    def close(self) -> None:
        """There is nothing to close."""


class _Upload:
    """The body of a request, which is made while it is read."""

    def __init__(self, body: Any) -> None:
        self._body = body or b""

    def read(self, _size: int) -> bytes:
        if isinstance(self._body, str):
            return self._body.encode()
        return self._body if isinstance(self._body, bytes) else b"".join(self._body)


class Exchange(cloud_server.Handler):
    """One request and its answer."""

    ROUTES = {  # noqa: RUF012 (as in the base class)
        **cloud_server.Handler.ROUTES,
        "DELETE /v3/OS-TRUST/trusts/([^/]+)": "_delete_trust",
    }

    def __init__(self, cloud: DirectCloud, request: requests.PreparedRequest) -> None:
        # Not the base's: there is no connection.
        self.server = cloud
        self.command = str(request.method)
        self.path = str(request.path_url)
        self.headers = request.headers
        self.rfile = _Upload(request.body)  # type: ignore[assignment]
        # There is no encoding on the way either.
        self.headers.pop("Transfer-Encoding", None)
        self.wfile = self._written = io.BytesIO()
        self.close_connection = False
        self._status = 0
        self._sent: dict[str, str] = {}

    def run(self) -> requests.Response:
        """Serve it."""
        try:
            self._serve()
        except (KeyError, AssertionError, ValueError) as error:
            # The connection would break off; a task might take that for a fault of its own.
            assert isinstance(self.server, DirectCloud)
            self.server.faults.append(f"{self.command} {self.path}: {error!r}")
            return refusal(500)
        if not self._status:
            raise requests.ConnectionError("no answer")
        return _response(self._status, self._sent, self._written.getvalue())

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin the answer."""
        self._status = code

    def send_header(self, keyword: str, value: str) -> None:
        """Of the answer."""
        self._sent[keyword] = value

    def end_headers(self) -> None:
        """Nothing is sent before the whole is."""

    def _delete_trust(self, trust_id: str) -> None:
        assert isinstance(self.server, DirectCloud)
        known = self.server.trusts.pop(trust_id, None)
        self._answer(204 if known else 404)


def _response(status: int, headers: dict[str, str], content: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers)
    response.raw = io.BytesIO(content)
    response.reason = "as it is"
    return response
