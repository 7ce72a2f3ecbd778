"""What type checkers and editors know of flamelet: all that is public, blocking and awaited."""

import ast
import importlib
import inspect
import pydoc
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jedi
import pytest

import flamelet
from flamelet import _exports, aio, errors
from flamelet.auth.token import Token
from flamelet.feed.feed import Feed
from flamelet.firestore.admin import Admin
from flamelet.firestore.query import Query as FirestoreQuery
from flamelet.firestore.transaction import Transaction
from flamelet.firestore.writes import Writes
from flamelet.outbox.ram import RamOutbox
from flamelet.outbox.recording_feed import RecordingFeed
from flamelet.rtdb.mirror import Mirror
from flamelet.rtdb.query import Query
from flamelet.rtdb.stream import Stream

import checkers
from checkers import LIB, ROOT

HERE = Path(__file__).parent
PACKAGE = LIB / "flamelet"
CHECKERS = [checkers.mypy, checkers.pyright]
DOORS = {"aio", "device", "errors"}
ERRORS = {"FlameletError", "InvalidArgument", "NetworkError", "ProtocolError", "Timeout"}
SERVICES = ["Database", "Firestore", "Gateway"]
MADE = [Admin, Feed, FirestoreQuery, Mirror, Query, RamOutbox, RecordingFeed, Stream, Token, Transaction, Writes]


def public(names) -> set:
    return {name for name in names if not name.startswith("_")}


def exported() -> set:
    """The public names of flamelet, by the tables that find them at run time."""
    return set(flamelet._PLACES) | set(_exports._PLACES) | DOORS | ERRORS


def stub(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def methods(tree: ast.Module) -> dict:
    """{class: {method: [each overload of it]}} of a stub."""
    found: dict = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            of_class = found.setdefault(node.name, {})
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    of_class.setdefault(method.name, []).append(method)
    return found


# What checkers say.


@pytest.mark.parametrize("check", CHECKERS)
def test_programs_are_accepted(check, tmp_path):
    assert check([HERE / "programs.py"], tmp_path) == []


@pytest.mark.parametrize("check", CHECKERS)
def test_each_mistake_is_found_and_nothing_else(check, tmp_path):
    lines = (HERE / "mistakes.py").read_text().splitlines()
    wanted = {number for number, line in enumerate(lines, 1) if "  # error: " in line}
    found = check([HERE / "mistakes.py"], tmp_path)
    assert {number for number, _ in found} == wanted, found


@pytest.mark.parametrize("check", CHECKERS)
def test_nothing_public_is_of_an_unknown_type(check, tmp_path):
    program = tmp_path / "program.py"
    shown = [f"flamelet.{name}" for name in sorted(exported() - DOORS)]
    shown += [f"flamelet.errors.{name}" for name in sorted(public(vars(errors))) if name != "in_doubt"]
    shown += [f"flamelet.{place}{name}('a')" for place in ("", "aio.") for name in SERVICES]
    program.write_text("import flamelet\n\n" + "".join(f"reveal_type({name})\n" for name in shown))
    types = [re.search(r'(?:is|type of "[^"]*" is) "(.*)"$', message) for _, message in check([program], tmp_path)]
    assert len(types) == len(shown)
    for name, found in zip(shown, types, strict=True):
        assert found, name
        assert found[1] not in ("Any", "Unknown"), name
        assert not name.endswith(")") or found[1].endswith(name.partition("(")[0].rpartition(".")[2]), found[1]


def test_stubs_are_complete_for_the_strictest_checker(tmp_path):
    assert checkers.pyright(sorted(PACKAGE.rglob("*.pyi")), tmp_path) == []


# What the stubs say is so.


def test_the_stubs_are_as_the_library_is_at_run_time(tmp_path):
    # Without the sources, whose private names they do not have.
    for path in PACKAGE.rglob("*.pyi"):
        copy = tmp_path / "stubs" / path.relative_to(LIB)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for folder in [path for path in (tmp_path / "stubs").rglob("*") if path.is_dir()]:
        (folder / "__init__.pyi").touch()
    command = [sys.executable, "-m", "mypy.stubtest", "flamelet", "--concise", "--ignore-missing-stub"]
    command += ["--allowlist", str(HERE / "allowlist.txt")]
    found = checkers.run(command, tmp_path, MYPYPATH=str(tmp_path / "stubs"), PYTHONPATH=str(LIB))
    assert found == ""


def test_the_stub_of_flamelet_has_the_public_names_alone():
    names = set()
    for node in stub(PACKAGE / "__init__.pyi").body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            names.add(node.name)
    assert names == exported()


@pytest.mark.parametrize("place", ["rtdb/database", "firestore/firestore", "gateway/gateway", "feed/feed"])
def test_what_is_awaited_takes_the_same_arguments_and_gives_the_same(place):
    blocking = methods(stub(PACKAGE / f"{place}.pyi"))
    awaited = methods(stub(PACKAGE / "aio" / f"{Path(place).name}.pyi"))
    for name in blocking:
        assert public(blocking[name]) == public(awaited[name])
        for method in public(blocking[name]):
            for one, other in zip(blocking[name][method], awaited[name][method], strict=True):
                # The function of a transaction is a coroutine function too.
                assert ast.unparse(other.args).replace("Awaitable[_T]", "_T") == ast.unparse(one.args)
                assert ast.unparse(other.returns) == ast.unparse(one.returns)


# What an editor shows.


@pytest.fixture(autouse=True)
def cache_of_jedi(tmp_path, monkeypatch):
    # It keeps what it parsed in files of the user, which several processes write at a time.
    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path / "jedi"))


def completed(program: str) -> set:
    """The public names that jedi completes at the end of `program`."""
    project = jedi.Project(HERE, added_sys_path=[str(LIB)], smart_sys_path=False)
    return public({found.name for found in jedi.Script(program, project=project).complete()})


def test_an_editor_completes_the_public_names_of_flamelet_alone():
    # It also names each folder of the package.
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert completed("import flamelet\nflamelet.") - (folders - DOORS) == exported()


@pytest.mark.parametrize("place", ["flamelet", "flamelet.aio"])
@pytest.mark.parametrize("service", SERVICES)
def test_an_editor_completes_all_methods_of_a_service(place, service):
    wanted = public(dir(getattr(importlib.import_module(place), service)))
    assert completed(f"import {place}\ndb = {place}.{service}('a')\ndb.") == wanted


@pytest.mark.parametrize("service", SERVICES)
def test_dir_and_help_show_each_method_with_its_arguments_and_what_it_does(service):
    for cls in (getattr(flamelet, service), getattr(aio, service)):
        made = cls("http://127.0.0.1:9000")
        for name in public(dir(made)):
            if not inspect.isroutine(inspect.getattr_static(made, name)):
                assert inspect.getdoc(inspect.getattr_static(made, name)), name
                continue
            text = pydoc.plain(pydoc.render_doc(getattr(made, name)))
            assert f"{name}(" in text and inspect.getdoc(getattr(made, name)) in re.sub(r"\n    ", "\n", text), text
    assert {"get", "update", "delete", "feed", "close"} <= set(dir(made))


@pytest.mark.parametrize("cls", MADE, ids=[cls.__name__ for cls in MADE])
def test_each_method_of_what_a_service_gives_says_what_it_does(cls):
    for name in public(dir(cls)):
        assert inspect.getdoc(getattr(cls, name)), name


# What is installed.


def test_stubs_and_their_marker_are_in_the_wheel(tmp_path):
    checkout = tmp_path / "checkout"
    for name in ("lib", "tools"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(checkout)], check=True, timeout=110)
    (wheel,) = tmp_path.glob("*.whl")
    wanted = {str(path.relative_to(LIB)) for path in [*PACKAGE.rglob("*.pyi"), PACKAGE / "py.typed"]}
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())
