"""Gives tests their clients, on each Python, blocking and on asyncio, and their servers.

The conftest.py of a folder imports those that its tests need.
"""

import contextlib
import os

import emulator
import firestore_servers
import pytest
from clients import RUNTIMES, Client

from flamelet_tools.shared.micropython import MISSING, find_micropython
from flamelet_tools.simulator import Simulator


def runtimes(*names):
    without = pytest.mark.skipif(find_micropython() is None, reason=MISSING)
    return [pytest.param(name, marks=without) if name.startswith("micropython") else name for name in names]


@pytest.fixture
def sim():
    """A simulator for one test."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def firestore_emulator(tmp_path_factory):
    """The origin of Google's Firestore emulator, which runs while there are tests that need it."""
    if emulator.find_gcloud() is None:
        pytest.skip(emulator.MISSING)
    with contextlib.ExitStack() as closing:
        folder = tmp_path_factory.mktemp("emulator")
        try:
            origin = closing.enter_context(emulator.running(folder, firestore_servers.RULES))
        except emulator.NotStarted as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        yield origin


@pytest.fixture
def on_emulator(firestore_emulator):
    """The emulator as a `firestore_servers.Server`, without documents."""
    return firestore_servers.on_emulator(firestore_emulator)


@pytest.fixture
def on_simulator():
    """A simulator for one test, as a `firestore_servers.Server`."""
    with Simulator(project=firestore_servers.PROJECT, firestore_rules=firestore_servers.allow) as simulator:
        yield firestore_servers.on_simulator(simulator)


@pytest.fixture(params=["emulator", "simulator"])
def firestore(request):
    """Each Firestore that there is to test against, without documents: a `firestore_servers.Server`."""
    return request.getfixturevalue(f"on_{request.param}")


def open_client(request, kind=Client):
    client = kind(request.param)
    yield client
    client.close()


@pytest.fixture(params=runtimes(*RUNTIMES))
def client(request):
    """A client on each Python, blocking and awaited."""
    yield from open_client(request)


@pytest.fixture(params=runtimes("cpython", "micropython"))
def blocking_client(request):
    """A client on each Python, for what does not depend on how one waits."""
    yield from open_client(request)


@pytest.fixture(params=runtimes("micropython"))
def micropython_client(request):
    """A client on MicroPython alone, for its memory."""
    yield from open_client(request)
