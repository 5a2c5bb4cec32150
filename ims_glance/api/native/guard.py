# SPDX-License-Identifier: Apache-2.0
"""The guard: a WSGI filter that holds native requests of the Image API to the rules of IMS.

It stands behind Glance's ``context`` filter (so it knows the caller) and in front of the
application that serves ``/v2``. Requests without a rule pass it at the cost of one look at method and
path; downloads at that of one query of an index, unless ``[ims_api] product_downloads`` is ``everybody``.
"""

import dataclasses
import functools
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import webob
from glance import context as glance_context
from glance.common import wsgi
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance import exceptions, keys
from ims_glance.api.common.acceptance import Acceptance
from ims_glance.api.common.backup import Backups
from ims_glance.api.common.image import Images, SubrequestRefused
from ims_glance.api.common.image_keys import ImageKeys
from ims_glance.api.common.quota import ImageQuota
from ims_glance.api.native import (
    data,
    faults,
    image,
    member,
    view,
    whole_image,
)
from ims_glance.api.native.call import Limits, NativeCall
from ims_glance.db.database import Database
from ims_glance.db.market.uses import ServerUses
from ims_glance.db.report import GuestReports
from ims_glance.model.image import stores
from ims_glance.store.inner import stock

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


@dataclasses.dataclass(frozen=True)
class Route:
    """A kind of request that has a rule.

    :ivar pattern: of its path; group ``image`` is the path of the image, if it is about one
    :ivar view: changes the answer
    """

    method: str
    pattern: re.Pattern[str]
    rule: Callable[[NativeCall], Any]
    view: Callable[[webob.Response], None] | None = None


# The patterns are those that Routes makes of Glance's table (glance/api/v2/router.py), with the
# same "$", which lets a path end in a line feed.
_IMAGES = "(?P<image>/v2/images"
_IMAGE = f"{_IMAGES}/[^/]+?)"
ROUTES = (
    Route("GET", re.compile(f"^{_IMAGES})$"), view.index, view.add_kinds),
    Route("GET", re.compile(f"^{_IMAGE}$"), view.show, view.add_kind),
    Route("POST", re.compile(f"^{_IMAGES})$"), image.create, view.add_kind),
    Route("PATCH", re.compile(f"^{_IMAGE}$"), whole_image.update, view.add_kind),
    Route("GET", re.compile(f"^{_IMAGE}/file$"), data.download),
    Route("PUT", re.compile(f"^{_IMAGE}/file$"), data.upload),
    Route("POST", re.compile(f"^{_IMAGE}/import$"), data.import_),
    Route("POST", re.compile(f"^{_IMAGE}/locations$"), image.add_location),
    Route("DELETE", re.compile(f"^{_IMAGE}$"), whole_image.delete),
    Route("POST", re.compile(f"^{_IMAGE}/actions/(de|re)activate$"), whole_image.change_status),
    Route("POST", re.compile(f"^{_IMAGE}/members$"), member.add),
    Route("PUT", re.compile(f"^{_IMAGE}/members/(?P<member>[^/]+?)$"), member.update),
    Route("DELETE", re.compile(f"^{_IMAGE}/members/(?P<member>[^/]+?)$"), member.remove),
    Route("PUT", re.compile(f"^{_IMAGE}/tags/(?P<tag>[^/]+?)$"), image.add_tag),
    Route("DELETE", re.compile(f"^{_IMAGE}/tags/(?P<tag>[^/]+?)$"), image.remove_tag),
    Route("DELETE", re.compile("^/v2/stores/[^/]+?(?P<image>/[^/]+?)$"), data.remove_copy),
    Route("POST", re.compile("^(?P<image>/v2/tasks)$"), image.create_task),
)
_SLASHES = re.compile("//+")


def find_route(environ: Environ) -> tuple[Route, str] | None:
    """The route of a request as Glance will see it, and the path of the image.

    On its way to the controller a request passes Paste's urlmap, which makes one slash of several
    (``paste/urlmap.py``), and Routes, which lets ``_method`` in the query override the method
    (``routes/middleware.py``; in a form, too, which :class:`Guard` hides from it).
    """
    method = environ["REQUEST_METHOD"]
    if "_method" in environ.get("QUERY_STRING", ""):
        method = _overridden(environ) or method
    if method not in _METHODS:
        return None
    path = _SLASHES.sub("/", environ.get("PATH_INFO", ""))
    for route in ROUTES:
        if route.method == method and (match := route.pattern.match(path)):
            return route, match["image"]
    return None


_METHODS = frozenset(route.method for route in ROUTES)


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _is_form(environ: Environ) -> bool:
    return str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower() in _FORMS


def _overridden(environ: Environ) -> str:
    try:
        method = webob.Request(environ).GET.get("_method")
    except UnicodeDecodeError:
        return ""
    return str(method or "").upper()


class Guard:
    """The filter.

    :param app: what serves ``/v2``, with the path still in front
    :param backups: server backups; ``None`` where there are none
    :param reports: of the systems in images; ``None`` where there are none
    :param servers: what they use of the marketplace; ``None`` where that is not recorded
    """

    def __init__(
        self,
        app: App,
        enabled_stores: stores.Stores,
        keys: ImageKeys,
        limits: Limits,
        backups: Backups | None = None,
        reports: GuestReports | None = None,
        servers: ServerUses | None = None,
    ) -> None:
        self._app = app
        self._stores = enabled_stores
        self._keys = keys
        self._limits = limits
        self._backups = backups
        self._reports = reports
        self._servers = servers
        self._images = Images(app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if environ["REQUEST_METHOD"] == "POST" and _is_form(environ):
            # Nothing in the Image API takes a form, and Routes would look for a method in it.
            environ["CONTENT_TYPE"] = "application/json"
        found = find_route(environ)
        call = self._call(environ, found[1]) if found else None
        if found is None or call is None:
            return self._app(environ, start_response)
        with call.held:
            return self._guarded(call, found[0])(environ, start_response)

    def _call(self, environ: Environ, image_path: str) -> NativeCall | None:
        """What a rule is asked about; ``None`` for requests that Glance refuses by itself.

        Those are requests without a context, for which there is an error in the context's place,
        and such that may only read.
        """
        request = wsgi.Request(environ)
        context = getattr(request, "context", None)
        if not isinstance(context, glance_context.RequestContext) or context.read_only:
            return None
        return NativeCall(
            request,
            context,
            image_path,
            self._images,
            self._keys,
            self._stores,
            self._limits,
            self._backups,
            self._reports,
            self._servers,
        )

    def _guarded(self, call: NativeCall, route: Route) -> App:
        """The answer: a refusal, or what Glance says, with its effects."""
        try:
            route.rule(call)
        except exceptions.ImsError as error:
            # Not the message: it may repeat what was sent, and who knows what that is.
            LOG.info("Refused %s %r: %s", route.method, call.image_path, type(error).__name__)
            return self._refusal(faults.answer(error))
        except SubrequestRefused as refused:
            return self._refusal(refused.response)
        if route.view is not None:
            call.effects.append(route.view)
        if not call.effects:
            return self._app
        response: App = call.request.get_response(self._app)
        for effect in call.effects:
            effect(response)
        return response

    @staticmethod
    def _refusal(answer: App) -> App:
        def respond(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            # Without a wish it would be plain text, of which openstacksdk shows nothing.
            accept = environ.get("HTTP_ACCEPT") or "application/json"
            return answer({**environ, "HTTP_ACCEPT": accept}, start_response)

        return respond


def enabled_stores(conf: cfg.ConfigOpts) -> stores.Stores:
    """The stores of a Glance from its configuration.

    :raises InnerStoreMisconfigured: if ``[ims_kms] default_store`` is no encrypting store
    """
    ims_conf.register_opts(conf)
    # glance_store adds Glance's own staging stores to the option's value (glance_store/
    # multi_backend.py); their prefix is reserved.
    drivers = {
        store: name
        for store, name in (conf.enabled_backends or {}).items()
        if not store.startswith("os_glance_")
    }
    default = conf.glance_store.default_backend if drivers else None
    encrypting = [store for store, name in drivers.items() if name == stores.ENCRYPTING_DRIVER]
    for store in encrypting:
        # glance_store has registered them unless it could not load the driver.
        conf.register_opts(stock.common_options(), group=store)
    weights = {store: conf[store].weight for store in encrypting}
    chosen = stores.choose(weights, conf.ims_kms.default_store, default)
    return stores.Stores(drivers, default, chosen)


def make(
    conf: cfg.ConfigOpts,
    app: App,
    image_keys: ImageKeys,
    quota: ImageQuota,
    backups: Backups,
    database: Database,
) -> Guard:
    """The guard in front of *app*.

    :param database: our own
    """
    reports = GuestReports(database) if database.is_configured else None
    is_recorded = database.is_configured and conf.ims_market.enabled and conf.ims_usage.enabled
    return Guard(
        app,
        enabled_stores(conf),
        image_keys,
        Limits(conf, quota),
        backups,
        reports,
        ServerUses(database) if is_recorded else None,
    )


def keys_of(conf: cfg.ConfigOpts) -> ImageKeys:
    """Keys for images, by the key manager that this process has."""
    return ImageKeys(
        functools.partial(keys.of_process, conf),
        conf.ims_kms.default_key_name,
        lambda key_id: keys.of_process(conf).canonical(key_id),
    )


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[App], Guard]:
    """Make the filter from a paste file, with Glance's own configuration.

    Glance has configured its stores by the time it loads the paste file.
    """
    conf = cfg.CONF
    ims_conf.register_opts(conf)
    jobs = Acceptance(conf)

    def filter_(app: App) -> Guard:
        quota = ImageQuota(conf, Images(app), jobs.unfinished, jobs.is_made_for)
        backups = Backups(conf, jobs.backup_ids_in_use)
        return make(conf, app, keys_of(conf), quota, backups, jobs.database)

    return filter_
