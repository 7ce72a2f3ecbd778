"""What the ecosystem takes: package.json for mip, manifest.py for firmware, one version everywhere, types.

mip is the one that MicroPython's unix build has frozen, as boards have it; it installs from a server on this machine.
"""

import configparser
import contextlib
import functools
import http.server
import importlib.metadata
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from clients import ROOT

import flamelet
from flamelet_tools.release import package
from flamelet_tools.shared.flat_build import flat_library
from flamelet_tools.shared.library_modules import modules_of
from flamelet_tools.shared.micropython import MISSING, find_micropython, module_path
from flamelet_tools.simulator import Simulator

DEADLINE_SECONDS = 60
VERSION = flamelet.__version__
LIBRARY = flat_library(ROOT)
SOURCES = {str(module.source.relative_to(ROOT / "lib")) for module in LIBRARY.modules.values()}

on_micropython = pytest.mark.skipif(find_micropython() is None, reason=MISSING)

INSTALL = """
import mip
mip.install({address!r}, target={target!r})
"""
PUSH = """
import sys
import flamelet
assert flamelet.__file__.startswith({target!r}), flamelet.__file__
with flamelet.Database({url!r}) as db:
    feed = db.feed("devices/d1/telemetry", (("temp", 1), ("hum", 0)))
    feed.push(21.5, 40)
    print(flamelet.__version__, feed.key, db.get("devices/d1/telemetry/" + feed.key + "/temp"))
"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; below /moved it says where the files are now, as the releases of GitHub do."""

    def do_GET(self):
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/{self.path[len('/moved/') :]}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """The address of a server of this folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def micropython(code, path):
    done = subprocess.run(
        [find_micropython(), "-c", code],
        env=module_path(str(path)),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installs_and_pushes(address, target):
    """Install with mip from `address` into `target`, and push a reading with what was installed.

    Returns: the names of the files that were installed.
    """
    output = micropython(INSTALL.format(address=address, target=str(target)), "")
    assert output.endswith("Done\n"), output
    with Simulator() as simulator:
        told = micropython(PUSH.format(target=str(target), url=simulator.url), target)
    assert re.fullmatch(rf"{re.escape(VERSION)} [-\w]{{20}} 21.5\n", told), told
    library = target / "flamelet"
    return {str(path.relative_to(library)) for path in library.rglob("*") if path.is_file()}


def flamelet_package(*arguments):
    command = [sys.executable, "-m", "flamelet_tools.cli", "package", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder that `flamelet package` writes."""
    folder = tmp_path_factory.mktemp("package") / "dist"
    done = flamelet_package(folder)
    assert done.returncode == 0, done.stderr
    assert f"{len(modules_of())} modules" in done.stdout
    return folder


def test_package_json_lists_the_library():
    text = (ROOT / "package.json").read_text()
    assert text == package.text(package.source_package(ROOT)), "run python -m flamelet_tools.release.package"
    urls = dict(json.loads(text)["urls"])
    assert set(urls) == SOURCES
    assert all((ROOT / url).is_file() for url in urls.values())


@on_micropython
def test_mip_installs_the_sources_from_a_checkout(tmp_path):
    with served(ROOT) as address:
        installed = installs_and_pushes(address, tmp_path / "lib")
    assert {f"flamelet/{name}" for name in installed} == SOURCES


@on_micropython
def test_mip_installs_the_compiled_library_from_its_folder(dist, tmp_path):
    with served(dist) as address:
        installed = installs_and_pushes(address + "/", tmp_path / "lib")
    assert installed == {f"{name}.mpy" for name in modules_of()}


@on_micropython
def test_mip_follows_a_release_to_where_its_files_are(dist, tmp_path):
    with served(dist) as address:
        installs_and_pushes(address + "/moved/package.json", tmp_path / "lib")


@on_micropython
def test_a_package_for_one_service_does_without_the_others(dist, tmp_path):
    folder = tmp_path / "database"
    done = flamelet_package(folder, "--service", "database")
    assert done.returncode == 0, done.stderr
    with served(folder) as address:
        installed = installs_and_pushes(address, tmp_path / "lib")
    assert installed == {f"{name}.mpy" for name in modules_of("database")}
    assert len(installed) < len(list(dist.glob("*.mpy")))


def test_a_package_is_written_over_an_earlier_one_and_over_nothing_else(dist, tmp_path):
    assert flamelet_package(tmp_path / "new", "--service", "gateway").returncode == 0
    (tmp_path / "new" / "_gone.mpy").touch()
    assert flamelet_package(tmp_path / "new", "--service", "database").returncode == 0
    names = {path.stem for path in (tmp_path / "new").glob("*.mpy")}
    assert names == modules_of("database")
    (tmp_path / "new" / "thesis.txt").touch()
    done = flamelet_package(tmp_path / "new")
    assert done.returncode == 1
    assert "holds other files" in done.stderr
    assert (tmp_path / "new" / "package.json").is_file()


def test_the_package_is_for_boards_of_every_kind(dist):
    for file in dist.glob("*.mpy"):
        head = file.read_bytes()[:3]
        # Version 6, which MicroPython 1.22 and later read; no native code (its architecture would be in byte 2).
        assert head == b"M\x06\x00", file.name


def test_the_manifest_freezes_the_library(monkeypatch):
    calls = {}
    names = {
        "metadata": lambda **given: calls.update(metadata=given),
        "package": lambda path, **given: calls.update(package=(path, given)),
    }
    # As MicroPython's build does: from the folder of the file, with these functions and Python's own.
    monkeypatch.chdir(ROOT)
    exec((ROOT / "manifest.py").read_text(), names)
    assert calls["metadata"]["version"] == VERSION
    path, options = calls["package"]
    folder = Path(options["base_path"]) / path
    texts = {file.stem: file.read_text() for file in folder.iterdir()}
    assert texts == {name: module.text for name, module in LIBRARY.modules.items()}


def test_one_version_everywhere():
    assert package.source_package(ROOT)["version"] == VERSION  # that of setup.cfg
    assert json.loads((ROOT / "package.json").read_text())["version"] == VERSION
    assert f'version="{VERSION}"' in (ROOT / "manifest.py").read_text()
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest and newest[1].rstrip(",") == VERSION
    assert importlib.metadata.version("flamelet") == VERSION, "install the checkout again: tools/test does"


def test_what_is_installed_says_that_it_has_types():
    assert (ROOT / "lib" / "flamelet" / "py.typed").is_file()
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert "py.typed" in setup["options.package_data"]["*"]
