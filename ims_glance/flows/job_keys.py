# SPDX-License-Identifier: Apache-2.0
"""Keys of the key manager, as a job's caller has them: with what that one delegated, and nothing more."""

from collections.abc import Callable
from typing import TypeVar

from keystoneauth1 import exceptions as auth_exceptions
from oslo_context.context import RequestContext

from ims_glance import exceptions, keys
from ims_glance.clouds.rest import DelegationEnded, ServiceUnavailable
from ims_glance.jobs.context import JobContext
from ims_glance.keys import KeyManager

_Found = TypeVar("_Found")


def caller_key(job: JobContext, key_id: str) -> bytes:
    """A key, as the job's caller reads it.

    :raises KeyNotFound, KeyDenied, KeyUnusable, KeyManagerUnavailable: why it cannot be read
    :raises DelegationEnded, ServiceUnavailable: if Keystone gives no token for it
    """
    return _as_caller(job, lambda manager, caller: manager.caller_key(caller, key_id))


def default_key(job: JobContext) -> str:
    """The id of the default key of the job's project, made if there is none yet, and open to the service.

    :raises KeyDenied, ServiceKeyDenied, KeyUnusable, KeyManagerUnavailable: why there is none
    :raises DelegationEnded, ServiceUnavailable: if Keystone gives no token for it
    """

    def found(manager: KeyManager, caller: RequestContext) -> str:
        key_id = manager.default_key(caller)
        manager.open_to_service(caller, key_id)
        return key_id

    return _as_caller(job, found)


def _as_caller(job: JobContext, ask: Callable[[KeyManager, RequestContext], _Found]) -> _Found:
    try:
        return ask(keys.of_process(job.conf), _caller(job))
    except exceptions.KeyDenied:
        # A token that was given before may have been revoked since.
        job.session.invalidate()
        return ask(keys.of_process(job.conf), _caller(job))


def _caller(job: JobContext) -> RequestContext:
    try:
        token = job.session.get_token()
    except auth_exceptions.HttpError as error:
        if error.http_status < 500:
            raise DelegationEnded(service="Key Manager", reason=str(error)) from error
        raise ServiceUnavailable(service="Identity", reason=str(error)) from error
    except auth_exceptions.ClientException as error:
        raise ServiceUnavailable(service="Identity", reason=str(error)) from error
    return RequestContext(
        auth_token=token,
        user_id=job.user_id,
        project_id=job.project_id,
        # The thread's own context stays.
        overwrite=False,
    )
