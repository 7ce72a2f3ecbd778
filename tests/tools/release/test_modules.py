"""The modules that a service can need: programs run on MicroPython with those alone, as .mpy files."""

import shutil
import subprocess

import pytest
from clients import ROOT

from flamelet_tools.shared.compile import compile_library
from flamelet_tools.shared.flat_build import flat_library
from flamelet_tools.shared.library_modules import SERVICES, features_of, modules_of, modules_of_program, programs
from flamelet_tools.shared.micropython import find_micropython, module_path
from flamelet_tools.simulator import Simulator

DEADLINE_SECONDS = 30

DATABASE = """
import asyncio
import flamelet
from flamelet import aio
token = flamelet.Token({{"database_secret": "owner"}})
db = flamelet.Database({url!r}, token, budget=flamelet.Budget(2), timeouts=flamelet.Timeouts())
db.feed("d/readings", (("temp", 1), ("hum", 0))).push_many(((1, 2), (3, 4)))
db.set("d/at", {{"n": flamelet.increment(1), "t": flamelet.TIMESTAMP}})
with db.listen("d/at/n") as stream:
    assert stream.next().data == 1
try:
    db.set("a.b", 1)
except flamelet.InvalidArgument as error:
    print(error)
{more}
async def main():
    async with aio.Database({url!r}) as database:
        return await database.get("d/at/n")
assert asyncio.run(main()) == 1
db.close()
"""

ALL_FEATURES = """
with db.listen("d", pattern="at/n") as stream:
    assert [stream.next().data for _ in range(2)] == [None, 1]
feed = db.feed("d/kept", (("temp", 1),), outbox=flamelet.Outbox())
feed.record(1.5)
feed.flush()
assert len(db.get("d/kept")) == 1
try:
    flamelet.Database({url!r}, transport=db)
except flamelet.InvalidArgument as error:
    print(error)
assert db.transaction("d/at/n", lambda n: n) == 1
assert dict(db.query("d/at").order_by_key().get())["n"] == 1
assert list(db.walk("d/at", "n")) == [("n", 1)]
value, etag = db.get("d/at/n", etag=True)
assert db.get_if_changed("d/at/n", etag)[0] is False
"""

GATEWAY = """
import flamelet
gateway = flamelet.Gateway({url!r})
feed = gateway.feed("readings", (("temp", 1),))
for call in (lambda: feed.push(1), lambda: gateway.get("a/b"), lambda: list(gateway.list("a"))):
    try:
        call()
        raise SystemExit("it was answered")
    except flamelet.FlameletError as error:
        print(error)
gateway.close()
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder with the .mpy files of the library."""
    folder = tmp_path_factory.mktemp("library")
    compile_library(ROOT, folder)
    return folder / "flamelet"


@pytest.fixture
def on_micropython(compiled, tmp_path):
    """A function that runs code with these modules of the library alone; what it printed."""
    micropython = find_micropython()
    if micropython is None:
        pytest.skip("MicroPython is not installed here")

    def run(code, modules):
        folder = tmp_path / "flamelet"
        folder.mkdir()
        for module in modules:
            shutil.copy(compiled / f"{module}.mpy", folder)
        done = subprocess.run(
            [micropython, "-c", code],
            env=module_path(str(tmp_path)),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_a_program_of_the_realtime_database_runs_with_its_modules_alone(on_micropython):
    with Simulator() as simulator:
        code = DATABASE.format(url=simulator.url, more=ALL_FEATURES.format(url=simulator.url))
        assert "a.b" in on_micropython(code, modules_of("database"))


def test_it_runs_without_the_features_that_it_does_not_name(on_micropython):
    modules = modules_of("database", features=())
    assert not {"_rtdb_query", "_walk", "_rtdb_transaction", "_projection", "_requests_transport", "_outbox"} & modules
    with Simulator() as simulator:
        assert "a.b" in on_micropython(DATABASE.format(url=simulator.url, more=""), modules)


def test_a_rarer_method_brings_what_it_needs():
    added = modules_of("database", features=["transaction"]) - modules_of("database", features=())
    assert added == {"_rtdb_transaction"}
    assert modules_of("firestore", features=features_of("firestore") - {"admin"}) == modules_of("firestore") - {
        "_admin"
    }


def test_a_program_of_a_gateway_runs_with_its_modules_alone(on_micropython):
    with Simulator() as simulator:
        # Not a gateway: each call ends in an error, whose modules are the rarest.
        on_micropython(GATEWAY.format(url=simulator.url), modules_of("gateway"))


def test_a_service_leaves_the_others_out():
    assert "database" not in SERVICES["firestore"]
    assert not [name for name in modules_of("database") if "firestore" in name or "gateway" in name]
    assert not [name for name in modules_of("gateway") if "firestore" in name or name == "_mirror"]
    assert "_admin" in modules_of("firestore")
    assert "_gateway" not in modules_of("firestore")


def test_the_services_together_are_the_library_without_the_program():
    assert modules_of(*SERVICES) | modules_of_program("database") == modules_of()


def test_every_module_is_a_file_and_the_desktops_own_is_none_of_them():
    library = ROOT / "lib" / "flamelet"
    files = {str(path.relative_to(library)) for path in library.rglob("*.py")}
    sources = {str(module.source.relative_to(library)) for module in flat_library(ROOT).modules.values()}
    without_code = {file for file in files if file.endswith("/__init__.py")} - {"aio/__init__.py", "device/__init__.py"}
    assert sources == files - without_code - {"core/runtime_cpython.py", "core/emulators.py", "aio/pump_cpython.py"}
    assert modules_of() == set(flat_library(ROOT).modules)


def test_an_import_within_a_function_counts(tmp_path):
    library = tmp_path / "lib" / "flamelet"
    shutil.copytree(ROOT / "lib" / "flamelet", library)
    (library / "wire" / "rare.py").write_text("from ..net.rarer import a\n")
    (library / "net" / "rarer.py").write_text("a = 1\n")
    with (library / "core" / "url.py").open("a") as url:
        url.write("\n\ndef rare():\n    from ..wire import rare\n\n    return rare\n")
    assert {"_rare", "_rarer"} <= modules_of("gateway", root=tmp_path)


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="no service mqtt: there are database"):
        modules_of("mqtt")
    with pytest.raises(ValueError, match="no feature fly: there are get_if_changed"):
        modules_of("database", features=["walk", "fly"])
    with pytest.raises(ValueError, match="no service mqtt"):
        modules_of_program("mqtt")


def test_main_py_leaves_out_the_features_that_it_does_not_name():
    assert programs() == ["database", "gateway"]
    assert {"device", "_program", "_rtdb_stream", "_feed"} <= modules_of_program("database")
    assert not {"_mirror", "_walk", "_rtdb_query", "_requests_transport"} & modules_of_program("database")
    # main.py does not use it: another program may use all of it.
    assert modules_of("firestore") <= modules_of_program("firestore")
