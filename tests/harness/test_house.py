"""Holds the structure of lib/ and tools/: imports run one way, methods stand in their classes, each file has its tests.

The graph of imports is grimp's, the library behind import-linter; it sees imports within functions too. The rules:
no circle of files or packages, no import against the layers, and no private attribute read across packages.
"""

import ast
import graphlib
from pathlib import Path

import grimp
import pytest
from clients import ROOT

# Each row may import the rows below it, and nothing else; the packages of one row are apart.
LIBRARY_LAYERS = [
    {"device"},
    {"aio"},
    {"rtdb", "firestore", "gateway"},
    {"client", "outbox"},
    {"auth", "feed"},
    {"net"},
    {"diagnosis"},
    {"wire"},
    {"core"},
    {"errors", "_exports"},
    {""},  # flamelet/__init__.py: the errors that every program loads
    {"_argument_texts"},
]
# flamelet/__init__.py gives what a program asks for by its name: it imports the table of names when it is needed.
DOOR = ("flamelet", "flamelet._exports")
TOOLS_LAYERS = [
    {"cli"},
    {"board", "run", "release"},
    {"proof"},
    {"tokens", "simulator"},
    {"shared"},
]
SIMULATOR_LAYERS = [
    {"cli"},
    {""},  # simulator/__init__.py, the door
    {"simulator"},
    {"server"},
    {"rtdb", "gateway", "google"},
    {"firestore"},  # the gateway's documents are its own
    {"http"},
    {"accounts"},
]
# How many attributes with an underscore are read of another object, over all of lib/. It only falls.
PRIVATE_READS = 0

# Files of lib/ without a test file of their name, and the one (below tests/) that tests them.
TESTED_ELSEWHERE = {
    "_argument_texts.py": "unit/client/test_bad_input.py",
    "_exports.py": "system/test_import_errors.py",
    "aio/feed.py": "system/test_memory.py",
    "aio/gateway.py": "unit/gateway/test_gateway.py",
    "aio/pump.py": "unit/aio/test_database.py",
    "aio/pump_cpython.py": "unit/aio/test_database.py",
    "aio/stream.py": "unit/aio/test_database.py",
    "auth/credential.py": "unit/auth/test_token.py",
    "client/answer_head.py": "unit/rtdb/test_stream.py",
    "client/iteration.py": "unit/rtdb/test_walk.py",
    "client/recovery.py": "unit/client/test_client.py",
    "client/request.py": "unit/client/test_client.py",
    "client/streamed_answer.py": "unit/firestore/test_query.py",
    "client/write_once.py": "system/rtdb/test_lost_answers.py",
    "core/backoff.py": "unit/client/test_client.py",
    "core/clock.py": "unit/core/test_dates.py",
    "core/copy.py": "unit/core/test_buffer.py",
    "core/emulators.py": "system/rtdb/test_database.py",
    "core/path_lists.py": "unit/rtdb/test_mirror.py",
    "core/wait.py": "unit/client/test_budget.py",
    "core/path.py": "unit/client/test_bad_input.py",
    "core/runtime.py": "unit/rtdb/test_stream.py",
    "core/runtime_cpython.py": "unit/net/test_transport.py",
    "core/server_values.py": "unit/rtdb/test_transaction.py",
    "device/commands.py": "unit/device/test_program.py",
    "device/readings.py": "unit/device/test_program.py",
    "device/sleep.py": "unit/device/test_program.py",
    "device/watchdog.py": "unit/device/test_program.py",
    "feed/streamed_reading.py": "unit/firestore/test_reading.py",
    "firestore/aggregations.py": "unit/firestore/test_query.py",
    "firestore/batch_requests.py": "unit/firestore/test_documents.py",
    "firestore/commit.py": "unit/firestore/test_documents.py",
    "firestore/document.py": "unit/firestore/test_documents.py",
    "firestore/document_size.py": "unit/firestore/test_fields.py",
    "firestore/elements.py": "unit/firestore/test_query.py",
    "firestore/field_path.py": "unit/firestore/test_path.py",
    "firestore/filters.py": "unit/firestore/test_query.py",
    "firestore/find_nearest.py": "unit/firestore/test_query.py",
    "firestore/firestore.py": "unit/firestore/test_documents.py",
    "firestore/pages.py": "unit/firestore/test_documents.py",
    "firestore/partitions.py": "unit/firestore/test_query.py",
    "firestore/query_terms.py": "unit/firestore/test_query.py",
    "firestore/read.py": "unit/firestore/test_documents.py",
    "firestore/records.py": "system/outbox/test_outbox.py",
    "firestore/timestamp.py": "unit/firestore/test_fields.py",
    "firestore/value_json.py": "unit/firestore/test_fields.py",
    "firestore/value_types.py": "unit/firestore/test_fields.py",
    "gateway/document_list.py": "unit/gateway/test_gateway.py",
    "gateway/documents.py": "unit/gateway/test_gateway.py",
    "gateway/envelope.py": "unit/gateway/test_gateway.py",
    "gateway/envelope_errors.py": "unit/gateway/test_gateway.py",
    "gateway/headers.py": "unit/gateway/test_gateway.py",
    "gateway/reading.py": "unit/gateway/test_gateway.py",
    "gateway/records.py": "system/outbox/test_outbox.py",
    "gateway/target.py": "unit/gateway/test_gateway.py",
    "net/body.py": "unit/client/test_client.py",
    "net/roots.py": "tools/release/test_roots.py",
    "net/tls.py": "system/net/test_tls.py",
    "outbox/batch_body.py": "unit/outbox/test_flush.py",
    "outbox/before_clock.py": "unit/outbox/test_flush.py",
    "outbox/crc.py": "unit/outbox/test_flash.py",
    "outbox/flush_one_by_one.py": "unit/gateway/test_gateway.py",
    "outbox/ram.py": "unit/outbox/test_outbox.py",
    "outbox/record.py": "unit/outbox/test_outbox.py",
    "outbox/recording_feed.py": "unit/outbox/test_flush.py",
    "outbox/refused.py": "unit/outbox/test_flush.py",
    "outbox/rtc.py": "unit/outbox/test_outbox.py",
    "outbox/sending.py": "unit/outbox/test_flush.py",
    "rtdb/ask.py": "unit/rtdb/test_transaction.py",
    "rtdb/database.py": "system/rtdb/test_database.py",
    "rtdb/exchange.py": "unit/client/test_client.py",
    "rtdb/ordering.py": "unit/rtdb/test_query.py",
    "rtdb/push.py": "unit/feed/test_feed.py",
    "rtdb/read.py": "unit/client/test_client.py",
    "rtdb/reading.py": "unit/feed/test_feed.py",
    "rtdb/records.py": "unit/outbox/test_flush.py",
    "rtdb/unusual_answer.py": "unit/feed/test_feed.py",
    "rtdb/write.py": "unit/client/test_client.py",
    "wire/chunked.py": "unit/wire/test_http1.py",
    "wire/codes.py": "unit/wire/test_http1.py",
}


@pytest.fixture(scope="module")
def library():
    return grimp.build_graph("flamelet", cache_dir=None)


@pytest.fixture(scope="module")
def tools():
    return grimp.build_graph("flamelet_tools", cache_dir=None)


def edges(graph, without=()):
    """Return {module: the modules that it imports}; `without`: pairs that do not count."""
    found = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    return {
        module: {other for other in imported if (module, other) not in without} for module, imported in found.items()
    }


def package_of(module, root):
    """Return the name of the package, or of the file, below `root` in which a module stands; "": `root` itself."""
    return module.removeprefix(root).removeprefix(".").partition(".")[0]


def circle(imports):
    """Return a circle of imports, as a list of names, or None if there is none."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def packages(imports, root):
    """Return {package: the packages that its files import}."""
    found = {}
    for module, others in imports.items():
        own = package_of(module, root)
        found.setdefault(own, set()).update({package_of(other, root) for other in others} - {own})
    return found


def against(imports, layers, root):
    """Return the imports that do not run from a layer to one below it."""
    rank = {package: number for number, row in enumerate(layers) for package in row}
    return sorted(
        f"{module} -> {other}"
        for module, others in imports.items()
        for other in others
        if package_of(module, root) != package_of(other, root)
        and rank[package_of(module, root)] >= rank[package_of(other, root)]
    )


def test_no_circle_of_files_in_the_library(library):
    assert circle(edges(library, [DOOR])) is None


def test_no_circle_of_packages_in_the_library(library):
    assert circle(packages(edges(library, [DOOR]), "flamelet")) is None


def test_no_import_of_the_library_runs_against_the_layers(library):
    assert against(edges(library, [DOOR]), LIBRARY_LAYERS, "flamelet") == []


def test_every_package_of_the_library_has_a_layer(library):
    named = set().union(*LIBRARY_LAYERS)
    assert {package_of(module, "flamelet") for module in library.modules} == named


def test_no_circle_in_the_tools(tools):
    assert circle(edges(tools)) is None
    assert circle(packages(edges(tools), "flamelet_tools")) is None


def test_no_import_of_the_tools_runs_against_the_layers(tools):
    own = {module: others for module, others in edges(tools).items() if module != "flamelet_tools"}
    assert against(own, TOOLS_LAYERS, "flamelet_tools") == []
    root = "flamelet_tools.simulator"
    within = {
        module: {other for other in others if other.startswith(root)}
        for module, others in edges(tools).items()
        if module.startswith(root)
    }
    assert against(within, SIMULATOR_LAYERS, root) == []


def test_a_circle_and_an_import_upwards_are_found():
    imports = {"f.core.a": {"f.wire.b"}, "f.wire.b": {"f.core.c"}, "f.core.c": set()}
    assert circle(imports) is None
    assert set(circle(packages(imports, "f"))) == {"core", "wire"}
    assert against(imports, [{"wire"}, {"core"}], "f") == ["f.core.a -> f.wire.b"]
    assert circle({"a": {"b"}, "b": {"a"}}) is not None


def library_files():
    return sorted(path.relative_to(ROOT / "lib" / "flamelet") for path in (ROOT / "lib" / "flamelet").rglob("*.py"))


def private_reads(source):
    """Return (line, text) of each attribute with one underscore that is read of an object other than `self`."""
    own = {"self", "cls"}
    return [
        (node.lineno, ast.unparse(node))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in own)
        and ast.unparse(node.value) != "super()"
    ]


def test_private_attributes_are_read_by_their_own_object_alone(record_property):
    found = [
        f"lib/flamelet/{path}:{line}: {text}"
        for path in library_files()
        for line, text in private_reads((ROOT / "lib" / "flamelet" / path).read_text())
    ]
    record_property("private attributes of other objects", len(found))
    print(f"{len(found)} private attributes of other objects are read in lib/")
    assert len(found) == PRIVATE_READS, "\n".join(found)


def test_a_private_read_is_found():
    source = "self._a\nsuper()._a\nother._b\nother.__class__\nself.feed._c"
    assert private_reads(source) == [(3, "other._b"), (5, "self.feed._c")]


def test_no_method_is_found_by_its_name():
    """`__getattr__` stands at the doors alone, where it finds public names; no class is made by type(...)."""
    doors = {Path("__init__.py"), Path("aio/__init__.py")}
    for path in library_files():
        tree = ast.parse((ROOT / "lib" / "flamelet" / path).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
                assert path in doors, f"{path}:{node.lineno}: __getattr__"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type":
                assert len(node.args) == 1, f"{path}:{node.lineno}: a class made by type(...)"


def test_every_file_says_what_it_does():
    """Its first line is a docstring of one sentence."""
    sources = [*(ROOT / "lib").rglob("*.py"), *(ROOT / "boards").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    for path in sources:
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        assert len(first) > 15 and "TODO" not in first, path.relative_to(ROOT)


def test_every_public_function_of_the_doors_has_a_docstring():
    for service in ("rtdb/database.py", "firestore/firestore.py", "gateway/gateway.py", "feed/feed.py"):
        tree = ast.parse((ROOT / "lib" / "flamelet" / service).read_text())
        for node in ast.walk(tree):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{service}:{node.lineno}: {node.name} has no docstring"


def test_every_file_of_the_library_has_a_test_file_of_its_name_or_a_reason():
    for path in library_files():
        if path.name == "__init__.py":
            continue
        own = ROOT / "tests" / "unit" / path.parent / f"test_{path.name.lstrip('_')}"
        name = path.as_posix()
        if own.is_file():
            assert name not in TESTED_ELSEWHERE, f"{name} has a test file of its own"
        else:
            assert name in TESTED_ELSEWHERE, f"{name} has neither a test file nor a reason"
            assert (ROOT / "tests" / TESTED_ELSEWHERE[name]).is_file(), TESTED_ELSEWHERE[name]
    assert set(TESTED_ELSEWHERE) <= {path.as_posix() for path in library_files()}
