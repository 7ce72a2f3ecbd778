"""Which modules of the library a program can need: what `flamelet deploy` copies and `flamelet size` adds up.

In: the name of a service, and what of it the program uses. Out: names of modules as a board has them, as "_url". All is
read from the flat library (flat_build.py), by ast: every import of a module counts, wherever it stands, so that no
module is missing when the rare case comes. The tables of public names say where each of these is.

What of a service is loaded with its first use is a feature: a method of its class that imports something, unless every
program is expected to use it, and a few keyword arguments. Without the feature these imports do not count.

Limit: a module that is wanted at all is wanted with everything that it imports.
"""

import ast
import fnmatch
import functools
from collections.abc import Collection, Iterator
from pathlib import Path

from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.flat_build import flat_library, imported, live_nodes, table

# The public names that go with each service, its class first; the names of _COMMON go with every one.
SERVICES = {
    "database": ("Database", "TIMESTAMP"),
    "firestore": ("Firestore", "TIMESTAMP"),
    "gateway": ("Gateway",),
}
_COMMON = ("Budget", "Timeouts", "Token")
# The methods that every program with the service is expected to use: no features.
_EVERYDAY = {
    "database": {"get", "set", "push", "update", "delete", "listen", "feed"},
    "firestore": {"get", "read", "create", "set", "update", "delete", "call"},
    "gateway": {"list", "get", "create", "replace", "update", "delete", "feed"},
}
# Keyword arguments, and the places of the modules in lib/flamelet that nothing else loads; and the public names that a
# program uses with one.
_OPTIONS = {
    "outbox": ("outbox.*", "*.records", "*.recording", "*.recording_feed"),
    "pattern": ("rtdb.projection",),
    "transport": ("client.requests_transport",),
}
_NAMES_OF_OPTIONS = {"outbox": "Outbox"}


def modules_of(
    *services: str, features: Collection[str] | None = None, awaited: bool = True, root: Path | None = None
) -> set[str]:
    """The modules that a program can need which uses these services (without any: the whole library).

    Arguments: names of SERVICES; `features`: those that are wanted of what `features_of` returns (None: all);
    `awaited`: whether flamelet.aio is wanted; `root`: another checkout than this one.
    Raises: ValueError for a service or a feature that there is not.
    """
    library = _library(root or checkout())
    if not services:
        return set(library.trees)
    known = {feature for service in services for feature in features_of(service, root=root)}
    if features is not None and set(features) - known:
        raise ValueError(f"there is no feature {min(set(features) - known)}: there are {', '.join(sorted(known))}")
    features = known if features is None else features
    names = {name for service in services for name in SERVICES[service]} | set(_COMMON)
    names |= {name for option, name in _NAMES_OF_OPTIONS.items() if option in features}
    wanted = {"__init__", "_exports", "errors"} | {library.places[name] for name in names}
    wanted |= {"aio"} if awaited else set()
    return library.closure(wanted, features, services)


def modules_of_program(service: str, root: Path | None = None) -> set[str]:
    """The modules that main.py can need with this service in config.json: those of device/, and what they name.

    Of a service that main.py does not use, all: it is for another program.
    Raises: ValueError for a service that there is not.
    """
    library = _library(root or checkout())
    features = features_of(service, root=root)
    if service in programs(root):
        features &= library.words("device")
    return modules_of(service, features=features, root=root) | library.closure({"device"}, features, [service])


def programs(root: Path | None = None) -> list[str]:
    """The services that main.py can use."""
    words = _library(root or checkout()).words("device")
    return [service for service, names in SERVICES.items() if names[0] in words]


def features_of(service: str, root: Path | None = None) -> set[str]:
    """What of a service is loaded when it is first asked for: its rarer methods, and keyword arguments.

    Raises: ValueError for a service that there is not.
    """
    if service not in SERVICES:
        raise ValueError(f"there is no service {service}: there are {', '.join(SERVICES)}")
    return _library(root or checkout()).features[service] | set(_OPTIONS)


class _Library:
    """The flat library, and what its modules import."""

    def __init__(self, root: Path) -> None:
        modules = flat_library(root).modules
        self.trees = {name: module.tree for name, module in modules.items()}
        self.sources = {name: module.place for name, module in modules.items()}
        self.places = {name: place for tree in self.trees.values() for name, place in table(tree).items()}
        self.features = {service: self.methods(service) for service in SERVICES}

    def closure(self, wanted: Collection[str], features: Collection[str], services: Collection[str]) -> set[str]:
        """These modules, and all that they import with these features of these services."""
        found: set[str] = set()
        waiting = set(wanted)
        while waiting:
            module = waiting.pop()
            found.add(module)
            waiting |= self.imports(module, features, services) - found
        return found

    def imports(self, module: str, features: Collection[str], services: Collection[str]) -> set[str]:
        """The modules that this one imports anywhere, without those of features and services that are not wanted."""
        found = set()
        for node in self.nodes(module, features):
            # `aio` imports the class of a service that is asked for.
            others = {SERVICES[service][0] for service in set(SERVICES) - set(services)}
            if not (isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} <= others):
                found |= set(imported(node, self.trees))
        return found.difference(*(self.of_option(option) for option in _OPTIONS if option not in features))

    def nodes(self, module: str, features: Collection[str]) -> Iterator[ast.AST]:
        """The nodes of a module, without those methods of a service's class that are features, and not wanted."""
        skipped = {
            node
            for service, names in SERVICES.items()
            for part in self.trees[module].body
            if isinstance(part, ast.ClassDef) and part.name == names[0]
            for method in part.body
            if getattr(method, "name", "") in self.unwanted(service, part, features)
            for node in ast.walk(method)
        }
        return (node for node in live_nodes(self.trees[module]) if node not in skipped)

    def methods(self, service: str) -> set[str]:
        """The public methods of a service's class that import something, but for those of every day."""
        name = SERVICES[service][0]
        if name not in self.places:
            return set()
        [defined] = [part for part in self.trees[self.places[name]].body if getattr(part, "name", "") == name]
        assert isinstance(defined, ast.ClassDef)
        return {
            method.name
            for method in defined.body
            if isinstance(method, ast.FunctionDef)
            and not method.name.startswith("_")
            and any(imported(node, self.trees) for node in live_nodes(method))
        } - _EVERYDAY[service]

    def unwanted(self, service: str, defined: ast.ClassDef, features: Collection[str]) -> set[str]:
        """The methods that are features and not wanted, nor called by another method of the class that counts."""
        unwanted = self.features[service] - set(features)
        while True:
            methods = [part for part in defined.body if getattr(part, "name", "") not in unwanted]
            called = {_name_of_self(node) for method in methods for node in ast.walk(method)}
            if not unwanted & called:
                return unwanted
            unwanted -= called

    def of_option(self, option: str) -> set[str]:
        """The modules that nothing but a keyword argument loads."""
        return {
            name
            for name, place in self.sources.items()
            if any(fnmatch.fnmatchcase(place, pattern) for pattern in _OPTIONS[option])
        }

    def words(self, package: str) -> set[str]:
        """Each name behind a dot, each imported name, and each keyword argument of a call in a package's modules."""
        trees = [self.trees[name] for name, place in self.sources.items() if place.partition(".")[0] == package]
        nodes = [node for tree in trees for node in live_nodes(tree)]
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        names = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        return attributes | names | {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}


def _name_of_self(node: ast.AST) -> str:
    """The name in `self.name`; "" of anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return ""


@functools.cache
def _library(root: Path) -> _Library:
    return _Library(root)
