# SPDX-License-Identifier: Apache-2.0
"""A lock excludes others of its name, in this process and in others, and none of another name."""

import contextlib
import multiprocessing
import sys
import threading
import time
from unittest import mock

import pytest
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.clouds import coordination


@pytest.fixture
def conf(tmp_path):
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([])
    conf.set_override("coordination_url", f"file://{tmp_path}", group="ims_kms")
    return conf


def _take(conf, name, done, begin=None):
    if begin is not None:
        begin.wait(240)
    with coordination.lock(conf, "image", name):
        done.set()


@pytest.mark.parametrize(
    ("start", "event"),
    [
        (threading.Thread, threading.Event),
        (
            multiprocessing.get_context("fork").Process,
            multiprocessing.get_context("fork").Event,
        ),
    ],
    ids=["thread", "process"],
)
def test_one_at_a_time(conf, start, event):
    waiting, passing, begin = event(), event(), event()
    second = start(target=_take, args=(conf, "one", waiting, begin))
    third = start(target=_take, args=(conf, "two", passing, begin))
    second.start()
    third.start()
    with coordination.lock(conf, "image", "one"):
        begin.set()
        assert passing.wait(240)
        time.sleep(0.3)
        assert not waiting.is_set()
    assert waiting.wait(240)
    second.join()
    third.join()


def test_it_is_let_go_when_the_work_fails(conf):
    with pytest.raises(ZeroDivisionError), coordination.lock(conf, "image", "one"):
        raise ZeroDivisionError
    with coordination.lock(conf, "image", "one"):
        pass


def test_a_thread_may_hold_it_twice(conf, monkeypatch):
    """And still holds it when the inner work is done."""
    monkeypatch.setattr(coordination, "_PATIENCE", 0.2)
    done = threading.Event()

    def take() -> None:
        with contextlib.suppress(exceptions.Unavailable):
            _take(conf, "one", done)

    with coordination.lock(conf, "image", "one"):
        with coordination.lock(conf, "image", "one"):
            pass
        second = threading.Thread(target=take)
        second.start()
        second.join(240)
        assert not done.is_set()
    take()
    assert done.is_set()


def test_nobody_waits_for_ever(conf, monkeypatch):
    monkeypatch.setattr(coordination, "_PATIENCE", 0.2)
    caught = []

    def take() -> None:
        try:
            _take(conf, "one", threading.Event())
        except exceptions.Unavailable as error:
            caught.append(str(error))

    with coordination.lock(conf, "image", "one"):
        second = threading.Thread(target=take)
        second.start()
        second.join(240)
    assert "held by another request" in caught[0]


def test_a_driver_of_a_backend_that_is_not_installed(conf, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    monkeypatch.delitem(sys.modules, "tooz.drivers.mysql", raising=False)
    conf.set_override("coordination_url", "mysql://u:secret@127.0.0.1:1/ims", group="ims_kms")
    with (
        pytest.raises(coordination.CoordinationUnavailable, match="pymysql"),
        coordination.lock(conf, "image", "one"),
    ):
        pass


def test_a_folder_of_locks_that_is_another_users(conf, monkeypatch):
    """Of whoever ran a command as root before Glance needed a lock."""

    def lock(_url, _name):
        def acquire(blocking):
            raise PermissionError(13, "Permission denied", "/locks/one")

        return mock.Mock(acquire=acquire)

    monkeypatch.setattr(coordination._COORDINATORS, "lock", lock)
    with (
        pytest.raises(coordination.CoordinationUnavailable, match="PermissionError: /locks/one"),
        coordination.lock(conf, "image", "one"),
    ):
        pass


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@127.0.0.1:1/ims", "nothing://x", "file:///proc/x"]
)
def test_no_backend_no_lock(conf, url):
    conf.set_override("coordination_url", url, group="ims_kms")
    with (
        pytest.raises(exceptions.Unavailable, match="coordination") as caught,
        coordination.lock(conf, "image", "one"),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_the_lock_is_beaten_for(conf):
    """In etcd, Redis and memcached it would end in the midst of a long upload."""
    url = conf.ims_kms.coordination_url
    with coordination.lock(conf, "image", "one"):
        coordinator = coordination._COORDINATORS.get(url)
        assert coordinator.heart.is_alive()
    coordination._COORDINATORS.forget(url)
    coordinator.heart.wait(240)
    assert not coordinator.heart.is_alive()
