"""Builds the library for boards: the packages of lib/flamelet become the flat modules of one folder.

In: the sources. Out: the text of each module, by the name that it has on a board: wire/http1.py becomes _http1.py. What
is public keeps its name (`flamelet`, `flamelet.errors`, `flamelet.aio`, `flamelet.device`), and so does each file that
stands in lib/flamelet itself. Every name stays in a board's memory, and a folder takes two blocks of its flash.

Three things are written anew, and each keeps its line, so that a traceback has the line of the source:
- imports within the library, in all their forms;
- strings that name a module: "core.url" in a table of public names, "flamelet.core.url" in any place;
- MICROPYTHON, which is True, and TYPE_CHECKING, which is False: the compiler leaves out the branches behind them.

A script that imports parts of the library by their places in lib/flamelet is translated in the same way. What cannot be
translated is refused. Only the standard library is imported here: manifest.py runs this within MicroPython's build.

Limit: a module for desktops alone is left out; that is one which is imported only where MICROPYTHON is False.
"""

import ast
import collections
import functools
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = "flamelet"
# Packages whose own __init__.py is public; it becomes a module. That of every other package is dropped.
DOORS = ("aio", "device")
PLACES = "_PLACES"  # what the tables are called that say in which module a public name is
_CONSTANTS = {"MICROPYTHON": True, "TYPE_CHECKING": False}


class FlatBuildError(ValueError):
    """The library cannot be made flat, or a script cannot be translated; the text has the file and the line."""


class FlatModule(NamedTuple):
    """A module as a board has it. `tree` is that of `text`, for what reads it or makes it smaller."""

    name: str  # "_http1", "errors", "__init__"
    place: str  # in lib/flamelet: "wire.http1", "errors", "" for __init__.py
    source: Path
    text: str
    tree: ast.Module


class FlatLibrary:
    """The library of a checkout, flat.

    `modules`: the modules of a board, by their names there. `names`: the name of each place, also those of desktops.
    Raises: FlatBuildError if a name would have two meanings, or something cannot be translated.
    """

    def __init__(self, root: Path) -> None:
        folder = root / "lib" / PACKAGE
        sources = {_place(path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}
        texts = {place: path.read_bytes() for place, path in sources.items()}
        trees = {place: ast.parse(text, str(sources[place])) for place, text in texts.items()}
        self.packages = {place for place, path in sources.items() if path.name == "__init__.py" and place}
        self.packages |= {place.rpartition(".")[0] for place in sources} - {""}
        kept = [place for place, tree in trees.items() if place not in self.packages or _has_code(tree)]
        for place in self.packages.intersection(kept) - {*DOORS}:
            raise FlatBuildError(
                f"{sources[place]}: only the packages {' and '.join(DOORS)} may have code of their own"
            )
        self.names = _flat_names(kept)
        self._check_names_of_package(trees[""])
        self._bound = {place: _bound_names(trees[place]) for place in kept}
        modules = {}
        for place in kept:
            package = place if place in self.packages or not place else place.rpartition(".")[0]
            text = _Translation(self, str(sources[place]), texts[place], trees[place], package).text()
            name = self.names[place]
            modules[name] = FlatModule(name, place, sources[place], text, ast.parse(text, str(sources[place])))
        desktop = _desktop_modules(modules)
        self.modules = {name: module for name, module in modules.items() if name not in desktop}

    def translated(self, script: Path) -> str:
        """Return a script of a board whose imports are those of the flat library.

        Raises: FlatBuildError if it cannot be translated.
        """
        return self.translated_text(script.read_bytes().decode(), str(script))

    def translated_text(self, text: str, name: str = "<script>") -> str:
        """As `translated`, of a text; `name` stands in the error."""
        data = text.encode()
        return _Translation(self, name, data, ast.parse(data, name), None).text()

    def write(self, folder: Path) -> None:
        """Write the modules as flamelet/NAME.py into `folder`."""
        (folder / PACKAGE).mkdir(parents=True)
        for name, module in self.modules.items():
            (folder / PACKAGE / f"{name}.py").write_bytes(module.text.encode())

    def has(self, place: str, name: str) -> bool:
        """Whether the file at `place` itself binds this name."""
        return name in self._bound.get(place, ())

    def _check_names_of_package(self, tree: ast.Module) -> None:
        # An imported module becomes an attribute of its package: in a flat library that is `flamelet` itself.
        for place in self.names:
            if "." in place and self.names[place] in _bound_names(tree):
                raise FlatBuildError(f"{place} would be {self.names[place]}, which {PACKAGE}/__init__.py has already")


@functools.cache
def flat_library(root: Path) -> FlatLibrary:
    """Return the library of a checkout, built once in a process.

    Raises: FlatBuildError if it cannot be made flat.
    """
    return FlatLibrary(root)


def live_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module, as `ast.walk` does, without the branches that MicroPython's compiler leaves out."""
    waiting: collections.deque[ast.AST] = collections.deque([tree])
    while waiting:
        node = waiting.popleft()
        yield node
        if isinstance(node, (ast.If, ast.IfExp)) and (value := _constant(node.test)) is not None:
            branch = node.body if value else node.orelse
            waiting.extend(branch if isinstance(branch, list) else [branch])
        else:
            waiting.extend(ast.iter_child_nodes(node))


def imported(node: ast.AST, modules: Collection[str]) -> list[str]:
    """Return which of these modules of a flat library a node imports; nothing if it is no import."""
    if not isinstance(node, ast.ImportFrom) or node.level != 1:
        return []
    names = [node.module] if node.module else [alias.name for alias in node.names]
    return [name for name in names if name in modules]


def table(tree: ast.Module, name: str = PLACES) -> dict[str, str]:
    """Return the dict of a module that is called `name`, without what is not a string; {} if there is none."""
    node = _table_node(tree, name)
    if node is None:
        return {}
    pairs = zip(map(_text, node.keys), map(_text, node.values), strict=True)
    return {key: value for key, value in pairs if key is not None and value is not None}


class _Translation:
    """One file, and what changes in it. `package`: that of the file in lib/flamelet; None: it is a script."""

    def __init__(self, library: FlatLibrary, file: str, data: bytes, tree: ast.Module, package: str | None) -> None:
        self.library = library
        self.file = file
        self.tree = tree
        self.nodes = list(ast.walk(tree))
        self.package = package
        self.lines = data.splitlines(keepends=True)
        self.edits: list[tuple[int, int, int, int, str]] = []
        self.done: set[ast.AST] = set()
        self.doors: dict[str, str] = {}  # what the file calls a public package

    def text(self) -> str:
        """Return the translated text.

        Raises: FlatBuildError.
        """
        constants = self._constants_to_replace() if self.package is not None else set()
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom):
                self._import_from(node, constants)
            elif isinstance(node, ast.Import):
                self._import(node)
        for node in self.nodes:
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Attribute):
                self._attribute(node)
            elif isinstance(node, ast.Name) and node.id in constants and isinstance(node.ctx, ast.Load):
                self._replace(node, repr(_CONSTANTS[node.id]))
        self._replace_table()
        self._strings()
        return self._edited()

    # Constants.

    def _constants_to_replace(self) -> set[str]:
        """The names of _CONSTANTS that this module has from the library, or sets to False for the type checker."""
        found = set()
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom) and self._base(node) is not None:
                found |= {alias.name for alias in node.names if not alias.asname}
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                found.add(name)
                if name == "TYPE_CHECKING" and _constant(node.value) is False:
                    self._replace(node, "pass")
        return found & set(_CONSTANTS)

    # Imports.

    def _base(self, node: ast.ImportFrom) -> str | None:
        """The place that an import takes something from; None if that is not in the library.

        Raises: FlatBuildError if it reaches above the library.
        """
        if not node.level or self.package is None:
            first, _, rest = (node.module or "").partition(".")
            return rest if first == PACKAGE and not node.level else None
        parts = self.package.split(".") if self.package else []
        if node.level - 1 > len(parts):
            raise self._refused(node, "this import reaches above the library")
        parts = parts[: len(parts) - (node.level - 1)]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def _import_from(self, node: ast.ImportFrom, constants: set[str]) -> None:
        base = self._base(node)
        if base is None:
            return
        modules, names = [], []
        for alias in node.names:
            place = f"{base}.{alias.name}".lstrip(".")
            if (place in self.library.names or place in self.library.packages) and not self.library.has(
                base, alias.name
            ):
                flat, own = self._flat(node, place), alias.asname or alias.name
                if place in DOORS:
                    self.doors[own] = place
                modules.append(flat if flat == own else f"{flat} as {own}")
            elif alias.name not in constants or alias.asname:
                self._flat(node, base)
                names.append(_written(alias))
        is_top = not base and not (node.level and self.package)
        if is_top and {*modules, *names} == set(map(_written, node.names)):
            return  # `from flamelet import Database, aio`
        dot = "." if self.package is not None else PACKAGE
        where = self._flat(node, base) if names else ""
        within = f"{dot}{'' if dot == '.' else '.'}{where}" if base else dot
        statements = [(dot, modules), (within, names)] if base else [(dot, modules + names)]
        statements = [statement for statement in statements if statement[1]]
        self._replace(node, _imports(statements, _line_count(node)))

    def _import(self, node: ast.Import) -> None:
        parts = []
        for alias in node.names:
            first, _, place = alias.name.partition(".")
            flat = self._flat(node, place) if first == PACKAGE and place else place
            if flat != place and not alias.asname:
                raise self._refused(node, f"write `from {alias.name.rpartition('.')[0]} import ...`: `import "
                                          f"{alias.name}` finds no such package on a board")  # fmt: skip
            parts.append((f"{PACKAGE}.{flat}" if place and first == PACKAGE else alias.name, alias.asname))
        written = ", ".join(f"{name} as {own}" if own else name for name, own in parts)
        if written != ", ".join(map(_written, node.names)):
            self._replace(node, "import " + written)

    def _flat(self, node: ast.AST, place: str) -> str:
        """The name of a place on a board.

        Raises: FlatBuildError if there is no such module.
        """
        if place in self.library.names:
            return self.library.names[place]
        path = f"{PACKAGE}.{place}"
        if place in self.library.packages:
            raise self._refused(node, f"{path} is a package, which no board has: import a module of it")
        raise self._refused(node, f"{path} is no module of the library")

    def _attribute(self, node: ast.Attribute) -> None:
        """Refuse `flamelet.wire.http1` and `aio.pump` behind an import of the package."""
        path = _dotted(node)
        first, _, rest = path.partition(".")
        if first == PACKAGE and rest in self.library.packages and rest not in DOORS:
            raise self._refused(node, f"{path} is a package, which no board has: import a module of it")
        if first in self.doors or first == PACKAGE:
            place = f"{self.doors[first]}.{rest}" if first in self.doors else rest
            door = place.rpartition(".")[0]
            if door in DOORS and place in self.library.names and not self.library.has(door, node.attr):
                raise self._refused(node, f"{path} is a module of a package: import it by itself")

    # Strings.

    def _call(self, node: ast.Call) -> None:
        """Translate sys.modules["flamelet.auth"].__dict__.pop("credential"); refuse imports whose name is hidden."""
        name = _dotted(node.func).rpartition(".")[2]
        if name in ("__import__", "import_module") and self.package is not None:
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            if _text(node.args[0]) is None and PLACES not in names:
                raise self._refused(node, f"this import is not by a table called {PLACES}")
        inner: ast.AST = node.func
        while isinstance(inner, ast.Attribute):
            inner = inner.value
        arguments = list(node.args)
        if name in ("getattr", "setattr", "hasattr", "delattr") and arguments:
            inner = arguments.pop(0)
        if not isinstance(inner, ast.Subscript) or _dotted(inner.value) != "sys.modules":
            return
        package = _text(inner.slice) or ""
        place = package.removeprefix(f"{PACKAGE}.")
        if package == place or place not in self.library.packages or place in self.library.names:
            return
        module = _text(arguments[0]) if arguments else None
        if module is None:
            raise self._refused(node, f"{package} is a package, which no board has")
        self._replace(inner.slice, f'"{PACKAGE}"')
        self._replace(arguments[0], f'"{self._flat(node, f"{place}.{module}")}"')
        self.done |= {inner.slice, arguments[0]}

    def _replace_table(self) -> None:
        """Translate the table of public names: each value is a place."""
        found = _table_node(self.tree, PLACES) if self.package is not None else None
        for value in found.values if found else []:
            place = _text(value)
            if place is None:
                raise self._refused(value, f"a value of {PLACES} is not a string")
            self._replace(value, f'"{self._flat(value, place)}"')
            self.done.add(value)

    def _strings(self) -> None:
        # The pieces of an f-string, whose positions are not known, and texts that are for people.
        mixed = {part for node in self.nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
        for node in self.nodes:
            text = _text(node)
            if text is None or node in self.done or not re.fullmatch(r"\w+(\.\w+)+", text):
                continue
            prefix, place = (PACKAGE, text.partition(".")[2]) if text.startswith(f"{PACKAGE}.") else ("", text)
            if place in self.library.names and (prefix or "." in place and self.package is not None):
                flat = self.library.names[place]
                if flat == place:
                    continue
                if node in mixed:
                    raise self._refused(node, f"{text} stands in an f-string, where it cannot be translated")
                self._replace(node, f'"{prefix}{"." if prefix else ""}{flat}"')
            elif prefix and place.partition(".")[0] in self.library.packages - {*DOORS}:
                raise self._refused(node, f'"{text}" names no module that a board has')

    # The text.

    def _replace(self, node: ast.AST, text: str) -> None:
        assert isinstance(node, (ast.stmt, ast.expr)) and node.end_lineno and node.end_col_offset is not None
        self.edits.append((node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text))

    def _edited(self) -> str:
        lines = list(self.lines)
        for start, column, end, end_column, text in sorted(self.edits, reverse=True):
            head, tail = lines[start - 1][:column], lines[end - 1][end_column:]
            lines[start - 1 : end] = (head + text.encode() + tail).splitlines(keepends=True)
        return b"".join(lines).decode()

    def _refused(self, node: ast.AST, why: str) -> FlatBuildError:
        return FlatBuildError(f"{self.file}, line {getattr(node, 'lineno', '?')}: {why}")


def _place(path: Path) -> str:
    """The place of a file, as "wire.http1": its path within lib/flamelet; for the __init__.py of a package, that."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _has_code(tree: ast.Module) -> bool:
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in tree.body)


def _flat_names(places: Collection[str]) -> dict[str, str]:
    """The name of each place on a board: the last parts of it that no other place ends with.

    A module that is called as its package goes before the others: feed.feed is _feed, aio.feed is _aio_feed.
    Raises: FlatBuildError if two would have one name.
    """
    inner = [place for place in places if "." in place]
    endings = collections.Counter(ending for place in inner for ending in _endings(place))
    names = {"": "__init__"}
    for place in sorted(places):
        if not place or place in names:
            continue
        package, _, base = place.rpartition(".")
        if not package:
            names[place] = place
        elif package.rpartition(".")[2] == base:
            names[place] = "_" + base
        else:
            free = [ending for ending in _endings(place) if endings[ending] == 1]
            names[place] = "_" + (free or [place])[0].replace(".", "_")
    by_name: dict[str, str] = {}
    for place, name in names.items():
        if name in by_name:
            raise FlatBuildError(f"{by_name[name]} and {place} would both be {name} on a board: rename one")
        by_name[name] = place
    return names


def _endings(place: str) -> list[str]:
    """The ends of a place, the shortest first: "c", "b.c", "a.b.c"."""
    parts = place.split(".")
    return [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]


def _bound_names(tree: ast.Module) -> set[str]:
    """The names that a module binds, in itself or in a branch of its."""
    found: set[str] = set()
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _desktop_modules(modules: dict[str, FlatModule]) -> set[str]:
    """The modules that are imported, but never on a board."""
    everywhere = {
        name: {found for node in ast.walk(module.tree) for found in imported(node, modules)}
        for name, module in modules.items()
    }
    on_board = {
        name: {found for node in live_nodes(module.tree) for found in imported(node, modules)}
        | set(table(module.tree).values())
        for name, module in modules.items()
    }
    desktop: set[str] = set()
    while True:
        needed = {found for name, names in on_board.items() if name not in desktop for found in names - {name}}
        more = {found for names in everywhere.values() for found in names} - needed - {"__init__"}
        if more <= desktop:
            return desktop
        desktop |= more


def _imports(statements: list[tuple[str, list[str]]], lines: int) -> str:
    """Import statements that together take so many lines."""
    written = [f"from {base} import {', '.join(names)}" for base, names in statements] or ["pass"]
    if lines > 1 and statements:
        base, names = statements[-1]
        written[-1] = f"from {base} import ({', '.join(names)}" + "\n" * (lines - 1) + ")"
    elif lines > 1:
        written[-1] = "(" + "\n" * (lines - 1) + ")"
    return "; ".join(written)


def _written(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _line_count(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _table_node(tree: ast.Module, name: str) -> ast.Dict | None:
    for part in tree.body:
        if isinstance(part, (ast.Assign, ast.AnnAssign)) and isinstance(part.value, ast.Dict):
            target = part.targets[0] if isinstance(part, ast.Assign) else part.target
            if isinstance(target, ast.Name) and target.id == name:
                return part.value
    return None


def _text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _dotted(node: ast.AST) -> str:
    """The text of `a.b.c`; "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def _constant(node: ast.expr) -> bool | None:
    """What a condition always is; None if that depends."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        value = _constant(node.operand)
        return None if value is None else not value
    if isinstance(node, ast.BoolOp):
        ends = isinstance(node.op, ast.Or)
        values = [_constant(value) for value in node.values]
        if ends in values:
            return ends
        return None if None in values else not ends
    return None
