# SPDX-License-Identifier: Apache-2.0
"""Buckets of S3, read and written with an EC2 credential that a caller names.

botocore signs, as it does for Amazon's own clients, and the rest is as with Swift: what is read, and that
nothing is followed to another place.
"""

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from keystoneauth1 import exceptions as auth_exceptions
from requests.auth import AuthBase

from ims_glance.clouds.ec2 import Credential
from ims_glance.clouds.objects.base import HttpObjectStore
from ims_glance.clouds.objects.large import LargeFile
from ims_glance.clouds.objects.large_s3 import SHA256, S3LargeFile
from ims_glance.model.bucket import BucketFile

_NOTHING = hashlib.sha256(b"").hexdigest()


class S3Objects(HttpObjectStore):
    """The driver ``s3``.

    :param endpoint: URL of the service; buckets are the first part of the path
    :param region_name: that signatures are for
    :param credential: of the caller
    :param verify: whether, or with which certificates, the service's own is checked
    """

    def __init__(
        self, endpoint: str, region_name: str, credential: Credential, verify: bool | str = True
    ) -> None:
        service: Any = _SignedAdapter(endpoint, _Signature(credential, region_name), verify)
        super().__init__(service)
        self._service = service

    def large_file(self, file: BucketFile, owner: str, pause: Callable[[float], None]) -> LargeFile:
        """A multipart upload."""
        return S3LargeFile(self._service, file, owner, pause)


def new_session() -> requests.Session:
    """For the requests of one object storage."""
    return requests.Session()


class _Signature(AuthBase):
    """Signs a request as it is sent, with the very path that is on the wire."""

    def __init__(self, credential: Credential, region_name: str) -> None:
        self._credentials = Credentials(credential.access, credential.secret)
        self._region_name = region_name

    def __call__(self, request: Any) -> Any:
        unsigned = AWSRequest(request.method, request.url, headers=_signed_headers(request))
        unsigned.context[SHA256] = request.headers.get(SHA256) or _digest(request.body)
        _Signer(self._credentials, "s3", self._region_name).add_auth(unsigned)
        request.headers.update(unsigned.headers.items())
        return request


class _Signer(S3SigV4Auth):  # type: ignore[misc]
    """Knows the digest of a body that can be read once only."""

    def payload(self, request: Any) -> str:
        """In hexadecimal."""
        return str(request.context[SHA256])


def _digest(body: Any) -> str:
    """Of a body in memory; of another one, whoever sends it has to tell it."""
    if not body:
        return _NOTHING
    assert isinstance(body, bytes), type(body)
    return hashlib.sha256(body).hexdigest()


def _signed_headers(request: Any) -> dict[str, str]:
    # What a proxy changes on the way may not be signed.
    named = {
        name: value
        for name, value in request.headers.items()
        if name == "Range" or name.lower().startswith("x-amz-")
    }
    return {"Host": urlsplit(request.url).netloc, **named}


class _SignedAdapter:
    """As much of a keystoneauth adapter as :class:`ims_glance.clouds.rest.Rest` uses."""

    def __init__(self, endpoint: str, signature: _Signature, verify: bool | str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._session = new_session()
        self._session.auth = signature
        self._session.verify = verify

    def request(
        self,
        path: str,
        method: str,
        raise_exc: bool = True,
        redirect: bool = True,
        log: bool = True,
        **request: Any,
    ) -> requests.Response:
        """An answer, whatever its status; what it says is nowhere logged."""
        try:
            return self._session.request(
                method, f"{self._endpoint}{path}", allow_redirects=redirect, **request
            )
        except requests.RequestException as error:
            raise auth_exceptions.ConnectFailure(type(error).__name__) from error
