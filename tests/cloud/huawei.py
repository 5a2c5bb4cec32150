# SPDX-License-Identifier: Apache-2.0
"""Huawei's own client, ``huaweicloudsdkims``, unmodified, against the cloud."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions import exceptions
from huaweicloudsdkims import v2

NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id of nothing."""
LINUX = "CentOS 7.3 64bit"

_PATIENCE = 400.0


def client(conn: Any) -> v2.ImsClient:
    """The client of a tenant, whose token it sends as its security token."""
    credentials = BasicCredentials("any", "thing", conn.current_project_id)
    return signed(conn, credentials.with_security_token(conn.auth_token))


def signed(conn: Any, credentials: BasicCredentials) -> v2.ImsClient:
    """The client with credentials of its own.

    It drops the path of an address. Where the Image API has one, ``IMS_ENDPOINT`` is another address
    of it that has none.
    """
    place = urlsplit(conn.image.get_endpoint())
    endpoint = os.environ.get("IMS_ENDPOINT") or f"{place.scheme}://{place.netloc}"
    return v2.ImsClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()


@contextmanager
def refused(code: str = "IMG.", status: int = 400) -> Iterator[Any]:
    """The block is refused with a status, a message, and the id of the request.

    :param code: the beginning of the IMS code; any, if no source says which
    """
    with pytest.raises(exceptions.ServiceResponseException) as caught:
        yield caught
    error = caught.value
    assert error.status_code == status, error
    assert re.fullmatch(r"IMG\.\d{4}", error.error_code or ""), error
    assert error.error_code.startswith(code), error
    assert error.error_msg
    assert error.request_id
    assert error.request_id.startswith("req-")


def wait(ims: v2.ImsClient, job_id: str) -> Any:
    """The job when it has ended."""
    until = time.monotonic() + _PATIENCE
    while True:
        job = ims.show_job(v2.ShowJobRequest(job_id=job_id))
        if job.status not in ("INIT", "RUNNING"):
            return job
        assert time.monotonic() < until, job
        time.sleep(0.3)


def done(ims: v2.ImsClient, job_id: str, job_type: str) -> Any:
    """What a job, which has to end well, tells of its result."""
    job = wait(ims, job_id)
    assert (job.status, job.job_type, job.job_id) == ("SUCCESS", job_type, job_id), job
    assert job.error_code is None
    assert job.fail_reason is None
    assert job.begin_time <= job.end_time
    assert job.end_time.endswith("Z")
    return job.entities
