"""Which modules of the library a program can need: what `flamelet deploy` copies and `flamelet size` adds up.

In: the name of a service, and what of it the program uses. Out: names of modules, as "feed" or "_url". All is read from
the sources, by ast: every import of a module counts, wherever it stands, so that no module is missing when the rare
case comes. Two kinds of tables are known, by which the library loads what is asked for by name: _PLACES (a public name
and its module) and the functions of a module with _METHODS (each one a method, whose imports count if it is wanted).
Of keyword arguments the table is here.

Limit: a module that is wanted at all is wanted with everything that it imports.
"""

import ast
import functools
from collections.abc import Collection
from pathlib import Path

from flamelet_tools.shared.checkout import checkout

# The public names that go with each service; the names of _COMMON go with every one.
SERVICES = {
    "database": ("Database", "TIMESTAMP"),
    "firestore": ("Firestore", "TIMESTAMP"),
    "gateway": ("Gateway",),
}
_COMMON = ("Budget", "Timeouts", "Token")
# Keyword arguments, and the modules that nothing else loads.
_OPTIONS = {
    "outbox": {"recording", "outbox"},
    "pattern": {"_projection"},
    "transport": {"_requests_transport"},
}
_DESKTOP_ONLY = "_cpython"


def modules_of(
    *services: str, features: Collection[str] | None = None, awaited: bool = True, root: Path | None = None
) -> set[str]:
    """The modules that a program can need which uses these services (without any: the whole library).

    Arguments: names of SERVICES; `features`: those that are wanted of what `features_of` tells (None: all); `awaited`:
    whether flamelet.aio is wanted; `root`: another checkout than this one.
    Raises: ValueError for a service or a feature that there is not.
    """
    library = _Library(root or checkout())
    if not services:
        return set(library.trees)
    known = {feature for service in services for feature in features_of(service, root=root)}
    if features is not None and set(features) - known:
        raise ValueError(f"there is no feature {min(set(features) - known)}: there are {', '.join(sorted(known))}")
    names = {name for service in services for name in SERVICES[service]} | set(_COMMON)
    wanted = {"__init__", "_names", "errors"} | {library.places[name] for name in names}
    return library.closure(wanted | ({"aio"} if awaited else set()), known if features is None else features)


def modules_of_program(service: str, root: Path | None = None) -> set[str]:
    """The modules that main.py can need with this service in config.json: those of device.py, and what it names.

    Of a service that main.py does not use, all: it is for another program.
    Raises: ValueError for a service that there is not.
    """
    library = _Library(root or checkout())
    features = features_of(service, root=root)
    if service in programs(root):
        features &= library.words("device")
    return modules_of(service, features=features, root=root) | library.closure({"device"}, features)


def programs(root: Path | None = None) -> list[str]:
    """The services that main.py can use."""
    words = _Library(root or checkout()).words("device")
    return [service for service, names in SERVICES.items() if names[0] in words]


def features_of(service: str, root: Path | None = None) -> set[str]:
    """What of a service is loaded when it is first asked for: its rarer methods, and keyword arguments.

    Raises: ValueError for a service that there is not.
    """
    if service not in SERVICES:
        raise ValueError(f"there is no service {service}: there are {', '.join(SERVICES)}")
    library = _Library(root or checkout())
    imported = library.imports(library.places[SERVICES[service][0]], ())
    return {method for module in imported for method in library.methods(module)} | set(_OPTIONS)


class _Library:
    """The sources of lib/flamelet, parsed."""

    def __init__(self, root: Path) -> None:
        self.trees = _parsed(root / "lib" / "flamelet")
        self.places = {name: place for tree in self.trees.values() for name, place in _table(tree, "_PLACES").items()}

    def closure(self, wanted: Collection[str], features: Collection[str]) -> set[str]:
        """These modules, and all that they import with these features."""
        found: set[str] = set()
        waiting = set(wanted)
        while waiting:
            module = waiting.pop()
            found.add(module)
            waiting |= self.imports(module, features) - found
        return found

    def imports(self, module: str, features: Collection[str]) -> set[str]:
        """The modules of the library that this one imports anywhere, without those of features that are not wanted."""
        unwanted = self.methods(module) - set(features)
        parts = [part for part in self.trees[module].body if getattr(part, "name", None) not in unwanted]
        found = {name for part in parts for node in ast.walk(part) for name in _imported(node)} & set(self.trees)
        return found.difference(*(modules for option, modules in _OPTIONS.items() if option not in features))

    def methods(self, module: str) -> set[str]:
        """The methods of a module with _METHODS; `bound` is what finds one, and with an underscore it is its own."""
        tree = self.trees[module]
        functions = {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}
        public = {name for name in functions if not name.startswith("_")}
        return public - {"bound"} if _table(tree, "_METHODS") else set()

    def words(self, module: str) -> set[str]:
        """Each name that stands behind a dot in a module, and of each keyword argument in a call."""
        nodes = list(ast.walk(self.trees[module]))
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        return attributes | {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}


@functools.cache
def _parsed(folder: Path) -> dict[str, ast.Module]:
    files = sorted(folder.glob("*.py"))
    return {file.stem: ast.parse(file.read_text(), str(file)) for file in files if file.stem != _DESKTOP_ONLY}


def _table(tree: ast.Module, name: str) -> dict[str, str]:
    """The dict of a module that is called `name`: its keys, and the values as they stand there."""
    for part in tree.body:
        if isinstance(part, (ast.Assign, ast.AnnAssign)) and isinstance(part.value, ast.Dict):
            target = part.targets[0] if isinstance(part, ast.Assign) else part.target
            if isinstance(target, ast.Name) and target.id == name:
                return {_text(key): _text(value) for key, value in zip(part.value.keys, part.value.values, strict=True)}
    return {}


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _imported(node: ast.AST) -> list[str]:
    """What an import within the package may mean: `from . import a` a module a, `from .a import b` the module a."""
    if not isinstance(node, ast.ImportFrom) or node.level != 1:
        return []
    return [node.module] if node.module else [alias.name for alias in node.names]
