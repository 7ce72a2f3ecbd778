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
    {"rtdb", "firestore", "gateway", "google"},
    {"http"},
    {"accounts"},
]
# How many attributes with an underscore are read of another object, over all of lib/. It only falls.
PRIVATE_READS = 0

# Files of lib/ without a test file of their name, and where they are tested instead.
TESTED_ELSEWHERE: dict[str, str] = {}


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
