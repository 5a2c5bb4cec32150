# SPDX-License-Identifier: Apache-2.0
"""Calls of handlers with fakes behind them."""

import contextlib
import types
from typing import Any

import webob
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.api.common import elsewhere
from ims_glance.api.common.acceptance import Rights
from ims_glance.api.common.backup import Backups
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.common.quota import Room
from ims_glance.api.ims.operation import Call, Service
from ims_glance.clouds.rest import ServiceUnavailable
from ims_glance.model import job
from tests.unit.clouds.backups_server import SECRETS

PROJECT, OTHER = "a" * 32, "b" * 32
IMAGE = "1a111111-1111-1111-1111-111111111111"
SECOND = "22222222-2222-2222-2222-222222222222"
ABSENT = "99999999-9999-9999-9999-999999999999"
JOB = "c" * 32
JOB_THERE = "d" * 32
# What a name may be, as far as it looks like a JWT, a token of Keystone, or some key.
WORDS = ("eyJabcdefgh.a.b", "gAAAAAB" + "x" * 100, "AKIAIOSFODNN7EXAMPLE", "password", "c" * 64)
DEFAULT_KEY = "ims/default"


def configuration(tmp_path, **options):
    """A configuration with locks in files; *options* are of ``[ims_api]``."""
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override("coordination_url", f"file://{tmp_path}", group="ims_kms")
    conf.set_override("signing_secrets", SECRETS, group="ims_backups")
    for name, value in options.items():
        conf.set_override(name, value, group="ims_api")
    return conf


def view(image_id=IMAGE, **changes):
    """An image as the Image API shows it."""
    return {
        "id": image_id,
        "name": "image",
        "owner": PROJECT,
        "status": "active",
        "visibility": "private",
        "protected": False,
        "size": 4,
        "tags": [],
    } | changes


def _refuse(status):
    raise SubrequestRefused(webob.Response(status=status, json_body={"message": "No."}))


class Images:
    """The Image API: images, and members by image."""

    def __init__(self, *views):
        self.views = {each["id"]: each for each in views}
        self.members = {}
        self.patches = []
        self.queries = []

    def call(self, _context, method, path, body=None, query=None):
        """Answer a request."""
        assert (method, body) == ("GET", None)
        _, _version, _images, *rest = path.split("/")
        if not rest:
            return self._page(query)
        if rest[0] not in self.views:
            _refuse(404)
        if len(rest) == 1:
            return self.views[rest[0]]
        return self._members(*rest)

    def member_count(self, _context, image_id):
        """How many there are."""
        return len(self.members.get(image_id, {}))

    def _members(self, image_id, _members, member_id=None):
        members = self.members.get(image_id, {})
        if member_id is None:
            listed = [self._member(image_id, each) for each in members]
            return {"members": listed, "schema": "/v2/schemas/members"}
        if member_id not in members:
            _refuse(404)
        return self._member(image_id, member_id)

    def _member(self, image_id, member_id):
        status = self.members[image_id][member_id]
        return {"image_id": image_id, "member_id": member_id, "status": status}

    def _page(self, query):
        page = self._listed(query)
        self.queries.append(dict(query))
        is_full = bool(page) and len(page) == int(query["limit"])
        return {"images": page} | ({"next": "/v2/images?..."} if is_full else {})

    def _listed(self, query):
        owner = query.get("owner")
        found = [
            each
            for each in self.views.values()
            if owner in {None, each["owner"]}
            and query.get("tag") in {None, *each["tags"]}
            and query.get("id") in {None, each["id"]}
            and query.get("name") in {None, each["name"]}
            and query.get("__data_origin") in {None, each.get("__data_origin")}
            and query.get("visibility") in {None, each["visibility"]}
            and query.get("os_hidden", "false") == str(each.get("os_hidden", False)).lower()
        ]
        ids = [each["id"] for each in found]
        if "marker" in query and query["marker"] not in ids:
            _refuse(400)
        begin = ids.index(query["marker"]) + 1 if "marker" in query else 0
        return found[begin : begin + int(query["limit"])]

    def patch(self, _context, image_id, changes):
        """Replace attributes; the image afterwards."""
        self.patches.append((image_id, changes))
        for change in changes:
            self.views[image_id][change["path"][1:]] = change["value"]
        return self.views[image_id]


class Jobs:
    """Accepts everything."""

    def __init__(self):
        self.accepted = []
        self.ids = []
        self.limits = []
        self.there = []
        self.refusal = None
        self.rights = None

    def check_limit(self, project_id, job_type, creates_image=False):
        """Note what was asked for."""
        self.limits.append((project_id, job_type, creates_image))

    def unfinished(self, project_id):
        """The jobs that the test put there."""
        assert project_id == PROJECT
        return [each for each in self.there if not each.is_finished]

    def find(self, project_id, status=None):
        """The jobs that the test put there."""
        assert project_id == PROJECT
        return [each for each in self.there if status in {None, each.status}]

    def accept(
        self,
        _context,
        job_type,
        arguments,
        entities=None,
        creates_image=False,
        acting=None,
        reading=None,
        job_id=None,
    ):
        """Note a job, as far as it could be recorded."""
        job.check_names(arguments)
        job.check_names(entities or {})
        if self.refusal is not None:
            raise self.refusal
        self.rights = acting, reading
        self.accepted.append((job_type, arguments, entities, creates_image))
        self.ids.append(job_id)
        return job_id or JOB

    def is_there(self, job_id, project_id):
        """Whether it was accepted."""
        assert project_id == PROJECT
        return job_id in self.ids


class Keys:
    """One key a name; ``default`` is the id of the project's default key."""

    default = None
    default_name = DEFAULT_KEY

    def foreseen(self, _context, value, _owner):
        """The id of the key, unless it is yet to be made."""
        return None if value == DEFAULT_KEY else f"id of {value}"

    def named(self, _context, value, _owner):
        """The id of the key."""
        return f"id of {value}"

    def is_default(self, _context, key_id, owner):
        """Whether a key is that."""
        assert owner == PROJECT
        return key_id == self.default

    def sought(self, _context, value):
        """What images of a key have."""
        return f"id of {value}"


class There:
    """Another region's IMS API: notes what it is asked, and answers with a job."""

    def __init__(self):
        self.asked = []
        self.cancelled = []
        self.refusal = None
        self.lost = 0

    def receive(self, project_id, body):
        """Make a job, or not; the first *lost* answers are lost."""
        self.asked.append((project_id, body))
        if self.refusal is not None:
            raise self.refusal
        if len(self.asked) <= self.lost:
            raise ServiceUnavailable(service="RegionTwo Image", reason="the link broke")
        return {"preflight": {}} if body.get("dry_run") else {"job_id": JOB_THERE}

    def cancel_job(self, project_id, job_id):
        """Note it."""
        self.cancelled.append((project_id, job_id))


class Elsewhere:
    """RegionTwo is another region, where the caller is in the project ``OTHER``."""

    here = "RegionOne"

    def __init__(self):
        self.there: Any = There()
        self.asked = []

    def check(self, _context, region):
        """There is one other."""
        if region != "RegionTwo":
            raise elsewhere.WrongRegion(region=region, regions="RegionTwo")

    def place(self, context, region, project, agency):
        """Of the caller, there."""
        self.check(context, region)
        self.asked.append((project, agency))
        return elsewhere.Place(region, Rights(OTHER, ("member",)), self.there)

    def rights(self, context, agency):
        """Of a job of theirs, here."""
        self.asked.append(agency)
        return Rights(context.project_id, ("member",))


class Quota:
    """Says how many places were asked for."""

    def __init__(self):
        self.asked = 0
        self.disks = 0
        self.bytes = 0

    def room(self, _context, project_id):
        """Private images of a project."""
        assert project_id == PROJECT
        return Room(7, 100)

    def check_bytes(self, _context, project_id, size):
        """Note how many bytes were asked for."""
        assert project_id == PROJECT
        self.bytes += size

    @contextlib.contextmanager
    def places(self, _context, project_id, count=1, disks=0):
        """Take places."""
        assert project_id == PROJECT
        self.asked += count
        self.disks += disks
        yield


def call(conf, *views, body=None, query=None, project_id=PROJECT, **arguments):
    """A call of a handler; its service's fakes are in ``call.service``."""
    backups = Backups(conf, lambda _project: set())
    others = Elsewhere(), None, None
    fakes: tuple[Any, ...] = (Images(*views), Jobs(), Keys(), Quota(), backups, *others)
    service = Service(conf, *fakes)
    context = types.SimpleNamespace(
        project_id=project_id,
        user_id="e" * 32,
        is_admin=False,
        roles=["admin", "member", "reader"],
    )
    return Call(service, context, arguments, query or {}, body)
