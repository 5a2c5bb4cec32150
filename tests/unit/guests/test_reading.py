# SPDX-License-Identifier: Apache-2.0
"""The server of a source: the protocol as real clients speak it, and as nobody should."""

import random
import socket
import struct
import threading

import pytest

from ims_glance.guests import reading
from ims_glance.guests.disk_client import library
from ims_glance.guests.reading import BLOCK, MOST, ObjectServer, RangeCache
from tests.unit.formats.files import InMemory

SIZE = 5 * MOST + 12_345
DATA = random.Random(7).randbytes(SIZE)

HELLO = struct.pack(">I", 3)
GO = struct.pack(">QIIIH", 0x49484156454F5054, 7, 6, 0, 0)


def request(kind, offset, length, cookie=1):
    return struct.pack(">IHHQQI", 0x25609513, 0, kind, cookie, offset, length)


class Broken(InMemory):
    """A source that fails behind its first MiB."""

    def read(self, offset, length):
        if offset >= MOST:
            raise PermissionError("you may not read it any more")
        return super().read(offset, length)


class Client:
    """A client that sends what it likes."""

    def __init__(self, server):
        self.socket = server.client
        self.socket.settimeout(30)

    def get(self, length):
        data = b""
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def go(self):
        self.get(18)
        self.socket.sendall(HELLO + GO)
        while True:
            _, _, kind, length = struct.unpack(">QIII", self.get(20))
            self.get(length)
            if kind == 1:
                return

    def ask(self, kind, offset, length):
        """Error and data of the answer."""
        self.socket.sendall(request(kind, offset, length))
        _, error, cookie = struct.unpack(">IIQ", self.get(16))
        assert cookie == 1
        return error, self.get(length) if kind == 0 and not error else b""

    def is_cut_off(self):
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionResetError:
            pass
        return True


@pytest.fixture
def client():
    with ObjectServer(InMemory(DATA)) as server:
        yield Client(server)


def test_libnbd_reads_it_all():
    """A client that others wrote."""
    with ObjectServer(InMemory(DATA)) as server:
        handle = library().NBD()
        handle.connect_socket(server.client.detach())
        assert handle.is_read_only()
        read = [
            bytes(handle.pread(min(MOST, SIZE - at), at))
            for at in range(0, handle.get_size(), MOST)
        ]
        handle.shutdown()
    assert b"".join(read) == DATA


def test_ranges_are_what_lies_there(client):
    client.go()
    for offset, length in ((1, MOST), (0, 1), (SIZE - 1, 1), (SIZE - MOST, MOST), (BLOCK - 1, 2)):
        assert client.ask(0, offset, length) == (0, DATA[offset : offset + length])


@pytest.mark.parametrize(
    ("kind", "offset", "length", "error"),
    [
        (0, SIZE, 1, 22),
        (0, SIZE - 1, 2, 22),
        (0, 2**64 - 1, 1, 22),
        (0, 0, MOST + 1, 22),
        (0, 0, 2**32 - 1, 22),
        (0, 0, 0, 22),
        (3, 0, 0, 0),
        (4, 0, 512, 1),
        (6, 0, 512, 1),
        (77, 0, 512, 1),
    ],
)
def test_what_is_out_of_bounds_is_an_error(client, kind, offset, length, error):
    client.go()
    assert client.ask(kind, offset, length)[0] == error
    assert client.ask(0, 0, 4) == (0, DATA[:4])


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\xff" * 4,
        HELLO + b"nonsense" * 4,
        HELLO + struct.pack(">QII", 0x49484156454F5054, 7, 2**32 - 1),
        HELLO + struct.pack(">QII", 0x49484156454F5054, 2, 0),
        HELLO + struct.pack(">QII", 0x49484156454F5054, 99, 0) * 100,
        HELLO + GO + b"x" * 28,
        HELLO + GO + request(1, 0, 512),
        HELLO + GO + request(2, 0, 0),
    ],
    ids=["flags", "magic", "long", "abort", "options", "request", "write", "end"],
)
def test_who_speaks_something_else_is_cut_off(client, bytes_):
    client.get(18)
    client.socket.sendall(bytes_)
    assert client.is_cut_off()


def test_any_noise_ends_in_an_answer_or_an_end():
    chance = random.Random(3)
    for _ in range(200):
        with ObjectServer(InMemory(DATA)) as server:
            client = Client(server)
            client.go()
            noise = bytearray(request(0, 0, 512) * 3)
            for _ in range(chance.randrange(1, 6)):
                noise[chance.randrange(len(noise))] = chance.randrange(256)
            client.socket.sendall(noise)
            client.socket.shutdown(socket.SHUT_WR)
            assert client.is_cut_off()


def test_what_the_source_raises_is_raised_afterwards_as_it_was():
    with ObjectServer(Broken(DATA)) as server:
        client = Client(server)
        client.go()
        assert client.ask(0, 0, 100) == (0, DATA[:100])
        server.raise_error()
        assert client.ask(0, 3 * MOST, 100) == (5, b"")
        with pytest.raises(PermissionError, match="any more"):
            server.raise_error()
        # It is not asked again and again.
        assert client.ask(0, 0, 100) == (5, b"")


def test_a_source_that_is_shorter_than_it_said_is_an_error():
    source = InMemory(DATA)
    with ObjectServer(source) as server:
        client = Client(server)
        client.go()
        source.data = DATA[:-100]
        source.__class__ = type("Shrunk", (InMemory,), {"size": SIZE})
        assert client.ask(0, SIZE - 200, 200)[0] == 5


def test_nothing_is_left_of_it():
    before = threading.active_count()
    for _ in range(3):
        with ObjectServer(InMemory(DATA)) as server:
            Client(server).go()
    assert threading.active_count() == before


def test_each_byte_is_read_once_and_little_more():
    source = InMemory(DATA)
    cache = RangeCache(source)
    read = b"".join(cache.read(at, min(4096, SIZE - at)) for at in range(0, SIZE, 4096))
    assert read == DATA
    assert source.got == SIZE
    assert source.reads < 15
    assert cache.read(17, 100_000) == DATA[17:100_017]
    assert source.got == SIZE


def test_here_and_there_a_block_is_read_and_no_more():
    source = InMemory(DATA)
    cache = RangeCache(source)
    places = range(3 * BLOCK, SIZE - BLOCK, 7 * BLOCK)
    for at in places:
        assert cache.read(at + 5, 10) == DATA[at + 5 : at + 15]
    assert source.got == len(places) * BLOCK


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(reading, "KEPT", 4)
    source = InMemory(DATA)
    cache = RangeCache(source)
    for at in range(0, SIZE - BLOCK, BLOCK):
        assert cache.read(at, BLOCK) == DATA[at : at + BLOCK]
        assert len(cache._blocks) <= 4
