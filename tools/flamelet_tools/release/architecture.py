"""Draws the packages of lib/flamelet into docs/architecture.md, and lists their files there, from the sources.

`python -m flamelet_tools.release.architecture` writes the page; a test compares it with the sources. An arrow leads
from a package to one that it imports. An arrow that others imply is left out. Imports inside functions count too.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from flamelet_tools.shared.checkout import checkout

PAGE = "docs/architecture.md"
BEGIN = "<!-- drawn by python -m flamelet_tools.release.architecture -->\n"
END = "<!-- end of the drawing -->\n"
# A row of the table of packages: its name, what it holds, its files.
ROW = re.compile(r"^\| `(\w+)/` \| (.*) \| .*\|$", re.MULTILINE)


def page(root: Path) -> str:
    """Return the text of docs/architecture.md with the drawing and the lists of files by the sources in `root`.

    Raises: ValueError if the page has no place for them.
    """
    library = root / "lib" / "flamelet"
    graph = imports(library)
    before, begin, rest = (root / PAGE).read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} needs these lines around the drawing: {BEGIN.strip()} and {END.strip()}")
    rows = [name for name, _ in ROW.findall(after)]
    if sorted(rows) != sorted(graph):
        raise ValueError(f"{PAGE} needs one row for each of the packages {', '.join(sorted(graph))}")
    after = ROW.sub(lambda row: f"| `{row[1]}/` | {row[2]} | {files(library / row[1])} |", after)
    return before + BEGIN + drawing(graph) + END + after


def files(package: Path) -> str:
    """Return the names of the files of a package, without their ends."""
    return ", ".join(sorted(file.stem for file in package.glob("*.py") if file.stem != "__init__"))


def imports(library: Path) -> dict[str, set[str]]:
    """Return, for each package of the library, the packages that it imports."""
    packages = {file.parent.name for file in library.glob("*/__init__.py")}
    found: dict[str, set[str]] = {package: set() for package in packages}
    for package in packages:
        for file in (library / package).glob("*.py"):
            found[package] |= packages.intersection(_imported(ast.parse(file.read_text()))) - {package}
    return found


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file in a package imports from the folder above: `from ..net import tls` yields net."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            yield from [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]


def drawing(graph: dict[str, set[str]]) -> str:
    """Return a Mermaid flowchart of the packages, with the arrows that no other arrows imply.

    Raises: ValueError if packages import each other in a circle.
    """
    below = {package: _reached(package, graph) for package in graph}
    lines = []
    for package in sorted(graph, key=lambda name: (-len(below[name]), name)):
        if package in below[package]:
            raise ValueError(f"a circle of imports goes through {package}")
        implied = {other for one in graph[package] for other in below[one]}
        targets = sorted(graph[package] - implied)
        lines.append(f"    {package} --> {' & '.join(targets)}\n" if targets else f"    {package}\n")
    return "```mermaid\nflowchart TD\n" + "".join(lines) + "```\n"


def _reached(package: str, graph: dict[str, set[str]]) -> set[str]:
    """Return all packages that `package` imports, directly or through others."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


if __name__ == "__main__":
    (checkout() / PAGE).write_text(page(checkout()))
