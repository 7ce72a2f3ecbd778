"""The clients that the tests of this folder share: each Python, blocking and on asyncio."""

import sys
from pathlib import Path

import pytest

# For the modules that are no tests: clients.py and scenarios/, which MicroPython finds by its own path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from clients import RUNTIMES, Client  # noqa: E402

from flamelet_tools.micropython import MISSING, find_micropython  # noqa: E402
from flamelet_tools.simulator import Simulator  # noqa: E402


def runtimes(*names):
    without = pytest.mark.skipif(find_micropython() is None, reason=MISSING)
    return [pytest.param(name, marks=without) if name.startswith("micropython") else name for name in names]


@pytest.fixture
def sim():
    """A simulator for one test."""
    with Simulator() as simulator:
        yield simulator


def open_client(request):
    client = Client(request.param)
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
