# SPDX-License-Identifier: Apache-2.0
"""Ciphertext in Swift objects, written by the stock ``swift`` driver (single tenant)."""

import datetime
import http
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import swiftclient
from glance_store import exceptions as store_exceptions
from glance_store import location
from oslo_config import cfg
from oslo_utils import units

from ims_glance.crypto.stream import Buffer
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore, StoredObject

_READ_SIZE = units.Mi


_MAKING = threading.Lock()


class SwiftInner(InnerStore):
    """Reads with the ``Range`` header, which the stock driver does not send.

    One stock driver serves all requests. Whenever one is made, or a location of it parsed, it reads
    ``swift_store_config_file`` into the one parser of its module; a thread that looks into that
    while another reads finds values that are half made (``'list' object has no attribute 'find'``),
    and of two uploads at once one fails. So that file is read when the store is configured, and
    not again: Glance is restarted when something in it changes. (The driver keeps nothing of a
    request: each has a connection of its own.)
    """

    def __init__(self, conf: cfg.ConfigOpts, driver: str, group: str) -> None:
        with _MAKING:
            super().__init__(conf, driver, group)
        options = self._shared.store_conf
        if options.swift_store_multi_tenant or options.swift_store_multiple_containers_seed:
            raise store_exceptions.BadStoreConfiguration(
                store_name=group,
                reason="the encrypting store keeps its objects in one container of one account: "
                "swift_store_multi_tenant and swift_store_multiple_containers_seed must be off",
            )

    def uri(self, name: str) -> str:
        uri: str = self._shared.create_location(name).get_uri()
        return uri

    def location(self, name: str) -> location.Location:
        # Not parsed from the URI, which has no place for an application credential.
        found = super().location(name)
        found.store_location = self._shared.create_location(name)
        return found

    def put(self, name: str, chunks: Iterable[Buffer], size: int) -> None:
        # Swift writes over what is there, and the stock driver does not look. (Two that write at the same
        # moment are not told apart.)
        try:
            self.size(name)
        except store_exceptions.NotFound:
            super().put(name, chunks, size)
            return
        raise store_exceptions.Duplicate(image=name)

    def stream(self, name: str, offset: int) -> tuple[Iterator[bytes], int]:
        here = self._shared.create_location(name)
        try:
            _headers, body = self._shared.get_connection(here).get_object(
                here.container,
                here.obj,
                resp_chunk_size=_READ_SIZE,
                headers={"Range": f"bytes={offset}-"},
            )
        except swiftclient.ClientException as error:
            if error.http_status == http.HTTPStatus.NOT_FOUND:
                raise store_exceptions.NotFound(image=name) from None
            if error.http_status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                # It ends before that.
                return iter(()), offset
            raise
        return iter(body), offset

    def size(self, name: str) -> int:
        # The stock driver answers 0 whatever goes wrong.
        here = self._shared.create_location(name)
        try:
            headers = self._shared.get_connection(here).head_object(here.container, here.obj)
        except swiftclient.ClientException as error:
            if error.http_status == http.HTTPStatus.NOT_FOUND:
                raise store_exceptions.NotFound(image=name) from None
            raise
        return int(headers["content-length"])

    def objects(self, prefix: str = NAME_PREFIX) -> Iterator[StoredObject]:
        here = self._shared.create_location(NAME_PREFIX)
        connection = self._shared.get_connection(here)
        try:
            _headers, entries = connection.get_container(
                here.container, prefix=prefix, full_listing=True
            )
        except swiftclient.ClientException as error:
            is_made = self._shared.store_conf.swift_store_create_container_on_put
            if error.http_status == http.HTTPStatus.NOT_FOUND and is_made:
                # The first upload makes it.
                return
            raise
        for entry in entries:
            modified = datetime.datetime.fromisoformat(entry["last_modified"])
            yield StoredObject(
                entry["name"], modified.replace(tzinfo=modified.tzinfo or datetime.UTC)
            )

    def _stock_driver(self) -> Any:
        return self._shared
