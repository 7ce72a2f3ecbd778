"""The modules of boards/ that the tools use: the settings' table, and the desktop as a board.

In: the path of a module in the checkout. Out: the module. They stand in no package, since a board has them as files.
"""

import importlib.util
from types import ModuleType

from flamelet_tools.checkout import checkout


def board_module(path: str) -> ModuleType:
    """Return the module of this path in boards/, without a trace in sys.modules, for `board` is a name of many."""
    file = checkout() / "boards" / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
