"""Leads a traceback that a board prints back to the sources.

In: the lines of a traceback. Out: the same lines, with the files of the sources. A line of an .mpy file, as
`File "f", line 1, in step`, has the function's name alone (compile.py says why): `net/connection.py: step` is added. In
a line of a flat module, as `File "flamelet/_http1.py", line 12`, the file becomes the one that it is made of, in which
the line is the same.

Where several functions have a name, the frames beside it decide: most functions use the name of the one that they call,
and their file imports that one's. Where that does not decide, all are named.
"""

import ast
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from flamelet_tools.shared.compile import SOURCE_NAME
from flamelet_tools.shared.flat_build import PACKAGE, flat_library, imported

FRAME = re.compile(r'  File "(?P<file>[^"]*)", line (?P<line>\d+)(, in (?P<function>.+))?$')
MOST_NAMED = 4
# A name alone that a caller uses decides nothing: `get` is a method of many.
_NAME, _ITSELF, _IMPORTED, _OWN, _DOUBT = 1, 2, 4, 6, 1
_UNNAMED = {
    ast.Lambda: "<lambda>",
    ast.GeneratorExp: "<genexpr>",
    ast.ListComp: "<listcomp>",
    ast.SetComp: "<setcomp>",
    ast.DictComp: "<dictcomp>",
}


class Function(NamedTuple):
    """A function, or the body of a class or a module."""

    file: str  # "net/connection.py", "boards/shared/wifi.py"
    name: str  # "step", as a traceback has it
    path: str  # "Connection.step"
    module: str  # "_connection", as a board has it
    names: frozenset[str]  # that it uses
    own: frozenset[str]  # of these, those behind `self.`
    imports: frozenset[str]  # modules


class Sources:
    """What a board runs, as it stands in a checkout: the functions of the library, of boards/ and of main.py.

    Raises: FlatBuildError or SyntaxError if the sources are not in order.
    """

    def __init__(self, root: Path) -> None:
        library = flat_library(root)
        trees = {name: (_file(module.source, root), module.tree) for name, module in library.modules.items()}
        self.files = {f"{PACKAGE}/{name}.py": f"{PACKAGE}/{file}" for name, (file, _) in trees.items()}
        for path in [root / "main.py", *sorted((root / "boards").rglob("*.py"))]:
            file = str(path.relative_to(root))
            trees[file] = (file, ast.parse(path.read_bytes(), file))
        self.imports = {name: _imports(ast.walk(tree), trees) for name, (_, tree) in trees.items()}
        self.by_name: dict[str, list[Function]] = {}
        for name, (file, tree) in trees.items():
            for function in _functions(file, name, tree, trees):
                self.by_name.setdefault(function.name, []).append(function)

    def explained(self, lines: Sequence[str]) -> list[str]:
        """Return the lines of one traceback, with what leads to the sources."""
        frames = [FRAME.match(line) for line in lines]
        found = iter(self._likeliest([self._candidates(frame) for frame in frames if frame]))
        return [
            self._explained(line, frame, next(found)) if frame else line
            for line, frame in zip(lines, frames, strict=True)
        ]

    def _explained(self, line: str, frame: re.Match, functions: list[Function]) -> str:
        if frame["file"] != SOURCE_NAME:
            made_of = self.files.get("/".join(frame["file"].split("/")[-2:]))
            return line.replace(frame["file"], self._beside(frame["file"], made_of)) if made_of else line
        names = list(dict.fromkeys(map(self._shown, functions)))
        if len(names) > MOST_NAMED + 1:
            names[MOST_NAMED:] = [f"{len(names) - MOST_NAMED} others"]
        return f"{line}  {' or '.join(names)}" if names else line

    def _beside(self, file: str, made_of: str) -> str:
        """The path of a flat module, with the file that it is made of."""
        return "/".join([*file.split("/")[:-2], made_of])

    def _shown(self, function: Function) -> str:
        twins = [other for other in self.by_name[function.name] if other.file == function.file]
        return f"{function.file}: {function.path if len(twins) > 1 else function.name}"

    def _candidates(self, frame: re.Match) -> list[Function]:
        """The functions that a line of a traceback may mean."""
        functions = self.by_name.get(frame["function"] or "<module>", [])
        if frame["file"] == SOURCE_NAME:
            return [function for function in functions if function.file != "main.py"]
        path = "/" + frame["file"].lstrip("/")
        made_of = self.files.get("/".join(frame["file"].split("/")[-2:]), "").removeprefix(f"{PACKAGE}/")
        return [function for function in functions if made_of == function.file or path.endswith(f"/{function.file}")]

    def _likeliest(self, frames: list[list[Function]]) -> list[list[Function]]:
        """Of the candidates for each frame, those that fit best to the frames beside them."""
        before = self._sums(frames, self._fit)
        after = self._sums(frames[::-1], lambda function, caller: self._fit(caller, function))[::-1]
        likeliest = []
        for candidates, begin, end in zip(frames, before, after, strict=True):
            sums = [a + b for a, b in zip(begin, end, strict=True)]
            likeliest.append([one for one, sum in zip(candidates, sums, strict=True) if sum >= max(sums) - _DOUBT])
        return likeliest

    def _sums(self, frames: list[list[Function]], fit: Callable[[Function, Function], int]) -> list[list[int]]:
        """For each candidate, the best sum of fits along the frames up to it."""
        sums: list[list[int]] = []
        last: list[Function] = []
        for candidates in frames:
            known = list(zip(last, sums[-1] if sums else (), strict=True))
            sums.append([max((sum + fit(one, to) for one, sum in known), default=0) for to in candidates])
            last = candidates
        return sums

    def _fit(self, caller: Function, function: Function) -> int:
        """How well a function fits to the one that called it."""
        if function.name == "<module>":
            return _IMPORTED * (function.module in caller.imports)
        is_same_file = caller.module == function.module
        if function.name.startswith("<"):
            return _IMPORTED * is_same_file
        name = function.path.split(".")[0] if function.name == "__init__" else function.name
        if name not in caller.names:
            return 0  # a flow that is moved on, or the special method of an object: anything may do that
        if caller == function:
            return _ITSELF
        if is_same_file and name in caller.own:
            return _OWN
        return _IMPORTED if is_same_file or function.module in self.imports[caller.module] else _NAME


@functools.cache
def sources(root: Path) -> Sources:
    return Sources(root)


def _file(source: Path, root: Path) -> str:
    return str(source.relative_to(root / "lib" / PACKAGE))


def _functions(file: str, module: str, tree: ast.Module, modules: Iterable[str]) -> Iterator[Function]:
    """The functions of a file, with those within functions and classes."""
    waiting: list[tuple[ast.AST, str, str]] = [(tree, "<module>", "")]
    while waiting:
        scope, name, path = waiting.pop(0)
        nodes = []
        inner = list(ast.iter_child_nodes(scope))
        while inner:
            node = inner.pop(0)
            own = getattr(node, "name", "") if isinstance(node, _DEFINITIONS) else _UNNAMED.get(type(node), "")
            if own:
                waiting.append((node, own, f"{path}.{own}" if path else own))
            else:
                nodes.append(node)
                inner.extend(ast.iter_child_nodes(node))
        yield Function(
            file,
            name,
            path or name,
            module,
            frozenset(_names(nodes)),
            frozenset(_own_names(nodes)),
            _imports(nodes, modules),
        )


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _own_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            yield node.attr


def _imports(nodes: Iterable[ast.AST], modules: Iterable[str]) -> frozenset[str]:
    """The modules that these nodes import: of the flat library, and of boards/."""
    found: set[str] = set()
    known = set(modules)
    for node in nodes:
        found.update(imported(node, known))
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
            if node.module == PACKAGE:
                found |= {alias.name for alias in node.names} & known
        for name in names:
            found |= {module for module in known if module.endswith(f"/{name}.py")}
    return frozenset(found)
