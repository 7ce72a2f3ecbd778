"""The flat library of a board: its names, what is written anew and what is refused; unit tests pass on it."""

import os
import subprocess
import sys

import pytest
from clients import ROOT

from flamelet_tools.shared.flat_build import FlatBuildError, FlatLibrary, flat_library
from flamelet_tools.shared.micropython import MISSING, find_micropython

DEADLINE_SECONDS = 200

INIT = '''"""The library."""
_PLACES = {"Database": "rtdb.database", "Late": "core.late"}


class Base(Exception):
    pass


def __getattr__(name):
    return getattr(__import__("flamelet." + _PLACES[name], None, None, ("*",)), name)
'''
SMALL = {
    "__init__.py": INIT,
    "errors.py": "from . import Base\n",
    "core/__init__.py": '"""What has no network."""\n',
    "core/runtime.py": "import sys\n\nMICROPYTHON = sys.implementation.name == 'micropython'\n",
    "core/url.py": "def quote(text):\n    return text\n",
    "core/late.py": "Late = 1\n",
    "rtdb/__init__.py": "",
    "rtdb/database.py": "from ..core import url\n\nclass Database:\n    pass\n",
    "aio/__init__.py": "from .database import Database\n",
    "aio/database.py": "from ..rtdb import database\n\nclass Database(database.Database):\n    pass\n",
}


@pytest.fixture
def flat(tmp_path):
    """A function that builds the flat library of SMALL and more files, {path: text}."""

    def build(files=()):
        for path, text in (SMALL | dict(files)).items():
            file = tmp_path / "lib" / "flamelet" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return FlatLibrary(tmp_path)

    return build


def test_a_name_is_the_shortest_that_no_other_file_has(flat):
    library = flat({"feed/feed.py": "", "aio/feed.py": "", "a/b/url.py": "", "core/b/url.py": ""})
    assert library.names["core.runtime"] == "_runtime"
    assert library.names["rtdb.database"] == "_rtdb_database" and library.names["aio.database"] == "_aio_database"
    # That of the package itself goes before the others.
    assert library.names["feed.feed"] == "_feed" and library.names["aio.feed"] == "_aio_feed"
    assert library.names["a.b.url"] == "_a_b_url" and library.names["core.url"] == "_core_url"


def test_what_is_public_keeps_its_name_and_packages_vanish(flat):
    names = set(flat({"device/__init__.py": "from .program import run\n", "device/program.py": "run = 1\n"}).modules)
    assert {"__init__", "errors", "aio", "device", "_program", "_url"} <= names
    assert not {"core", "rtdb", "_core", "_rtdb"} & names


IMPORTS = '''"""A docstring: flamelet.core.url."""
from . import url
from . import url as _url
from ..core import url as _core, late
from .url import (
    quote as q,
    quote,  # a comment
)
from .. import (
    Base,
    errors as _errors,
    aio,
)  # noqa: F401
from ..rtdb.database import *


def late_one():
    from ..rtdb import database; from ..errors import Base
    return __import__("flamelet.core.late")


print(b"flamelet.core.url", "\N{BULLET} flamelet.core.url", "core", "core.url", "core.nothing")
'''
FLAT_IMPORTS = '''"""A docstring: flamelet.core.url."""
from . import _url as url
from . import _url
from . import _url as _core, _late as late
from ._url import (quote as q, quote


)
from . import (errors as _errors, aio, Base



)  # noqa: F401
from ._rtdb_database import *


def late_one():
    from . import _rtdb_database as database; from .errors import Base
    return __import__("flamelet._late")


print(b"flamelet.core.url", "\N{BULLET} flamelet.core.url", "core", "_url", "core.nothing")
'''


def test_every_form_of_import_is_written_anew_in_its_line(flat):
    assert flat({"core/forms.py": IMPORTS}).modules["_forms"].text == FLAT_IMPORTS


def test_an_import_that_is_longer_than_a_line_keeps_the_lines(flat):
    module = flat({"core/forms.py": IMPORTS}).modules["_forms"]
    assert len(module.text.splitlines()) == len(module.source.read_text().splitlines())


def test_tables_of_public_names_are_translated(flat):
    text = flat().modules["__init__"].text
    assert text == INIT.replace('"rtdb.database"', '"_rtdb_database"').replace('"core.late"', '"_late"')


def test_a_module_is_unloaded_by_its_name_on_a_board(flat):
    text = 'import sys\nsys.modules.pop("flamelet.core.url", None)\n'
    text += 'sys.modules["flamelet.core"].__dict__.pop("url", None)\nhasattr(sys.modules["flamelet.core"], "late")\n'
    expected = 'import sys\nsys.modules.pop("flamelet._url", None)\n'
    expected += 'sys.modules["flamelet"].__dict__.pop("_url", None)\nhasattr(sys.modules["flamelet"], "_late")\n'
    assert flat({"core/forms.py": text}).modules["_forms"].text == expected


DESKTOP = """from .runtime import MICROPYTHON, quote
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from . import types_only
if MICROPYTHON:
    fast = 1
else:
    from .desk import slow
if not MICROPYTHON and quote:
    from . import emulator
"""


def test_what_a_desktop_needs_is_left_out(flat):
    files = {"core/forms.py": DESKTOP, "core/desk.py": "from . import deskdesk\n", "core/deskdesk.py": ""}
    library = flat(files | {"core/emulator.py": "", "core/types_only.py": "", "core/unused.py": ""})
    text = library.modules["_forms"].text
    expected = DESKTOP.replace("import MICROPYTHON, quote", "import quote").replace("if MICROPYTHON", "if True")
    expected = expected.replace("TYPE_CHECKING = False", "pass").replace("TYPE_CHECKING", "False")
    expected = expected.replace("not MICROPYTHON", "not True").replace(".runtime", "._runtime")
    expected = expected.replace(".desk", "._desk").replace("import types_only", "import _types_only as types_only")
    assert text == expected.replace("import emulator", "import _emulator as emulator")
    assert {"_unused", "_runtime"} <= set(library.modules)
    assert not {"_desk", "_deskdesk", "_emulator", "_types_only"} & set(library.modules)
    # Who asks the library which Python it is may still do so.
    assert "MICROPYTHON = sys" in library.modules["_runtime"].text


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a/b_c.py": "", "a/b/c.py": "", "x/c.py": "", "x/b_c.py": "", "b/c.py": ""}, "would both be _"),
        ({"_url.py": ""}, "_url and core.url would both be _url on a board"),
        ({"rtdb/PLACES.py": ""}, "rtdb.PLACES would be _PLACES, which flamelet/__init__.py has already"),
        ({"core/__init__.py": "x = 1\n"}, "core/__init__.py: only the packages aio and device"),
        ({"core/x.py": "\nfrom . import nothing\n"}, r"core/x.py, line 2: flamelet.core is a package, which no board"),
        ({"core/x.py": "from .nothing import y\n"}, "flamelet.core.nothing is no module of the library"),
        ({"core/x.py": "from .. import core\n"}, "flamelet.core is a package, which no board has"),
        ({"core/x.py": "from ... import y\n"}, "this import reaches above the library"),
        ({"core/x.py": "import flamelet.core.url\n"}, "write `from flamelet.core import ...`"),
        ({"core/x.py": "import flamelet\nflamelet.core.url\n"}, "line 2: flamelet.core is a package"),
        ({"core/x.py": "from .. import aio\naio.database\n"}, "aio.database is a module of a package"),
        ({"core/x.py": "x = {'flamelet.core': 1}\n"}, '"flamelet.core" names no module that a board has'),
        ({"core/x.py": "x = 'flamelet.core.gone'\n"}, '"flamelet.core.gone" names no module'),
        ({"core/x.py": "x = 'core'\n__import__('flamelet.' + x)\n"}, "not by a table called _PLACES"),
        ({"core/x.py": "import sys\nsys.modules['flamelet.core'].clear()\n"}, "flamelet.core is a package"),
        ({"core/x.py": "import sys\nsys.modules['flamelet.core'].__dict__.pop('gone')\n"}, "core.gone is no module"),
        ({"core/x.py": "_PLACES = {'a': 'core.gone'}\n"}, "flamelet.core.gone is no module of the library"),
        ({"core/x.py": "_PLACES = {'a': 1}\n"}, "a value of _PLACES is not a string"),
    ],
)
def test_what_cannot_be_translated_is_refused_with_its_place(flat, files, why):
    with pytest.raises(FlatBuildError, match=why):
        flat(files)


def test_a_script_gets_the_names_of_a_board(flat):
    script = "import flamelet\nfrom flamelet import Database, aio\nfrom flamelet.core import url as u, late\n"
    script += "import flamelet.core.url as v\nfrom flamelet.rtdb.database import Database as D\nfrom . import other\n"
    script += 'name = "flamelet.core.url" + "core.url"\nMICROPYTHON = 1\nprint(MICROPYTHON, flamelet.aio.Database)\n'
    expected = "import flamelet\nfrom flamelet import Database, aio\nfrom flamelet import _url as u, _late as late\n"
    expected += "import flamelet._url as v\nfrom flamelet._rtdb_database import Database as D\nfrom . import other\n"
    expected += 'name = "flamelet._url" + "core.url"\nMICROPYTHON = 1\nprint(MICROPYTHON, flamelet.aio.Database)\n'
    assert flat().translated_text(script) == expected
    with pytest.raises(FlatBuildError, match=r"x.py, line 1: flamelet.core.gone is no module"):
        flat().translated_text("from flamelet.core.gone import y", "x.py")


def test_the_same_sources_give_the_same_library():
    one, other = FlatLibrary(ROOT), FlatLibrary(ROOT)
    assert list(one.modules) == list(other.modules)
    assert [module.text for module in one.modules.values()] == [module.text for module in other.modules.values()]


def test_every_line_of_the_library_is_where_it_was():
    for module in flat_library(ROOT).modules.values():
        source = module.source.read_text().splitlines()
        lines = module.text.splitlines()
        assert len(lines) == len(source), module.place
        assert sum(a == b for a, b in zip(lines, source, strict=True)) > len(source) * 0.4, module.place


# A parser, a token, a service, what is awaited, and what pushes leave on the heap.
SAMPLE = ["core/test_url.py", "auth/test_token.py", "rtdb/test_rules.py", "aio/test_firestore.py", "test_memory.py"]


@pytest.mark.timeout(DEADLINE_SECONDS)
@pytest.mark.skipif(find_micropython() is None, reason=MISSING)
@pytest.mark.parametrize("form", ["py", "mpy"])
def test_unit_tests_pass_on_the_flat_library(form):
    files = [str(ROOT / "tests" / "unit" / name) for name in SAMPLE]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"} | {"FLAMELET_FLAT": form},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
