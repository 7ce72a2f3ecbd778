"""Serves the benchmark: answers at once, with the bytes of the live service, and counts.

In: requests, plain and over TLS, each on its own port. Out: 204 for each write; for a GET below `events/` a stream. It
runs in its own process (`python -m flamelet_tools.proof.bench.server FOLDER`). A line with its ports means that it is
ready (the root certificate is then in FOLDER). Each line on its input is answered by a line with the counters; the end
of its input ends it. It is a raw asyncio.Protocol, so that the time of a push is not mostly the server's.

The path selects further behaviour:
- `closing/...`: every hundredth answer on a connection says `Connection: close`, and the connection ends.
- `cutting/...`: the connection ends after every hundredth answer without notice.
- `events/KIND/COUNT.json`: a snapshot, a put, COUNT events of KIND ("put", "number" or "keep-alive") one by one, and a
put; any other stream has a snapshot, and then nothing. A "number" is a put of a number that differs from the last.
- `devices/COUNT.json`: an object of COUNT devices, each with its number as `level`.
- `v1/...`: Cloud Firestore, see documents.py.

Segments and bytes are counted by the kernel for each connection (TCP_INFO, Linux only: elsewhere they are None). They
include TLS records and handshakes, but not the headers of TCP and IP and bare acknowledgements.
"""

import asyncio
import json
import re
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import trustme

from flamelet_tools.proof.bench import documents
from flamelet_tools.simulator.http.answers import Answer, body, head
from flamelet_tools.simulator.rtdb.event_bytes import KEEP_ALIVE, event_bytes, stream_head
from flamelet_tools.simulator.rtdb.events import Event

REQUESTS_PER_CONNECTION = 100
EVENT_SECONDS = 0.0005
SNAPSHOT = event_bytes(Event("put", "/", None))
PUT = event_bytes(Event("put", "/led", True))
EVENTS: dict[str, Callable[[int], bytes]] = {
    "put": lambda left: PUT,
    "number": lambda left: event_bytes(Event("put", "/led", left)),
    "keep-alive": lambda left: KEEP_ALIVE,
}
CONTENT_LENGTH = re.compile(rb"^content-length: *(\d+)", re.I | re.M)
CLOSE = re.compile(rb"^connection: *close", re.I | re.M)
EVENTS_PATH = re.compile(rb"^GET /events/([a-z-]+)/(\d+)\.json")
DEVICES_PATH = re.compile(rb"^GET /devices/(\d+)\.json")

# struct tcp_info of linux/tcp.h: tcpi_bytes_received, then tcpi_data_segs_in, tcpi_data_segs_out, tcpi_bytes_sent.
TCP_INFO_BYTES = 256
COUNTERS = {"bytes_in": ("Q", 128), "segments_in": ("I", 152), "segments_out": ("I", 156), "bytes_out": ("Q", 200)}


class Counters:
    """The counters of all connections, open and closed."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.events = 0
        self.ended = dict.fromkeys(COUNTERS, 0)
        self.open: set[socket.socket] = set()

    def begin(self, connection: socket.socket) -> None:
        self.connections += 1
        self.open.add(connection)

    def end(self, connection: socket.socket) -> None:
        self.open.remove(connection)
        for name, count in traffic(connection).items():
            self.ended[name] += count

    def read(self) -> dict[str, int | None]:
        """Return the counters by name, or None for those that only Linux keeps."""
        total: dict[str, int | None] = {name: getattr(self, name) for name in ("connections", "requests", "events")}
        if not hasattr(socket, "TCP_INFO"):
            return total | dict.fromkeys(COUNTERS)
        living = [traffic(connection) for connection in self.open]
        return total | {name: self.ended[name] + sum(one[name] for one in living) for name in COUNTERS}


def traffic(connection: socket.socket) -> dict[str, int]:
    """Return what the kernel counted on one connection."""
    if not hasattr(socket, "TCP_INFO"):
        return {}
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    return {name: struct.unpack_from(kind, info, at)[0] for name, (kind, at) in COUNTERS.items()}


class Connection(asyncio.Protocol):
    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.received = b""
        self.requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # A duplicate: asyncio closes its own before it reports the end of a TLS connection.
        self.socket = transport.get_extra_info("socket").dup()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.counters.begin(self.socket)

    def connection_lost(self, exc: Exception | None) -> None:
        self.counters.end(self.socket)
        self.socket.close()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.end_of_request()) > 0:
            request, self.received = self.received[:end], self.received[end:]
            self.requests += 1
            self.counters.requests += 1
            self.answer(request)

    def end_of_request(self) -> int:
        """Return the size of the first request, 0 while it is not whole."""
        head_end = self.received.find(b"\r\n\r\n") + 4
        if head_end < 4:
            return 0
        length = CONTENT_LENGTH.search(self.received, 0, head_end)
        end = head_end + (int(length[1]) if length else 0)
        return end if len(self.received) >= end else 0

    def answer(self, request: bytes) -> None:
        if events := EVENTS_PATH.match(request):
            self.transport.write(stream_head() + SNAPSHOT + PUT)
            self.send_events(EVENTS[events[1].decode()], int(events[2]))
            return
        if asked := DEVICES_PATH.match(request):
            self.send(Answer(200, devices(int(asked[1]))), keep_alive=not CLOSE.search(request))
            return
        if stored := documents.answer(request):
            self.send(stored, keep_alive=not CLOSE.search(request))
            return
        if b"text/event-stream" in request:
            self.transport.write(stream_head() + SNAPSHOT)
            return
        last = self.requests % REQUESTS_PER_CONNECTION == 0
        closing = last and request.startswith(b"PUT /closing/")
        self.transport.write(head(Answer(204), keep_alive=not closing))
        if closing or last and request.startswith(b"PUT /cutting/"):
            self.transport.close()

    def send(self, answer: Answer, keep_alive: bool) -> None:
        self.transport.write(head(answer, keep_alive) + body(answer))
        if not keep_alive:
            self.transport.close()

    def send_events(self, event: Callable[[int], bytes], left: int) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(event(left) if left else PUT)
        self.counters.events += 1
        if left:
            asyncio.get_running_loop().call_later(EVENT_SECONDS, self.send_events, event, left - 1)


def devices(count: int) -> bytes:
    """Return the JSON of this number of devices, with more in each than its number."""
    tree = {f"device{n:05}": {"level": n, "log": ["x" * 50, {"text": "é" * 20}], "on": True} for n in range(count)}
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()


def tls_context(folder: Path) -> ssl.SSLContext:
    """Return the TLS context of a server on 127.0.0.1, and write its root certificate to `folder`/ca.der."""
    ca = trustme.CA()
    (folder / "ca.der").write_bytes(ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


async def serve(folder: Path) -> None:
    loop = asyncio.get_running_loop()
    counters = Counters()
    servers = [
        await loop.create_server(lambda: Connection(counters), "127.0.0.1", 0, ssl=context)
        for context in (None, tls_context(folder))
    ]
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    while await commands.readline():
        print(json.dumps(counters.read()), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
