# SPDX-License-Identifier: Apache-2.0
"""Glance's images as the guard sees them: through the Image API, inside the process.

A sub-request goes to Glance's own application behind the guard. It obeys the same policy, quota
and property protection as any request and sends the same notifications, but costs no network and
no second look at the token.
"""

import copy
import dataclasses
import types
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import webob
import webob.exc
from glance import db as glance_db
from glance.api.v2 import policy as image_policy
from glance.common import exception as glance_exceptions
from glance.common import wsgi
from oslo_db import exception as db_exceptions
from oslo_serialization import jsonutils
from sqlalchemy import exc as sa_exceptions

from ims_glance import exceptions
from ims_glance.model.image import attributes, stores
from ims_glance.transfer import writer

_PATCH_TYPE = "application/openstack-images-v2.1-json-patch"


class SubrequestRefused(Exception):
    """Glance refused a sub-request that the request cannot go on without.

    :ivar response: Glance's answer, which is also the answer for the request
    """

    def __init__(self, response: webob.Response) -> None:
        self.response = response
        super().__init__(response.status)


@dataclasses.dataclass(frozen=True)
class ShownImage:
    """An image as its Image API shows it to a caller.

    :ivar path: of the image in the Image API, as the request had it
    :ivar view: the answer to ``GET``
    """

    path: str
    view: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id, as Glance writes it."""
        return str(self.view["id"])

    @property
    def status(self) -> str:
        """``queued``, ``active``, ..."""
        return str(self.view["status"])

    @property
    def key_id(self) -> str | None:
        """Id of the key that it shows, if it shows one."""
        return self.view.get(attributes.CMK_ID) or None

    @property
    def store_key(self) -> str | None:
        """Id of the key of its copies in encrypting stores, if its owner named none."""
        return self.view.get(attributes.STORE_KEY) or None

    @property
    def is_importing(self) -> bool:
        """Whether Glance imports data of it, or copies it: where to, it says a moment later only."""
        return bool(self.view.get(attributes.IMPORT_TASK))

    @property
    def location_urls(self) -> set[str]:
        """Where its data is, as far as this Glance shows that."""
        return {str(location["url"]) for location in self.view.get("locations", [])}

    @property
    def facts(self) -> stores.ImageFacts:
        """What the rules about stores ask."""
        named = [self.view.get(name) or "" for name in ("stores", attributes.IMPORTING_STORES)]
        places = tuple(dict.fromkeys(filter(None, ",".join(named).split(","))))
        return stores.ImageFacts(self.id, self.key_id, places, self.store_key)


class DataMissing(exceptions.NotFound):
    """An image has data, but its store has not."""

    code = "IMG.0057"
    template = (
        "The data of image {image_id} is not in its store any more. Ask the operator, or make the "
        "image again."
    )


class Data:
    """Data of an image on its way out of its store; to be closed.

    :ivar chunks: read once; what the store raises is raised here
    """

    def __init__(self, source: Any, skip: int = 0, length: int | None = None) -> None:
        self._source = source
        self.chunks = writer.part(source, skip, length)

    def close(self) -> None:
        """Let go of the store, whatever was read of it."""
        self.chunks.close()
        if hasattr(self._source, "close"):
            self._source.close()


class Images:
    """The Image API behind the guard.

    :param app: the WSGI application that serves ``/v2``
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, context: Any, path: str) -> ShownImage | None:
        """The image at *path* as the caller sees it; ``None`` if there is none for them.

        :raises SubrequestRefused: if Glance does not say: then no rule could be asked
        """
        response = self._send(context, path)
        if response.status_int >= 400 and response.status_int != 404:
            raise SubrequestRefused(response)
        return ShownImage(path, response.json) if response.status_int == 200 else None

    def record_key(self, context: Any, image: ShownImage, key_id: str, *, shown: bool) -> None:
        """Record the key of an image whose owner named none, in the service's own right.

        The properties may be protected against the caller, who must therefore have been asked for
        with :func:`may`.

        :param shown: whether the image is encrypted wherever it lies
        :raises SubrequestRefused: if Glance does not take it
        """
        changes = [
            {"op": "add", "path": f"/{name}", "value": key_id}
            for name in (
                (attributes.CMK_ID, attributes.STORE_KEY) if shown else (attributes.STORE_KEY,)
            )
        ]
        if image.key_id and not shown:
            changes.append({"op": "remove", "path": f"/{attributes.CMK_ID}"})
        response = self._send(
            context.elevated(),
            image.path,
            method="PATCH",
            content_type=_PATCH_TYPE,
            body=jsonutils.dump_as_bytes(changes),
        )
        if response.status_int != 200:
            raise SubrequestRefused(response)

    def call(
        self,
        context: Any,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Make a request that has to succeed.

        A list begins after its ``marker`` also if that image is deleted by now.

        :param path: as text, not quoted, for example ``/v2/images/{id}``
        :param body: sent as JSON, unless it is ``None``
        :param query: parameters; as pairs where a name is given several times
        :returns: the answer from JSON; ``None`` if it has no body
        :raises SubrequestRefused: if Glance, or the guard, refuses
        """
        pairs = list(query.items() if isinstance(query, Mapping) else query or ())
        if "marker" in dict(pairs):
            # Glance keeps the records of deleted images and has none of them in a list, but with
            # this it knows their place ("can_see_deleted", glance/db/sqlalchemy/api.py).
            context = copy.copy(context)
            context.show_deleted = True
        request: dict[str, Any] = {"method": method, "headers": {"Accept": "application/json"}}
        if body is not None:
            request |= {"content_type": content_type, "body": jsonutils.dump_as_bytes(body)}
        # As a server gives it to an application (PEP 3333).
        wsgi_path = path.encode().decode("latin-1")
        response = self._send(context, wsgi_path, urllib.parse.urlencode(pairs), **request)
        if response.status_int >= 400:
            raise SubrequestRefused(response)
        return response.json if response.body else None

    def patch(self, context: Any, image_id: str, changes: Sequence[Mapping[str, Any]]) -> Any:
        """Change an image by JSON patch operations; the image afterwards.

        :raises SubrequestRefused: if Glance, or the guard, refuses
        """
        path = f"/v2/images/{image_id}"
        return self.call(context, "PATCH", path, list(changes), content_type=_PATCH_TYPE)

    def data(self, context: Any, image_id: str, offset: int = 0, length: int | None = None) -> Data:
        """A part of the data of an image, as a download of the caller's; policy and all hold.

        A store that reads from the beginning only does so, and what was not asked for is dropped.

        :param offset: of the part, in bytes; less than the image has
        :param length: of it, in bytes, at least 1; ``None`` for all that follows
        :raises DataMissing: if the store has not got it
        :raises SubrequestRefused: if Glance refuses
        """
        path = f"/v2/images/{image_id}/file"
        headers = {"Accept": "application/json"}
        if offset or length is not None:
            last = "" if length is None else offset + length - 1
            ranged = {**headers, "Range": f"bytes={offset}-{last}"}
            response = self._send(context, path, headers=ranged)
            if response.status_int == 206:
                return Data(response.app_iter)
            # 400: the store does not read from anywhere (glance_store, StoreRandomGetNotSupported).
            if response.status_int != 400:
                raise _refused(response, image_id)
        response = self._send(context, path, headers=headers)
        if response.status_int != 200:
            raise _refused(response, image_id)
        return Data(response.app_iter, offset, length)

    def member_count(self, context: Any, image_id: str) -> int | None:
        """With how many projects an image is shared, in one query of what Glance's own quota asks.

        To count decides on nothing that anybody is told: whose image it is was asked before.

        :returns: ``None`` if Glance's database does not say
        """
        try:
            count: int = glance_db.get_api().image_member_count(context, image_id)
        except (db_exceptions.DBError, sa_exceptions.SQLAlchemyError):
            return None
        return count

    def _send(self, context: Any, path: str, query: str = "", **request: Any) -> webob.Response:
        subrequest = wsgi.Request.blank("/", **request)
        # Set apart from "blank", which would take it for a URL and unquote it a second time.
        subrequest.environ["PATH_INFO"] = path
        subrequest.environ["QUERY_STRING"] = query
        subrequest.context = context
        return subrequest.get_response(self._app)


def _refused(response: webob.Response, image_id: str) -> Exception:
    """Why there is no data. Glance says 204 if the store has none (glance/api/v2/image_data.py)."""
    if response.status_int == 204:
        return DataMissing(image_id=image_id)
    return SubrequestRefused(response)


def may(context: Any, rule: str, image: ShownImage) -> bool:
    """Whether Glance's policy lets the caller do *rule* (``upload_image``, ...) to the image.

    Asked before something is done to the image in the service's own right.
    """
    target = types.SimpleNamespace(
        image_id=image.id, owner=image.view["owner"], member=None, extra_properties=image.view
    )
    return _allows(context, rule, target)


def may_create(context: Any, owner: Any, visibility: Any) -> bool:
    """Whether Glance's policy lets the caller create such an image."""
    target = {"owner": owner, "visibility": visibility or "private"}
    return _allows(context, "add_image", target)


def may_use_tasks(context: Any) -> bool:
    """Whether Glance's policy lets the caller use the old tasks API."""
    return _allows(context, "tasks_api_access", None, image_policy.TasksAPIPolicy)


def _allows(
    context: Any, rule: str, target: Any, policy: Any = image_policy.ImageAPIPolicy
) -> bool:
    asked = policy(context, target, context.policy_enforcer)
    try:
        # By the method, not by the rule's name: some ask for more than the one rule.
        getattr(asked, rule)()
    except (webob.exc.HTTPForbidden, webob.exc.HTTPNotFound, glance_exceptions.Forbidden):
        return False
    return True
