"""docs/architecture.md is current: it draws the imports of the sources, and lists every file of every package."""

import pytest
from clients import ROOT

from flamelet_tools.release import architecture


def test_the_page_is_drawn_from_the_sources():
    command = "run python -m flamelet_tools.release.architecture"
    assert (ROOT / architecture.PAGE).read_text() == architecture.page(ROOT), command


def test_an_arrow_that_others_imply_is_left_out():
    drawn = architecture.drawing({"top": {"middle", "low"}, "middle": {"low"}, "low": set()})
    assert drawn.splitlines()[2:-1] == ["    top --> middle", "    middle --> low", "    low"]


def test_a_circle_cannot_be_drawn():
    with pytest.raises(ValueError, match="circle"):
        architecture.drawing({"one": {"other"}, "other": {"one"}})


def test_imports_inside_functions_and_of_modules_count(tmp_path):
    files = {
        "a/one.py": "def f():\n    from ..b import two\n",
        "b/two.py": "from .. import c, errors\nfrom . import three\nimport time\n",
        "b/three.py": "",
        "c/four.py": "from ..errors import Timeout\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).with_name("__init__.py").touch()
    assert architecture.imports(tmp_path) == {"a": {"b"}, "b": {"c"}, "c": set()}
    assert architecture.files(tmp_path / "b") == "three, two"
