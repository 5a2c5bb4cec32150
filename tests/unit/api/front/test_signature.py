# SPDX-License-Identifier: Apache-2.0
"""Who asks: tokens under Huawei's name, signatures, and nothing that pretends to be either."""

import datetime
import hashlib
import json
import threading
import urllib.parse
from typing import Any
from wsgiref import simple_server

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions import exceptions as sdk_exceptions
from huaweicloudsdkcore.signer import signer as sdk_signers
from huaweicloudsdkims.v2 import ims_client, model
from hypothesis import given
from hypothesis import strategies as st
from keystoneauth1 import access, fixture
from oslo_config import cfg

from ims_glance.api.common import tokens
from ims_glance.api.front import dispatch, signature
from ims_glance.clouds import ec2
from tests.unit.api.front import sdk_requests

TOKEN = "token of the owner"
PATCH = "application/openstack-images-v2.1-json-patch"


class Credentials:
    """One credential, without a Keystone."""

    def __init__(self):
        self.error = None
        self.forgotten = []

    def find(self, access_key):
        if self.error:
            raise self.error
        if access_key != sdk_requests.ACCESS:
            raise ec2.AccessDenied(reason="there is no such credential")
        return ec2.Credential(access_key, sdk_requests.SECRET, "u", sdk_requests.PROJECT)

    def grant(self, _credential):
        return access.AccessInfoV3(fixture.V3Token(), TOKEN)

    def forget(self, access_key):
        self.forgotten.append(access_key)


class Application:
    """What stands behind the filter; answers what it saw."""

    status = "200 OK"

    def __call__(self, environ, start_response):
        self.environ = environ
        self.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(self.status, [("Content-Type", "application/json")])
        return [b"{}"]


class Door:
    """The filter in front of such an application."""

    def __init__(self, credentials=None, **options):
        self.app = Application()
        self.filter = signature.Signature(self.app, credentials, **options)

    def __call__(self, environ):
        """Status and, of a refusal, the error."""
        started = []
        self.app.environ = None
        body = b"".join(self.filter(environ, lambda *answer: started.append(answer)))
        self.headers = {name.lower(): value for name, value in started[0][1]}
        return started[0][0][:3], json.loads(body or "{}").get("error")

    @property
    def token(self):
        return self.app.environ.get("HTTP_X_AUTH_TOKEN")


@pytest.fixture
def credentials():
    return Credentials()


@pytest.fixture
def door(credentials):
    return Door(credentials)


# --- tokens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_security_token_is_a_token(credentials, is_enabled):
    """The SDK signs all the same, with keys that need not exist."""
    door = Door(credentials if is_enabled else None)
    environ = sdk_requests.signed(secret="dummy", X_Security_Token="mine")
    assert door(environ) == ("200", None)
    assert door.token == "mine"
    assert "HTTP_X_SECURITY_TOKEN" not in door.app.environ
    assert tokens.ACCESS_KEY not in door.app.environ


@pytest.mark.parametrize(("usual", "expected"), [("mine", "200"), ("", "200"), ("other", "401")])
def test_two_tokens_must_be_one(door, usual, expected):
    environ = sdk_requests.signed(X_Security_Token="mine", X_Auth_Token=usual)
    status, error = door(environ)
    assert status == expected
    assert error is None or error["code"] == "IMG.0087"


def test_a_token_decides_alone(door):
    """Whoever adds a token to somebody's signed request is whom the token says."""
    assert door(sdk_requests.signed() | {"HTTP_X_AUTH_TOKEN": "mine"})[0] == "200"
    assert door.token == "mine"
    assert tokens.ACCESS_KEY not in door.app.environ


@pytest.mark.parametrize("authorization", [None, "Basic eDp5", "AWS4-HMAC-SHA256 Credential=x"])
def test_other_requests_pass_as_they_are(door, authorization):
    environ = sdk_requests.environ("GET", "/v2/images", {}, b"")
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    before = dict(environ)
    assert door(environ) == ("200", None)
    assert door.app.environ == before


def test_nobody_says_by_himself_that_a_request_was_signed(door):
    environ = sdk_requests.environ("GET", "/v2/images", {}, b"") | {tokens.ACCESS_KEY: "x"}
    door(environ)
    assert tokens.ACCESS_KEY not in door.app.environ


# --- signatures ------------------------------------------------------------------------------


def test_a_signature_becomes_the_owners_token(door):
    environ = sdk_requests.signed("POST", "/v1/a%20b%2Fc", [("x", "é &")], b'{"a": 1}')
    environ |= {"HTTP_X_STORAGE_TOKEN": "x", "HTTP_X_SERVICE_TOKEN": "x"}
    assert door(environ) == ("200", None)
    assert door.token == TOKEN
    assert door.app.body == b'{"a": 1}'
    assert door.app.environ[tokens.ACCESS_KEY] == sdk_requests.ACCESS
    for name in ("HTTP_AUTHORIZATION", "HTTP_X_STORAGE_TOKEN", "HTTP_X_SERVICE_TOKEN"):
        assert name not in door.app.environ


def test_under_a_prefix(credentials):
    door = Door(credentials)
    root = dispatch.Doors(door.filter, door.filter, ["/image"])
    started = []
    environ = sdk_requests.signed(path="/image/v2/cloudimages")
    list(root(environ, lambda *answer: started.append(answer)))
    assert started[0][0] == "200 OK"
    assert door.app.environ["PATH_INFO"] == "/v2/cloudimages"
    assert door.token == TOKEN


def test_a_refusal_has_the_request_id_that_the_sdk_reads(door):
    root = dispatch.Doors(door.filter, door.filter)
    started = []
    body = b"".join(root(sdk_requests.signed(secret="x"), lambda *answer: started.append(answer)))
    headers = dict(started[0][1])
    assert started[0][0].startswith("401")
    assert headers["X-Request-Id"].startswith("req-")
    assert headers["WWW-Authenticate"] == "SDK-HMAC-SHA256"
    assert json.loads(body)["error"]["code"] == "IMG.0037"


def test_signatures_are_off_unless_enabled():
    conf = cfg.ConfigOpts()
    made = signature.make(conf, Application())
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    started = []
    body = b"".join(made(sdk_requests.signed(), lambda *answer: started.append(answer)))
    assert started[0][0].startswith("401")
    assert "with_security_token" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "signer",
    [
        sdk_signers.SM3Signer,
        sdk_signers.P256SHA256Signer,
        sdk_signers.SM2SM3Signer,
    ],
)
def test_other_algorithms_are_refused(door, signer):
    status, error = door(sdk_requests.signed(signer=signer))
    assert (status, error["code"]) == ("401", "IMG.0037")
    assert "SDK-HMAC-SHA256" in error["message"]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0, "200"), (14.9, "200"), (-14.9, "200"), (15.1, "401"), (-16, "401")],
)
def test_the_clocks_may_differ_by_15_minutes(credentials, minutes, expected):
    now = datetime.datetime.now(datetime.UTC)
    door = Door(credentials, clock=lambda: now + datetime.timedelta(minutes=minutes))
    assert door(sdk_requests.signed())[0] == expected


@pytest.mark.parametrize("date", ["", "now", "2026-01-01T00:00:00Z", "99991231T999999Z", "\xff"])
def test_a_date_of_another_form(door, date):
    environ = sdk_requests.signed() | {"HTTP_X_SDK_DATE": date}
    assert door(environ)[1]["message"].count("YYYYMMDDTHHMMSSZ") == 1


def test_the_project_must_be_the_credentials(door):
    status, error = door(sdk_requests.signed(X_Project_Id="other"))
    assert (status, error["code"]) == ("401", "IMG.0030")
    environ = sdk_requests.signed() | {"HTTP_X_PROJECT_ID": sdk_requests.PROJECT + "\t"}
    assert door(environ)[0] == "200"


def test_an_unknown_key(door):
    environ = sdk_requests.signed()
    text = environ["HTTP_AUTHORIZATION"].replace(sdk_requests.ACCESS, "b" * 32)
    status, error = door(environ | {"HTTP_AUTHORIZATION": text})
    assert (status, error["code"]) == ("401", "IMG.0037")


def test_keystone_is_away(door, credentials):
    """Then nobody gets in, and clients may try again."""
    credentials.error = ec2.SignatureUnchecked(reason="ConnectFailure")
    status, error = door(sdk_requests.signed())
    assert (status, error["code"]) == ("503", "IMG.0014")
    assert door.app.environ is None


def test_a_large_body_needs_a_token(credentials):
    door = Door(credentials, max_body_mib=1)
    body = b"x" * (1024 * 1024 + 1)
    status, error = door(sdk_requests.signed("PUT", body=body))
    assert (status, error["code"]) == ("400", "IMG.0016")
    assert door.app.environ is None


def test_a_token_that_is_not_accepted_is_forgotten(door, credentials):
    door(sdk_requests.signed())
    assert credentials.forgotten == []
    door.app.status = "401 Unauthorized"
    door(sdk_requests.signed())
    assert credentials.forgotten == [sdk_requests.ACCESS]


def test_a_patch_of_the_image_api_has_no_signed_body(door):
    environ = sdk_requests.signed("PATCH", "/v2/images/1", body=b"[1]", Content_Type=PATCH)
    assert environ["HTTP_X_SDK_CONTENT_SHA256"] == "UNSIGNED-PAYLOAD"
    assert door(environ) == ("200", None)
    assert door.app.body == b"[1]"
    for content_type in (sdk_requests.JSON, "application/octet-stream"):
        environ = sdk_requests.signed("PATCH", body=b"[1]", Content_Type=PATCH)
        assert door(environ | {"CONTENT_TYPE": content_type})[0] == "401"
    other = sdk_requests.signed("PUT", body=b"[1]", Content_Type="application/octet-stream")
    assert door(other)[0] == "401"


def test_an_upload_as_the_sdk_signs_it(door):
    upload: dict[str, Any] = {
        "method": "PUT",
        "path": "/v2/images/i/file",
        "Content_Type": "application/octet-stream",
    }
    environ = sdk_requests.signed(body=b"data", **upload) | {"wsgi.url_scheme": "https"}
    assert door(environ) == ("200", None)
    assert (door.token, door.app.body) == (TOKEN, b"data")
    status, error = door(sdk_requests.signed(body=b"data", **upload))
    assert (status, error["code"]) == ("401", "IMG.0037")
    assert "Keystone token" in error["message"]
    # What the signature is for cannot be chosen anew.
    environ = sdk_requests.signed(body=b"data", **upload) | {"wsgi.url_scheme": "https"}
    other = {"REQUEST_URI": "/v2/images/j/file", "PATH_INFO": "/v2/images/j/file"}
    assert door(environ | other)[0] == "401"


# --- tampering -------------------------------------------------------------------------------

_SENT: dict[str, Any] = {
    "method": "PUT",
    "path": "/v1/cloudimages/abc/upload",
    "query": [("a", "1"), ("b", "2 3")],
    "body": b'{"image_url": "bucket:file"}',
}
_SIGNED = (
    "CONTENT_TYPE",
    "HTTP_HOST",
    "HTTP_USER_AGENT",
    "HTTP_X_PROJECT_ID",
    "HTTP_X_SDK_DATE",
    "HTTP_X_MORE",
)
_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)


def _refused(changes, body=None):
    door = Door(Credentials())
    environ = sdk_requests.signed(**_SENT, X_More="more")
    changed = {**environ, **changes}
    if body is not None:
        fresh = sdk_requests.environ("PUT", "/", {}, body)
        changed["wsgi.input"] = fresh["wsgi.input"]
        changed["CONTENT_LENGTH"] = str(len(body))
    status, _error = door(changed)
    assert door.app.environ is None or status == "200"
    return status == "401"


def test_unchanged_it_is_accepted():
    assert not _refused({})


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "HEAD", "put2"])
def test_another_method(method):
    assert _refused({"REQUEST_METHOD": method})


@given(path=_VALUE)
def test_another_path(path):
    raw = "/" + urllib.parse.quote(path.encode("latin-1"))
    assert _refused({"REQUEST_URI": raw, "PATH_INFO": f"/{path}"})
    assert _refused({"PATH_INFO": f"/{path}"}) or path == _SENT["path"][1:]
    # The line still says what was signed, and what is served is something else.
    assert _refused({"PATH_INFO": f"/v1/cloudimages/abc/upload/{path}x"})


@given(query=_VALUE.map(urllib.parse.quote))
def test_another_query(query):
    assert _refused({"QUERY_STRING": query})
    assert _refused({"QUERY_STRING": f"a=1&b=2%203&c{query}"})


@pytest.mark.parametrize("query", ["b=2%203&a=1", "a=1&b=2+3", "%61=1&b=2%203&"])
def test_another_spelling_of_the_same_query(query):
    assert not _refused({"QUERY_STRING": query})


@given(name=st.sampled_from(_SIGNED), value=_VALUE)
def test_another_header(name, value):
    environ = sdk_requests.signed(**_SENT, X_More="more")
    if value.strip() != environ[name].strip():
        assert _refused({name: value})


@pytest.mark.parametrize("name", _SIGNED)
def test_a_missing_header(name):
    environ = sdk_requests.signed(**_SENT, X_More="more")
    del environ[name]
    assert Door(Credentials())(environ)[0] == "401"


@given(body=st.binary(max_size=60))
def test_another_body(body):
    """Also the replay of another body, with its own hash or none, under a signature that was seen."""
    for told in (None, hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"):
        changes = {} if told is None else {"HTTP_X_SDK_CONTENT_SHA256": told}
        assert _refused(changes, body) or body == _SENT["body"]
        assert _refused({**changes, "CONTENT_TYPE": PATCH}, body)


@given(seconds=st.integers(-3600, 3600).filter(bool))
def test_another_date(seconds):
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    environ = sdk_requests.signed(**_SENT, X_More="more")
    date = when.strftime("%Y%m%dT%H%M%SZ")
    if date != environ["HTTP_X_SDK_DATE"]:
        assert _refused({"HTTP_X_SDK_DATE": date})


@given(position=st.integers(0, 63), digit=st.sampled_from("0123456789abcdef"))
def test_another_signature(position, digit):
    environ = sdk_requests.signed(**_SENT, X_More="more")
    text = environ["HTTP_AUTHORIZATION"]
    index = len(text) - 64 + position
    changed = text[:index] + digit + text[index + 1 :]
    door = Door(Credentials())
    assert (door(environ | {"HTTP_AUTHORIZATION": changed})[0] == "401") == (changed != text)


@given(text=_VALUE)
def test_noise(text):
    door = Door(Credentials())
    environ = sdk_requests.signed()
    for name in ("HTTP_AUTHORIZATION", "HTTP_X_SDK_CONTENT_SHA256", "QUERY_STRING"):
        assert door(environ | {name: f"SDK-{text}"})[0] in ("200", "401")


# --- the whole SDK -----------------------------------------------------------------------------


class _Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture
def client(door):
    """Makes clients of Huawei's SDK that send to the filter."""
    server = simple_server.make_server("127.0.0.1", 0, door.filter, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def make(secret=sdk_requests.SECRET):
        keys = BasicCredentials(sdk_requests.ACCESS, secret, sdk_requests.PROJECT)
        builder = ims_client.ImsClient.new_builder().with_credentials(keys)
        return builder.with_endpoint(f"http://127.0.0.1:{server.server_port}").build()

    yield make
    server.shutdown()
    server.server_close()
    thread.join()


_CALLS = {
    "list_images": model.ListImagesRequest(tag="a=é ~", created_at="gt:2026-01-01T00:00:00Z"),
    "show_job": model.ShowJobRequest(job_id="1"),
    "batch_delete_members": model.BatchDeleteMembersRequest(
        body=model.BatchAddMembersRequestBody(images=["1"], projects=["é"])
    ),
    "delete_image_tag": model.DeleteImageTagRequest(image_id="1", key="a b/c%2F"),
    "glance_update_image": model.GlanceUpdateImageRequest(
        image_id="1",
        body=[model.GlanceUpdateImageRequestBody(op="add", path="/a", value="b")],
    ),
}


@pytest.mark.parametrize("name", _CALLS)
def test_the_sdk_itself(client, door, name):
    getattr(client(), name)(_CALLS[name])
    assert door.token == TOKEN
    with pytest.raises(sdk_exceptions.ClientRequestException) as caught:
        getattr(client("wrong"), name)(_CALLS[name])
    assert caught.value.status_code == 401
    assert caught.value.error_code == "IMG.0037"
