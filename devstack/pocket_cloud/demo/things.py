# SPDX-License-Identifier: Apache-2.0
"""What demos have in the cloud, found by its name through the services' APIs."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pocket_cloud import rest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import claim

USERS = ("demo", "other")
REGIONS = ("glance_one", "glance_two")

Ours = Callable[[str | None], bool]
"""Whether a name is that of a thing to be removed."""

_PAGE = 100
# Nova names no volume that it makes of an image, and Cinder says of which one when it is done.
_BEING_MADE = ("creating", "downloading")
# To who does not sell the marketplace says that there is no such thing.
_NOTHING_SOLD = (403, 404)
_REMOVABLE = ("available", "error", "error_deleting")


@dataclass(frozen=True)
class Thing:
    """Something that is to go.

    :ivar text: what it is, for people
    :ivar remove: begins to remove it; ``None`` if that has to be waited for
    """

    text: str
    remove: Callable[[], object] | None


def sessions(cloud: Cloud) -> list[rest.Session]:
    """The tenants that demos play with."""
    url = cloud.url("keystone", "/v3")
    return [rest.Session(url, user, cloud.secrets[f"password_{user}"], user) for user in USERS]


def find(cloud: Cloud, tenants: list[rest.Session], ours: Ours, since: str = "") -> list[Thing]:
    """What has to go next: jobs first, then servers, then what these stood on.

    :param since: if given, volumes without a name that are being made since that time (UTC, ISO
        8601) are waited for, since they may turn out to be ours
    :raises HttpError: if a service refuses
    :raises OSError, http.client.HTTPException: if one is away
    """
    for look in (_jobs, _servers, _volumes, _products, _images, _orders, _secrets):
        found = [
            thing for session in tenants for thing in look(_Place(cloud, session), ours, since)
        ]
        if found:
            return found
    return []


@dataclass(frozen=True)
class _Place:
    """One tenant's part of the cloud."""

    cloud: Cloud
    session: rest.Session

    def pages(self, port: str, path: str, key: str) -> Iterator[dict[str, Any]]:
        """All entries of a list whose pages link to the next one (Glance, Nova, Cinder)."""
        following: str | None = self.cloud.url(port, path)
        while following:
            answer = self.session("GET", following)
            yield from answer[key]
            following = self._following(port, answer, key)

    def _following(self, port: str, answer: dict[str, Any], key: str) -> str | None:
        if answer.get("next"):
            found = str(answer["next"])
            return found if "://" in found else self.cloud.url(port, found)
        links = answer.get(f"{key}_links") or []
        return next((link["href"] for link in links if link["rel"] == "next"), None)

    def deleting(self, url: str) -> Callable[[], object]:
        """Deletes what is at *url*."""
        return lambda: self.session("DELETE", url)

    def withdrawing(self, url: str) -> Callable[[], object]:
        """Takes the product at *url* from the market, or back from its reviewers."""
        return lambda: self.session("POST", f"{url}/withdraw", {})


def _jobs(place: _Place, ours: Ours, _since: str) -> Iterator[Thing]:
    base = f"/v1/{place.session.project_id}/jobs"
    for port, status in itertools.product(REGIONS, ("INIT", "RUNNING")):
        url = place.cloud.url(port, f"{base}?status={status}&limit=1000")
        for job in place.session("GET", url)["jobs"]:
            name = (job.get("entities") or {}).get("image_name")
            if ours(name):
                cancel = place.deleting(place.cloud.url(port, f"{base}/{job['job_id']}"))
                yield Thing(f"job {job['job_id']} ({name})", cancel)


def _servers(place: _Place, ours: Ours, _since: str) -> Iterator[Thing]:
    for server in place.pages("nova", "/v2.1/servers", "servers"):
        if ours(server["name"]):
            url = place.cloud.url("nova", f"/v2.1/servers/{server['id']}")
            yield Thing(f"server {server['name']}", place.deleting(url))


def _volumes(place: _Place, ours: Ours, since: str) -> Iterator[Thing]:
    base = f"/v3/{place.session.project_id}/volumes"
    for volume in place.pages("cinder", f"{base}/detail", "volumes"):
        made_of = (volume.get("volume_image_metadata") or {}).get("image_name")
        text = f"volume {volume['name'] or volume['id']}"
        if ours(volume["name"]) or ours(made_of):
            url = place.cloud.url("cinder", f"{base}/{volume['id']}")
            removable = volume["status"] in _REMOVABLE
            yield Thing(text, place.deleting(url) if removable else None)
        elif (
            since
            and not volume["name"]
            and volume["status"] in _BEING_MADE
            and volume["created_at"] >= since
        ):
            yield Thing(text, None)


def _products(place: _Place, ours: Ours, _since: str) -> Iterator[Thing]:
    """Of the marketplace. What was withdrawn stays on record; the copies of it go."""
    base = f"/v1/{place.session.project_id}/market/seller/products"
    try:
        found = place.session("GET", place.cloud.url("glance_one", f"{base}?limit={_PAGE}"))
    except rest.HttpError as error:
        if error.status in _NOTHING_SOLD:
            return
        raise
    for product in found["products"]:
        if not ours(claim.unspelled(product["name"])) or product["state"] == "withdrawn":
            continue
        url = place.cloud.url("glance_one", f"{base}/{product['id']}")
        is_draft = product["state"] in ("draft", "rejected")
        remove = place.deleting(url) if is_draft else place.withdrawing(url)
        yield Thing(f"product {product['name']}", remove)


def _images(place: _Place, ours: Ours, _since: str) -> Iterator[Thing]:
    """The visible ones first: with a whole machine go its disks, which are hidden."""
    query = f"owner={place.session.project_id}&limit=500"
    for hidden in ("", "&os_hidden=true"):
        found = False
        path = f"/v2/images?{query}{hidden}"
        listed = ((port, each) for port in REGIONS for each in place.pages(port, path, "images"))
        for port, image in listed:
            if ours(image["name"]) and image["owner"] == place.session.project_id:
                found = True
                url = place.cloud.url(port, f"/v2/images/{image['id']}")
                yield Thing(f"image {image['name']}", place.deleting(url))
        if found:
            return


def _orders(place: _Place, ours: Ours, _since: str) -> Iterator[Thing]:
    for order in _barbican(place, "orders"):
        name = order["meta"].get("name")
        if ours(name):
            yield Thing(f"order {name}", place.deleting(_own_url(place, order["order_ref"])))


def _secrets(place: _Place, ours: Ours, _since: str) -> Iterator[Thing]:
    for secret in _barbican(place, "secrets"):
        if ours(secret["name"]):
            url = _own_url(place, secret["secret_ref"])
            yield Thing(f"secret {secret['name']}", place.deleting(url))


def _barbican(place: _Place, kind: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        path = f"/v1/{kind}?limit={_PAGE}&offset={offset}"
        found = place.session("GET", place.cloud.url("barbican", path))[kind]
        yield from found
        if len(found) < _PAGE:
            return
        offset += _PAGE


def _own_url(place: _Place, ref: str) -> str:
    """The address of a thing of Barbican's, on loopback whatever Barbican thinks it is called."""
    return place.cloud.url("barbican", ref[ref.index("/v1/") :])
