# SPDX-License-Identifier: Apache-2.0
"""What a consumer of the message queue learns of operations at both doors."""

import json
import queue
import time
import uuid
from collections.abc import Iterator
from typing import Any

import oslo_messaging
import pytest
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.db.audit import AuditEvents
from ims_glance.db.database import Database
from tests.cloud import login, pocket, servers

pytestmark = pytest.mark.pocket

_PATIENCE = 240


class _Endpoint:
    """What oslo.messaging hands the notifications to."""

    def __init__(self) -> None:
        self.seen: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def info(self, _context, _publisher, event_type, payload, _metadata):
        self.seen.put((event_type, payload))


class Trail:
    """The events of this test, among those of others."""

    def __init__(self, endpoint: _Endpoint) -> None:
        self._endpoint = endpoint
        self._seen: list[tuple[str, dict[str, Any]]] = []

    def find(self, event_type: str, image_id: str, code: str | None = None) -> dict[str, Any]:
        """The first event of this type, image and code; its content."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for kind, event in self._seen:
                more = event["attachments"][0]["content"]
                if (kind, more["code"]) == (event_type, code) and image_id in more["image_ids"]:
                    return event
            try:
                self._seen.append(self._endpoint.seen.get(timeout=0.5))
            except queue.Empty:
                continue
        raise AssertionError(f"no {event_type} of {image_id}: {[kind for kind, _ in self._seen]}")


@pytest.fixture(scope="module")
def conf() -> cfg.ConfigOpts:
    """The configuration of the first region's Glance."""
    read = cfg.ConfigOpts()
    files = [text for path in pocket.glance_config_files() for text in ("--config-file", path)]
    read(files, project="glance")
    ims_conf.register_opts(read)
    return read


@pytest.fixture(scope="module")
def trail(conf) -> Iterator[Trail]:
    """Listens to the audit topic of the first region's Glance."""
    endpoint = _Endpoint()
    listener = oslo_messaging.get_notification_listener(
        oslo_messaging.get_notification_transport(conf),
        # Glance's exchange (glance/notifier.py).
        [oslo_messaging.Target(topic=topic, exchange="glance") for topic in conf.ims_audit.topics],
        [endpoint],
        executor="threading",
        # A copy for these tests; others read the topic too.
        pool=f"test-{uuid.uuid4().hex[:8]}",
    )
    listener.start()
    yield Trail(endpoint)
    listener.stop()
    listener.wait()


@pytest.fixture
def demo() -> Any:
    return login.connect("demo")


@pytest.fixture
def image(demo) -> Iterator[Any]:
    made = demo.image.create_image(
        "audited", disk_format="raw", container_format="bare", data=b"x" * 99
    )
    yield made
    demo.image.delete_image(made, ignore_missing=True)


def test_the_life_of_an_image(trail, demo, image):
    demo.image.add_tag(image, "key")
    demo.image.update_image(image.id, name="renamed")
    demo.image.delete_image(image)
    for name in ("createImage", "addTag", "updateImage", "deleteImage"):
        event = trail.find(f"audit.image.{name}", image.id)
        more = event["attachments"][0]["content"]
        assert event["name"] == name
        assert event["outcome"] == "success"
        assert event["initiator"]["id"] == demo.current_user_id
        assert event["initiator"]["host"]["address"] == "127.0.0.1"
        assert "openstacksdk" in event["initiator"]["host"]["agent"]
        assert more["project_id"] == demo.current_project_id
        assert "member" in more["roles"]
        assert more["request_id"].startswith("req-")
        assert demo.auth_token not in str(event)


def test_a_refusal(trail, image):
    other = login.connect("other")
    answer = other.image.delete(f"/images/{image.id}")
    assert answer.status_code == 404
    event = trail.find("audit.image.deleteImage", image.id)
    assert event["outcome"] == "failure"
    assert event["reason"]["reasonCode"] == "404"
    assert event["initiator"]["id"] == other.current_user_id


def test_the_ims_api(trail, demo, image):
    root = demo.image.get_endpoint().rstrip("/").removesuffix("/v2")
    patch = [{"op": "replace", "path": "/name", "value": "by ims"}]
    url = f"{root}/v2/cloudimages/{image.id}"
    answer = demo.image.request(url, "PATCH", json=patch, raise_exc=False)
    assert answer.status_code == 200, answer.text
    event = trail.find("audit.ims.updateImage", image.id)
    assert event["outcome"] == "success"
    assert event["initiator"]["id"] == demo.current_user_id
    patch[0]["value"] = "<" * 200
    answer = demo.image.request(url, "PATCH", json=patch, raise_exc=False)
    assert answer.status_code == 400
    code = answer.json()["error"]["code"]
    assert trail.find("audit.ims.updateImage", image.id, code)["outcome"] == "failure"


def test_a_job(trail, demo, image):
    root = demo.image.get_endpoint().rstrip("/").removesuffix("/v2")
    url = f"{root}/v1/cloudimages/{image.id}/copy"
    answer = demo.image.request(url, "POST", json={"name": "audited copy"}, raise_exc=False)
    assert answer.status_code == 200, answer.text
    event = trail.find("audit.ims.copyImage", image.id)
    assert event["attachments"][0]["content"]["job_id"] == answer.json()["job_id"]
    servers.wait_until(lambda: list(demo.image.images(name="audited copy", status="active")))
    for copied in demo.image.images(name="audited copy"):
        demo.image.delete_image(copied)


def test_an_operator_reads_it_as_often_as_needed(demo, image):
    for _twice in range(2):
        servers.wait_until(lambda: _actions(image) == ["createImage", "updateImage"])
    shown = json.loads(pocket.manage("audit", "--image", image.id, "--json").stdout)
    assert {event["initiator"]["id"] for event in shown} == {demo.current_user_id}


def test_a_queue_that_nobody_reads_is_bounded(image):
    servers.wait_until(lambda: pocket.queues("policy").get("ims_audit.info") == "ims-audit")


@pytest.mark.alone
def test_what_is_done_without_rabbitmq_waits_for_it(conf, demo):
    events = AuditEvents(conf, Database(conf))
    with pocket.killed("rabbitmq"):
        begin = time.monotonic()
        made = demo.image.create_image("audited", disk_format="raw", container_format="bare")
        demo.image.delete_image(made)
        assert time.monotonic() - begin < 60
        servers.wait_until(lambda: _actions(made) == ["createImage", "deleteImage"])
        assert _waiting(events, made) == ["createImage", "deleteImage"]
    servers.wait_until(lambda: not _waiting(events, made))


def _actions(image: Any) -> list[str]:
    """What was done to an image, as an operator sees it."""
    lines = pocket.manage("audit", "--image", image.id).stdout.splitlines()
    return [line.split()[2] for line in lines]


def _waiting(events: AuditEvents, image: Any) -> list[str]:
    """What was done to an image and was not sent."""
    unsent = events.unsent(10000)
    return [event.content["name"] for event in unsent if event.content["target"]["id"] == image.id]
