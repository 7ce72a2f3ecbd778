"""The modules of boards/: those that the tools use themselves, and those that a board needs.

In: the path of a module, such as the settings' table, or the name of a board's folder. Out: the module, or the files to
copy. They stand in no package, since a board has them as files.
"""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import click

from flamelet_tools.shared.checkout import checkout


def board_module(path: str) -> ModuleType:
    """Return the module of this path in boards/, without a trace in sys.modules, for `board` is a name of many."""
    file = checkout() / "boards" / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def modules_of_board(folder: str, root: Path) -> list[Path]:
    """Return what main.py loads of boards/`folder` and boards/shared, by name, and all that it imports.

    Raises: click.ClickException if there is no such board.
    """
    there = {path.stem: path for part in ("shared", folder) for path in (root / "boards" / part).glob("*.py")}
    if "board" not in there:
        raise click.ClickException(f"there is no boards/{folder}/board.py in this checkout")
    found: set[str] = set()
    waiting = constants(root / "main.py") & set(there)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= (imports(there[name].read_text()) & set(there)) - found
    return [there[name] for name in sorted(found)]


def imports(text: str) -> set[str]:
    """Return the names of all modules that a program imports, wherever the import stands."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def constants(source: Path) -> set[str]:
    """Return all strings that stand in a file."""
    nodes = ast.walk(ast.parse(source.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
