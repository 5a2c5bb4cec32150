# SPDX-License-Identifier: Apache-2.0
"""A cloud of two regions, R and TWO, whose Image services have images of their own."""

import re
from typing import Any

import openstack
import requests
from keystoneauth1 import fixture, session

from ims_glance import client
from tests.unit.client.cloud import IDENTITY, IMAGE, OTHER, PROJECT, USER, Answer, Cloud, Request

TWO = "http://two.test/image"
COPY_ID = "22222222-2222-4333-8444-555555555555"
_PROJECTS = {"demo": PROJECT, "web": OTHER}


def origin_of(image_id: str, region: str = "R") -> str:
    """What a copy says of its source."""
    return f"image,{region},{image_id}"


class TwoRegions(Cloud):
    """The cloud; a caller sees the images of the project of the token, and public ones.

    :param endpoints: address of the Image service by region
    """

    def __init__(self, endpoints: dict[str, str] | None = None) -> None:
        super().__init__()
        self._endpoints = endpoints or {"R": IMAGE, "TWO": TWO}
        self.on("POST", f"{IDENTITY}/auth/tokens", self._token)

    def has(self, url: str, *images: dict[str, Any], page: int = 100) -> None:
        """Have images in the region of an address, so many a page."""

        def one(request: Request) -> Answer:
            wanted = request.path.rsplit("/", 1)[1]
            found = [each for each in images if each["id"] == wanted and _shown(request, each)]
            return Answer(200, found[0]) if found else Answer(404, {"message": "No image found"})

        def some(request: Request) -> Answer:
            query = dict(request.query)
            asked = query.pop("os_hidden", "false") == "true"
            marker, _limit = query.pop("marker", None), query.pop("limit", None)
            found = [
                each
                for each in images
                if _shown(request, each)
                and bool(each.get("os_hidden")) == asked
                and all(each.get(name) == value for name, value in query.items())
            ]
            ids = [each["id"] for each in found]
            begin = ids.index(marker) + 1 if marker else 0
            more = {"next": "/v2/images?elsewhere"} if len(found) > begin + page else {}
            return Answer(200, {"images": found[begin : begin + page], **more})

        self.on("GET", f"{re.escape(url)}/v2/images/[^/]+", one)
        self.on("GET", f"{re.escape(url)}/v2/images", some)
        self.on("GET", f"{re.escape(url)}/v2/cloudimages", some)

    def connection(self, **_settings: Any) -> Any:
        """A connection with settings, as openstackclient has it."""

        class Session(session.Session):
            def __init__(inner, **how: Any) -> None:
                http = requests.Session()
                http.mount("http://", self)
                super().__init__(session=http, **how)

        config = openstack.config.OpenStackConfig(
            load_yaml_config=False, load_envvars=False, session_constructor=Session
        )
        login = {"auth_url": IDENTITY, "user_id": USER, "password": "secret"}
        region = config.get_one(
            auth={**login, "project_name": "demo", "project_domain_id": "default"},
            region_name="R",
            image_endpoint_override=IMAGE,
        )
        return client.register(openstack.connection.Connection(config=region))

    def _token(self, request: Request) -> Answer:
        wanted = request.body["auth"]["scope"]["project"]
        project = str(wanted.get("id") or _PROJECTS.get(wanted["name"]))
        if project not in _PROJECTS.values():
            return Answer(401, {"error": {"code": 401, "message": "It takes a role."}})
        token = fixture.V3Token(user_id=USER, project_id=project)
        token.set_project_scope(project, wanted.get("name"))
        token.add_service("identity").add_standard_endpoints(public=IDENTITY, region="R")
        image = token.add_service("image")
        for region, url in self._endpoints.items():
            image.add_endpoint("public", url, region=region)
        return Answer(201, token, {"X-Subject-Token": project})


def _shown(request: Request, image: dict[str, Any]) -> bool:
    return image["visibility"] == "public" or image["owner"] == request.headers["X-Auth-Token"]
