"""Runs a simulator in an event loop: its sockets, its TLS and its data file, from start to stop.

The listening sockets are ours and asyncio gets duplicates. So they can be closed for a time (`refuse`), or kept open
without accepting (`hang`), and used again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from flamelet_tools.simulator.server import data_file as store
from flamelet_tools.simulator.server.faults import Fault
from flamelet_tools.simulator.server.http import HttpServer, drop
from flamelet_tools.simulator.server.state import State, end_streams

_STOP_SECONDS = 0.05
_BACKLOG = 128


@dataclass(frozen=True)
class Options:
    """How to listen, and where to keep the data."""

    host: str
    port: int
    tls: bool | ssl.SSLContext
    idle_seconds: float | None
    data_file: Path | None


@dataclass(eq=False)
class Listener:
    """One listening socket and its server."""

    address: tuple[str, int]
    socket: socket.socket
    http: HttpServer
    accepting: asyncio.Server | None = None


@dataclass
class Running:
    """A running simulator; setting `stopping` ends it."""

    url: str
    port: int
    ca_pem: bytes | None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


async def run(state: State, options: Options, ready: concurrent.futures.Future[Running]) -> None:
    """Run a simulator until its `stopping` is set; `ready` gets the Running, or the reason why it did not start."""
    async with contextlib.AsyncExitStack() as closing:
        try:
            running = await _start(state, options, closing)
        except Exception as error:
            ready.set_exception(error)
            return
        ready.set_result(running)
        await running.stopping.wait()


async def _start(state: State, options: Options, closing: contextlib.AsyncExitStack) -> Running:
    if options.data_file:
        store.load(state, options.data_file)
        saver = store.Saver(state.databases, options.data_file)
        state.on_change = saver.changed
        closing.callback(saver.finish)
    context, ca_pem = _tls(options)
    scheme = "https" if context else "http"
    listeners: list[Listener] = []
    closing.push_async_callback(_close, state, listeners)
    redirect_to = None
    if state.redirect:
        second = _listen((options.host, 0), HttpServer(state, options.idle_seconds))
        listeners.append(second)
        redirect_to = f"{scheme}://{_for_url(options.host)}:{second.address[1]}"
    first = _listen((options.host, options.port), HttpServer(state, options.idle_seconds, redirect_to))
    listeners.append(first)
    for listener in listeners:
        await _accept(listener, context)
    pauses: set[asyncio.Task[None]] = set()

    def on_listener_fault(fault: Fault) -> None:
        if fault.name == "flap":
            reset_all(state)
        for listener in listeners:
            task = asyncio.create_task(_trouble(listener, context, fault, state))
            pauses.add(task)
            task.add_done_callback(pauses.discard)

    state.on_listener_fault = on_listener_fault
    port = first.address[1]
    return Running(f"{scheme}://{_for_url(options.host)}:{port}", port, ca_pem)


def _tls(options: Options) -> tuple[ssl.SSLContext | None, bytes | None]:
    if isinstance(options.tls, ssl.SSLContext):
        return options.tls, None
    if not options.tls:
        return None, None
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = dict.fromkeys(("localhost", "127.0.0.1", "::1", options.host))
    ca.issue_cert(*(name for name in names if name not in ("", "0.0.0.0", "::"))).configure_cert(context)
    return context, ca.cert_pem.bytes()


def _for_url(host: str) -> str:
    if host in ("", "0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _listen(address: tuple[str, int], http: HttpServer) -> Listener:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    # create_server sets SO_REUSEADDR on systems where it allows an immediate restart on the same port.
    listening = socket.create_server(address, family=family, backlog=_BACKLOG)
    return Listener((address[0], listening.getsockname()[1]), listening, http)


async def _accept(listener: Listener, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    duplicate = listener.socket.dup()
    listener.accepting = await loop.create_server(listener.http, sock=duplicate, ssl=context, backlog=_BACKLOG)


async def _trouble(listener: Listener, context: ssl.SSLContext | None, fault: Fault, state: State) -> None:
    seconds = fault.settings["seconds"]
    await _pause(listener, context, fault.name != "hang", seconds)
    for _ in range(1, fault.settings.get("times", 1)):
        await asyncio.sleep(seconds)
        reset_all(state)
        await _pause(listener, context, True, seconds)


def reset_all(state: State) -> int:
    """Reset all connections (RST) and return how many."""
    connections = list(state.connections)
    for connection in connections:
        drop(connection, reset=True)
    return len(connections)


async def _pause(listener: Listener, context: ssl.SSLContext | None, refuses: bool, seconds: float) -> None:
    if listener.accepting:
        listener.accepting.close()
        listener.accepting = None
    if refuses:
        listener.socket.close()
    await asyncio.sleep(seconds)
    if refuses:
        listener.socket = _listen(listener.address, listener.http).socket
    await _accept(listener, context)


async def _close(state: State, listeners: list[Listener]) -> None:
    for listener in listeners:
        if listener.accepting:
            listener.accepting.close()
        listener.socket.close()
    end_streams(state)
    for listener in listeners:
        listener.http.pre_shutdown()
    # One round of the loop allows idle connections and streams to end by themselves.
    await asyncio.sleep(0)
    await asyncio.gather(*(listener.http.shutdown(_STOP_SECONDS) for listener in listeners))
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)
