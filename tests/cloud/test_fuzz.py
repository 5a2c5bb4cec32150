# SPDX-License-Identifier: Apache-2.0
"""No request makes the service fail: thousands of right, wrong and odd ones at both doors.

The requests follow from the API's own description (:mod:`ims_glance.api.ims.openapi`), and are the
same in every run; another ``FUZZ_SEED`` (any number) makes others.
"""

import contextlib
import json
import os
import random
import re
import urllib.parse
import uuid

import hypothesis
import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

from ims_glance.api.ims import openapi
from ims_glance.api.ims.operations import OPERATIONS
from tests.cloud import fuzzing
from tests.cloud.fuzzing import Answer

pytestmark = pytest.mark.pocket

SEED = int(os.environ.get("FUZZ_SEED") or 33)
AT_LEAST = 5000
NAMES = [operation.name for operation in OPERATIONS]
BY_NAME = {operation.name: operation for operation in OPERATIONS}

# Requests an operation, and requests at the native door.
RIGHT, WRONG, ODD, STRANGERS, NATIVE = 25, 35, 30, 6, 900

_JSON = {"Content-Type": "application/json"}


def fuzz(examples):
    """Run a test with so many examples, the same ones for the same seed."""

    def decorate(test):
        settings = hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
            report_multiple_bugs=True,
        )
        return hypothesis.seed(SEED)(settings(test))

    return decorate


@pytest.fixture(scope="module")
def tenant(cloud):
    with fuzzing.tenant() as made:
        yield made


@pytest.fixture(scope="module")
def probe(tenant, pytestconfig):
    made = fuzzing.Probe(tenant.endpoint, f"FUZZ_SEED={SEED}")
    yield made
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.write_line(f"fuzz: {made.count} requests, FUZZ_SEED={SEED}")


@pytest.fixture(scope="module")
def described(tenant):
    config = schemathesis.Config()
    config.projects.default.generation.update(with_security_parameters=False)
    return schemathesis.openapi.from_dict(openapi.document(), config=config)


@pytest.fixture(scope="module")
def session(tenant):
    with requests.Session() as made:
        made.headers["X-Auth-Token"] = tenant.token
        yield made


@pytest.fixture(scope="module")
def known(tenant, session):
    """Values that exist, by the names that requests give them."""
    answer = session.post(
        f"{tenant.endpoint}/v1/cloudimages/{tenant.images[0]}/copy", json={"name": "fuzz"}
    )
    assert answer.status_code == 200, answer.text
    return {
        "project_id": [tenant.project_id],
        "image_id": [*tenant.images, tenant.queued],
        "images": [tenant.images],
        "projects": [[tenant.other_project_id]],
        "member_id": [tenant.other_project_id],
        "job_id": [answer.json()["job_id"]],
        # There is none: servers that it could be of take their time.
        "backup_id": [str(uuid.UUID(int=1))],
        # Nor one of these, which would copy what the others make.
        "replication_id": [str(uuid.UUID(int=1))],
        # Nor any of these: others' tests see to products that are listed.
        "product_id": ["0" * 32],
        "version_id": ["0" * 32],
        "subscription_id": ["0" * 32],
        "key": ["key", "a"],
        "cmk_id": ["ims/default"],
        "unseal_key": ["ims/default"],
    }


def _grounded(value, known, chance):
    """Some of what is named in a body made to be something that exists."""
    if isinstance(value, list):
        return [_grounded(item, known, chance) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: chance.choice(known[name])
        if name in known and chance.random() < 0.5
        else _grounded(item, known, chance)
        for name, item in value.items()
    }


def _send(case, tenant, session, known):
    """Send a case; its ids are mostly ones that exist."""
    chance = random.Random(repr((SEED, case.path_parameters, case.body)))
    for name in case.path_parameters or {}:
        if name in known and chance.random() < 0.8:
            case.path_parameters[name] = chance.choice(known[name])
    if isinstance(case.body, dict):
        case.body = _grounded(case.body, known, chance)
    try:
        response = case.call(base_url=tenant.endpoint, session=session, timeout=600)
    except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
        return None  # the HTTP library does not send that; plain sockets do, below
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def _operation(described, name):
    operation = BY_NAME[name]
    return operation, described[operation.path][operation.method]


@pytest.mark.parametrize("name", NAMES)
def test_right_requests(name, tenant, probe, described, session, known):
    operation, target = _operation(described, name)

    @fuzz(RIGHT)
    @hypothesis.given(target.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def run(case):
        answer = _send(case, tenant, session, known)
        if answer is not None:
            probe.check(answer, (case.formatted_path, case.query, case.body), operation)

    run()


@pytest.mark.parametrize("name", NAMES)
def test_wrong_requests(name, tenant, probe, described, session, known):
    operation, target = _operation(described, name)
    body = operation.body and jsonschema_rs.Draft202012Validator(dict(operation.body))

    @fuzz(WRONG)
    @hypothesis.given(target.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def run(case):
        answer = _send(case, tenant, session, known)
        if answer is None:
            return
        sent = (case.formatted_path, case.query, case.body)
        probe.check(answer, sent, operation)
        if body and isinstance(case.body, dict | list) and not body.is_valid(case.body):
            assert answer.status >= 400, f"accepted: {sent!r} (FUZZ_SEED={SEED})"

    # Where any text will do, nothing is wrong.
    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        run()


# --- bytes that no client sends ------------------------------------------------------------------

_VISIBLE = st.binary(max_size=40).map(
    lambda raw: bytes(byte for byte in raw if byte > 32 and byte not in b"?#\x7f")
)
_SEGMENT = st.one_of(
    _VISIBLE,
    st.sampled_from(
        [b"%00", b"%ff", b"%2F", b"..", b".", b"%", b"%0d%0a", b"%ed%a0%80", b"a" * 3000, b"%c3%a4"]
    ),
)
_QUERY = st.one_of(
    _VISIBLE,
    st.sampled_from(
        [
            b"",
            b"limit=%00",
            b"limit=%ff",
            b"limit=" + b"9" * 30,
            b"a=1&a=2",
            b"%",
            b"&&==",
            b"marker=%ff",
        ]
    ),
)
_TEXT = st.one_of(
    st.binary(max_size=60).map(
        lambda raw: bytes(byte for byte in raw if byte >= 32 and byte != 127)
    ),
    st.sampled_from(
        [b"*/*", b"text/csv", b"application/json", b"a" * 2000, b"\xff\xfe", b"0", b"-1"]
    ),
)
# Without X-Forwarded-Proto: bytes beyond ASCII there make uWSGI itself give up.
_HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Accept", "Accept-Language", "Content-Type", "X-Forwarded-For", "X-Openstack-Request-Id", "X-Request-Id", "X-Api-Version", "X-Sdk-Date", "Origin",
             "X-Roles", "X-Project-Id", "Cookie", "Range", "Expect-Ct", "User-Agent"]
        ),
        _TEXT,
    ),
    max_size=3,
)  # fmt: skip
_BODY = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"", b" ", b"null", b"[]", b"{}", b"0", b'""', b"NaN", b"1e400", b"-", b"[" * 100_000,
            b'{"a":' * 50_000, b"9" * 5000, b'{"name": "\xff"}', b'{"name": "\\ud800"}',
            b'{"name": "\\u0000"}', b'{"name": 1e999}', b'\xef\xbb\xbf{"name": "x"}', b"\x00" * 100,
            '{"name": "x"}'.encode("utf-16"), b'{"name": "a", "name": "b"}', b"x" * 1_200_000,
        ]
    ),
)  # fmt: skip


@st.composite
def _targets(draw, operation, known):
    """A path of an operation, some of its arguments odd, and a query."""

    def argument(match):
        if draw(st.integers(0, 2)):
            return draw(st.sampled_from(known[match[1]])).encode().decode("latin-1")
        return draw(_SEGMENT).decode("latin-1")

    path = re.sub(r"\{(\w+)\}", argument, operation.path).encode("latin-1")
    return path + b"?" + draw(_QUERY) if draw(st.booleans()) else path


@pytest.mark.parametrize("name", NAMES)
def test_odd_bytes(name, tenant, probe, known):
    operation = BY_NAME[name]

    @fuzz(ODD)
    @hypothesis.given(_targets(operation, known), _HEADERS, _BODY)
    def run(target, headers, body):
        sent = body if operation.body is not None or len(body) < 1000 else b""
        proof = ("X-Auth-Token", tenant.token.encode())
        answer = probe.send(operation.method, target, [proof, *headers], sent)
        # An odd segment may make it a path of the Image API, or none.
        is_ims = answer.status >= 400 and _is_ims(target)
        told = (operation.method, target, headers, sent[:100])
        probe.check(answer, told, operation if is_ims else None)

    run()


def _is_ims(target):
    path = urllib.parse.unquote_to_bytes(target.partition(b"?")[0])
    return re.fullmatch(rb"/v(1|2|2\.1)/cloudimages/[a-z/_]+", path) is not None


@pytest.mark.parametrize("name", NAMES)
def test_strangers(name, probe, known):
    operation = BY_NAME[name]
    body = b"{}" if operation.body is not None else None

    @fuzz(STRANGERS)
    @hypothesis.given(
        st.sampled_from(["X-Auth-Token", "X-Security-Token", "Authorization", "X-Service-Token"]),
        st.one_of(
            _TEXT,
            st.sampled_from(
                [
                    b"SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=" + b"0" * 64,
                    b"SDK-HMAC-SHA256",
                    b"SDK-HMAC-SM3 Access=\xff, SignedHeaders=;, Signature=\xff",
                    b"V11-HMAC-SHA256 Credential=a/b/c/d",
                ]
            ),
        ),
    )
    def run(header, value):
        target = re.sub(r"\{(\w+)\}", lambda match: known[match[1]][0], operation.path).encode()
        headers = [(header, value), ("X-Sdk-Date", b"20260101T000000Z")]
        answer = probe.send(operation.method, target, headers, body)
        probe.check(answer, (operation.method, target, headers), operation)
        assert answer.status == 401, (answer, target, headers)

    run()


# --- the native door -----------------------------------------------------------------------------

_WORD = st.one_of(
    st.sampled_from(
        ["name", "visibility", "tags", "protected", "min_disk", "disk_format", "id", "owner",
         "__os_version", "__imagetype", "__system__cmkid", "__image_size", "__description",
         "__productcode", "locations", "os_hidden", "member", "status", "stores", "method"]
    ),
    st.text(max_size=20),
)  # fmt: skip
_VALUE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=30),
        st.sampled_from(["private", "public", "shared", "community", "raw", "bare", "accepted"]),
        st.sampled_from(["CentOS 7.3 64bit", "ims/default", "kms", "plain", "rejected", "pending"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORD, inner, max_size=3),
    max_leaves=6,
)
_CHANGES = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "remove", "move"])},
        optional={
            "path": _WORD.map(lambda word: f"/{word}") | st.text(max_size=9),
            "value": _VALUE,
        },
    ),
    max_size=3,
)
_CREATION = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=150),
        "disk_format": st.sampled_from(["raw", "qcow2", "floppy"]),
        "container_format": st.just("bare"),
        "visibility": st.sampled_from(["private", "shared", "public", "community", ""]),
        "__os_version": st.sampled_from(["CentOS 7.3 64bit", "none", ""]),
        "__imagetype": st.text(max_size=5),
        "tags": st.lists(st.text(max_size=50), max_size=12),
        "min_disk": st.integers(-5, 2**33),
        "protected": st.booleans(),
    },
)
_NATIVE = st.one_of(
    st.tuples(st.just("POST"), st.just("/v2/images"), _CREATION | _VALUE),
    st.tuples(st.just("PATCH"), st.just("/v2/images/{image_id}"), _CHANGES | _VALUE),
    st.tuples(st.just("DELETE"), st.just("/v2/images/{odd}"), _VALUE),
    st.tuples(st.just("POST"), st.just("/v2/images/{image_id}/members"), _VALUE),
    st.tuples(
        st.just("POST"),
        st.just("/v2/images/{image_id}/members"),
        st.fixed_dictionaries({"member": st.text(max_size=70)}),
    ),
    st.tuples(
        st.just("PUT"),
        st.just("/v2/images/{image_id}/members/{member_id}"),
        st.fixed_dictionaries({"status": st.text(max_size=9)}) | _VALUE,
    ),
    st.tuples(st.just("DELETE"), st.just("/v2/images/{image_id}/members/{odd}"), st.none()),
    st.tuples(st.just("PUT"), st.just("/v2/images/{image_id}/tags/{odd}"), st.none()),
    st.tuples(st.just("DELETE"), st.just("/v2/images/{image_id}/tags/{odd}"), st.none()),
    st.tuples(st.just("POST"), st.just("/v2/images/{image_id}/import"), _VALUE),
    st.tuples(st.just("GET"), st.just("/v2/images?{odd}"), st.none()),
    st.tuples(st.just("GET"), st.just("/v2/images/{odd}"), st.none()),
)


def test_the_native_door(tenant, probe, known):
    known_native = {**known, "image_id": [*tenant.images[:3], tenant.queued]}
    types = [b"application/json", b"application/openstack-images-v2.1-json-patch"]

    @fuzz(NATIVE)
    @hypothesis.given(_NATIVE, _SEGMENT, _HEADERS, st.data())
    def run(request, odd, headers, data):
        method, path, body = request
        path = re.sub(
            r"\{(\w+)\}",
            lambda match: (
                odd.decode("latin-1")
                if match[1] == "odd"
                else data.draw(st.sampled_from(known_native[match[1]]))
            ),
            path,
        )
        kind = types[method == "PATCH"]
        given = [("X-Auth-Token", tenant.token.encode()), ("Content-Type", kind), *headers]
        content = None if body is None else json.dumps(body).encode()
        answer = probe.send(method, path.encode("latin-1"), given, content)
        probe.check(answer, (method, path, headers, content))

    run()


def test_it_was_enough(probe):
    assert probe.count >= AT_LEAST
