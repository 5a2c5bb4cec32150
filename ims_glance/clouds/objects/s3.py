# SPDX-License-Identifier: Apache-2.0
"""Buckets of S3, read with an EC2 credential that a caller names.

botocore signs, as it does for Amazon's own clients, and the rest is as with Swift: what is read, and that
nothing is followed to another place.
"""

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
        super().__init__(_SignedAdapter(endpoint, _Signature(credential, region_name), verify))  # type: ignore[arg-type]


class _Signature(AuthBase):
    """Signs a request as it is sent, with the very path that is on the wire."""

    def __init__(self, credential: Credential, region_name: str) -> None:
        self._credentials = Credentials(credential.access, credential.secret)
        self._region_name = region_name

    def __call__(self, request: Any) -> Any:
        unsigned = AWSRequest(request.method, request.url, headers=_signed_headers(request))
        S3SigV4Auth(self._credentials, "s3", self._region_name).add_auth(unsigned)
        request.headers.update(unsigned.headers.items())
        return request


def _signed_headers(request: Any) -> dict[str, str]:
    # What a proxy changes on the way may not be signed.
    named = {"Range": request.headers["Range"]} if "Range" in request.headers else {}
    return {"Host": urlsplit(request.url).netloc, **named}


class _SignedAdapter:
    """As much of a keystoneauth adapter as :class:`ims_glance.clouds.rest.Rest` uses."""

    def __init__(self, endpoint: str, signature: _Signature, verify: bool | str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._session = requests.Session()
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
