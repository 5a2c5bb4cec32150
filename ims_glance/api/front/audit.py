# SPDX-License-Identifier: Apache-2.0
"""The audit trail: a WSGI filter that records every operation that changes images, at both doors.

It stands in front of everything that may refuse, so that refusals are recorded too. Who it was comes
from what Keystone said about the token, never from headers. A record is a CADF event; it
carries no token and nothing of the body. A request never waits for it, nor fails because of it: a
thread writes it to the database, from where a worker sends it, or sends it if there is none.

The IMS API tells what it does in the WSGI environment, :data:`TRAIL`; what the Image API does is
seen by method and path.
"""

import dataclasses
import http
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import webob
from oslo_config import cfg
from pycadf import attachment, cadftaxonomy, cadftype, event, host, reason, resource

from ims_glance import conf as ims_conf
from ims_glance.api.common import tokens
from ims_glance.clouds.messaging import notifications
from ims_glance.db.audit import AuditEvents
from ims_glance.db.database import Database, DatabaseUnavailable
from ims_glance.model import audit

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

TRAIL = "ims_glance.audit"
"""In the WSGI environment, set by the IMS API: a dict with ``name``, ``image_ids``, ``job_id``,
``code``."""

_IMAGE = "service/storage/image"
_CODE = re.compile(rb"IMG\.\d{4}")
_SLASHES = re.compile("//+")
_REQUEST_IDS = ("x-openstack-request-id", "x-request-id")
_SHOWN = 255
# Events that one transaction records.
_BATCH = 100


@dataclasses.dataclass
class _Done:
    """What is known of a request when it has been answered.

    :ivar method: of the request
    :ivar routed: what the Image API takes its method for
    """

    method: str
    routed: str
    path: str
    began: float
    status: int = 500
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    code: str | None = None


class Audit:
    """The filter.

    :param send: takes an event's type and content; must not wait
    """

    def __init__(self, app: App, send: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._app = app
        self._send = send

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        environ.pop(TRAIL, None)
        method = str(environ["REQUEST_METHOD"])
        done = _Done(method, _routed(environ, method), _path(environ), time.time())

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            done.status = int(status[:3])
            done.headers = {name.lower(): value for name, value in headers}
            return start_response(status, headers, *error)

        try:
            answer = self._app(environ, start)
            if done.status >= 400 and _may_be_recorded(environ, done):
                answer = _read_code(done, answer)
        finally:
            self._record(environ, done)
        return answer

    def _record(self, environ: Environ, done: _Done) -> None:
        try:
            found = _describe(environ, done)
            if found is not None:
                self._send(*found)
        except Exception:  # boundary: a request does not fail because nobody can write it down
            LOG.exception("An operation was not recorded in the audit trail")


def _may_be_recorded(environ: Environ, done: _Done) -> bool:
    """Whether it can be an operation to record; all else, data of images above all, is left alone."""
    trail = environ.get(TRAIL)
    return bool(trail.get("name")) if isinstance(trail, dict) else done.routed in audit.METHODS


def _describe(environ: Environ, done: _Done) -> tuple[str, dict[str, Any]] | None:
    """Type and content of the event, if the request is one to record."""
    trail = environ.get(TRAIL)
    if isinstance(trail, dict):
        name, subject, kind, method = trail.get("name"), dict[str, str](), "ims", done.method
        image_ids = [str(image_id) for image_id in trail.get("image_ids") or []]
        job_id, code = trail.get("job_id"), trail.get("code")
    else:
        method = done.routed
        operation = audit.native_operation(method, done.path)
        name, subject = (operation.name, operation.subject) if operation else (None, {})
        image_ids, kind = _native_images(subject, done), "image"
        job_id, code = None, None
    # 300: the Image API told its versions instead.
    if name is None or done.status == 300:
        return None
    # Anybody can send these, as many as would push all other events out of what is kept. They name
    # nobody, and are in the log of the web server.
    if done.status == http.HTTPStatus.UNAUTHORIZED and not tokens.described(environ):
        return None
    action, part = audit.ACTIONS[name]
    record = event.Event(
        eventType=cadftype.EVENTTYPE_ACTIVITY,
        action=action,
        outcome=_outcome(done.status),
        name=name,
        initiator=_initiator(environ),
        target=resource.Resource(
            typeURI=_IMAGE + part, id=image_ids[0] if image_ids else audit.UNKNOWN
        ),
        observer=resource.Resource(typeURI=_IMAGE, id="observer", name="ims_glance"),
        reason=reason.Reason(reasonType="HTTP", reasonCode=str(done.status)),
    )
    content = {
        "resource_type": kind,
        "image_ids": image_ids,
        "job_id": job_id,
        "code": code or done.code,
        "request_id": next(filter(None, map(done.headers.get, _REQUEST_IDS)), None),
        "method": method,
        "path": done.path[:_SHOWN],
        "seconds": round(time.time() - done.began, 3),
        **{what: named for what, named in subject.items() if what != "image"},
        **_scope(environ),
    }
    record.add_attachment(attachment.Attachment("application/json", content, "ims"))
    return f"audit.{kind}.{name}", record.as_dict()


def _native_images(subject: Mapping[str, str], done: _Done) -> list[str]:
    if "image" in subject:
        return [subject["image"][:_SHOWN]]
    location = done.headers.get("location", "")
    return [location.rpartition("/")[2]] if "/v2/images/" in location else []


def _outcome(status: int) -> str:
    return str(cadftaxonomy.OUTCOME_SUCCESS if status < 400 else cadftaxonomy.OUTCOME_FAILURE)


def _initiator(environ: Environ) -> resource.Resource:
    user = tokens.described(environ).get("user", {})
    return resource.Resource(
        typeURI=cadftaxonomy.ACCOUNT_USER,
        id=user.get("id", audit.UNKNOWN),
        name=user.get("name", audit.UNKNOWN),
        host=host.Host(
            address=environ.get("REMOTE_ADDR") or audit.UNKNOWN,
            agent=environ.get("HTTP_USER_AGENT", "")[:_SHOWN] or audit.UNKNOWN,
        ),
    )


def _scope(environ: Environ) -> dict[str, Any]:
    """Where the token is good for, with which roles, and how it was got."""
    token = tokens.described(environ)
    user, project = token.get("user", {}), token.get("project", {})
    return {
        "project_id": project.get("id"),
        "project_name": project.get("name"),
        "user_domain_id": user.get("domain", {}).get("id"),
        "roles": [role.get("name") for role in token.get("roles", [])],
        "methods": list(token.get("methods", [])),
        # Of a service that acted for the user, which Keystone's middleware has checked.
        "service_user_id": environ.get("HTTP_X_SERVICE_USER_ID") if token else None,
    }


def _read_code(done: _Done, answer: Iterable[bytes]) -> Iterable[bytes]:
    """Look for our code in a refusal, which is short."""
    try:
        chunks = list(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    found = _CODE.search(b"".join(chunks))
    done.code = found[0].decode() if found else None
    return chunks


def _routed(environ: Environ, method: str) -> str:
    """As Routes sees it, which lets ``_method`` in the query override it (routes/middleware.py).

    The Image API has Routes; the IMS API does without.
    """
    if "_method" not in environ.get("QUERY_STRING", ""):
        return method
    try:
        return str(webob.Request(environ).GET.get("_method") or method).upper()
    except UnicodeDecodeError:
        return method


def _path(environ: Environ) -> str:
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    return _SLASHES.sub("/", path)


def make(conf: cfg.ConfigOpts, app: App) -> App:
    """The filter in front of *app*, or *app* if there is no audit."""
    ims_conf.register_opts(conf)
    options = conf.ims_audit
    if not options.enabled:
        return app
    database = Database(conf)
    if database.is_configured:
        events = AuditEvents(conf, database)
        trail = notifications.Notifications(
            options.queue_size, lambda: events.add, _BATCH, (DatabaseUnavailable,)
        )
    else:
        trail = notifications.Notifications(options.queue_size, notifications.connector(conf))
    return Audit(app, trail.send)


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[App], App]:
    """Make the filter from a paste file, with Glance's own configuration."""
    return lambda app: make(cfg.CONF, app)
