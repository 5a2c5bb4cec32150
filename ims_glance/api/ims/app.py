# SPDX-License-Identifier: Apache-2.0
"""The WSGI application that serves the table of operations."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import webob
from glance import context as glance_context
from glance.common import wsgi
from oslo_config import cfg
from oslo_db import exception as db_exceptions
from oslo_serialization import jsonutils

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.common import errors, tokens
from ims_glance.api.common.acceptance import Acceptance
from ims_glance.api.common.backup import Backups
from ims_glance.api.common.elsewhere import Elsewhere
from ims_glance.api.common.image import Images, SubrequestRefused
from ims_glance.api.common.market import Market
from ims_glance.api.common.quota import ImageQuota
from ims_glance.api.common.standing import Standing
from ims_glance.api.ims import checking, operations
from ims_glance.api.ims.operation import Answer, Call, Operation, Service
from ims_glance.api.ims.policy import NotAllowed, Policy
from ims_glance.api.market.images import MarketImages
from ims_glance.api.native import guard
from ims_glance.db.report import GuestReports

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

# For the audit filter: what was done, to what, with which outcome.
AUDIT = "ims_glance.audit"


class UnknownPath(exceptions.NotFound):
    """There is no operation at this path."""

    code = "IMG.0017"
    template = "The IMS API has nothing at {method} {path}."


class ProjectNotOfToken(exceptions.Invalid):
    """The project in the path is not the token's."""

    code = "IMG.0067"
    template = (
        "The path names project '{given}', but the token is for project {own}. Use that one, or "
        "a token of the other project."
    )


class DatabaseAway(exceptions.Unavailable):
    """Our database gives no answer."""

    template = "The database of the Image service is unavailable. Try again later."


class InternalError(exceptions.ImsError):
    """We made a mistake."""

    template = "The request failed for a reason of the service's own, which is in its log."


class Application:
    """The IMS API behind authentication.

    :param table: the operations that are served
    """

    def __init__(self, service: Service, table: Iterable[Operation], policy: Policy) -> None:
        self._service = service
        self._policy = policy
        self._routes = [(_pattern(operation.path), operation) for operation in table]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        request = wsgi.Request(environ)
        trail: dict[str, Any] = {}
        environ[AUDIT] = trail
        response = self._respond(request, trail)
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def _respond(self, request: wsgi.Request, trail: dict[str, Any]) -> webob.Response:
        try:
            return self._serve(request, trail)
        except exceptions.ImsError as error:
            trail["code"] = error.code
            return errors.answer(error)
        except SubrequestRefused as refused:
            passed_on = errors.from_glance(refused.response)
            trail["code"] = passed_on.code
            return errors.answer(passed_on)
        except db_exceptions.DBError:
            LOG.exception("Our database failed")
            return errors.answer(DatabaseAway())
        except Exception:  # boundary: whatever is wrong with us, the client gets an answer
            LOG.exception("An operation failed")
            return errors.answer(InternalError())

    def _serve(self, request: wsgi.Request, trail: dict[str, Any]) -> webob.Response:
        operation, arguments = self._find(request)
        trail["name"] = operation.audit
        context = getattr(request, "context", None)
        if not isinstance(context, glance_context.RequestContext):
            raise UnknownPath(method=request.method, path="without a token")
        # A job of a caller with an access key acts by that.
        context.ec2_access = request.environ.get(tokens.ACCESS_KEY)
        context.login = tokens.login(request.environ)
        try:
            self._policy.check(context, operation)
        except NotAllowed:
            if operation.access.is_hidden:
                raise UnknownPath(method=request.method, path=request.path_info[:255]) from None
            raise
        given = arguments.get("project_id", context.project_id)
        if given != context.project_id:
            raise ProjectNotOfToken(given=given[:64], own=context.project_id)
        trail["image_ids"] = [arguments["image_id"]] if "image_id" in arguments else []
        answer = operation.handler(
            Call(
                self._service,
                context,
                arguments,
                checking.read_query(request, operation),
                checking.read_body(
                    request,
                    operation,
                    self._service.conf.ims_api.max_body_kib,
                    lambda body: trail.update(name=operation.audited_as(body)),
                ),
                request.headers.get("Accept", ""),
            )
        )
        trail["image_ids"] = list(answer.image_ids) or trail["image_ids"]
        trail["job_id"] = answer.job_id
        if not answer.has_changed:
            trail["name"] = None
        return _response(operation, answer)

    def _find(self, request: wsgi.Request) -> tuple[Operation, dict[str, str]]:
        try:
            path = str(request.path_info)
        except UnicodeDecodeError:
            raise UnknownPath(method=request.method, path="(not UTF-8)") from None
        for pattern, operation in self._routes:
            match = pattern.fullmatch(path) if operation.method == request.method else None
            if match:
                return operation, match.groupdict()
        raise UnknownPath(method=request.method[:16], path=path[:255])


def _pattern(template: str) -> re.Pattern[str]:
    """The paths of an operation; a trailing slash is forgiven.

    What an argument names does not end in a line feed, which the Image API would overlook.
    """
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]*[^/\\n])", template) + "/?")


def _response(operation: Operation, answer: Answer) -> webob.Response:
    response = webob.Response(status=operation.status, content_type=answer.content_type)
    if answer.content_type.startswith("text/"):
        response.charset = "UTF-8"
    if answer.stream is not None:
        response.app_iter = answer.stream
    elif answer.body is not None:
        response.body = jsonutils.dump_as_bytes(answer.body)
    else:
        del response.content_type
    # Last: webob forgets the length when it is given a stream.
    response.headers.update(answer.headers)
    return response


def served(with_market: bool) -> tuple[Operation, ...]:
    """The operations that there are; without a marketplace as if there never was one."""
    table = operations.OPERATIONS
    return table if with_market else tuple(each for each in table if each not in operations.MARKET)


def factory(loader: Any, _global_conf: Mapping[str, str], **local: str) -> Application:
    """Make the application from a paste file.

    :param local: ``native`` names the application that serves ``/v2``, without the guard
    """
    conf = cfg.CONF
    ims_conf.register_opts(conf)
    native = loader.get_app(local["native"])
    jobs = Acceptance(conf)
    image_keys = guard.keys_of(conf)
    quota = ImageQuota(conf, Images(native), jobs.unfinished, jobs.is_made_for)
    backups = Backups(conf, jobs.backup_ids_in_use)
    images = Images(guard.make(conf, native, image_keys, quota, backups, jobs.database))
    others = Elsewhere(conf), Standing(conf), GuestReports(jobs.database)
    sold = MarketImages(conf, images, jobs)
    market = Market(conf, sold) if conf.ims_market.enabled else None
    service = Service(conf, images, jobs, image_keys, quota, backups, *others, market)
    return Application(service, served(with_market=market is not None), Policy(conf))
