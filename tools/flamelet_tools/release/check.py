"""`flamelet check`: ruff over everything, and mypy over each part as the Python sees it that runs it.

In: the checkout. Out: exit code 0, or 1 and what is wrong. The tools, the library and the desktop board are checked
against CPython; the library, the boards and main.py once more against the MicroPython stubs of each board, and the
boards and main.py against those of the oldest firmware too. Those stub packages hold the same files with different
contents, so each has a folder of its own in the environment, where pip puts it the first time. They bring a standard
library as MicroPython has it: `--custom-typeshed-dir` names it (https://micropython-stubs.readthedocs.io, "mypy").

mypy reads the library's own stubs in place of the sources beside them, so it is given a copy of the library without
them. What the stubs say is checked by tests/types.
"""

import os
import subprocess
import sys
from pathlib import Path

import click

from flamelet_tools.shared.checkout import checkout

# Of each board: for today's firmware, and for the oldest.
STUBS = {
    "esp32": ("micropython-esp32-stubs==1.29.0.post1", "micropython-esp32-stubs==1.22.0.post1"),
    "pico_w": ("micropython-rp2-rpi_pico_w-stubs==1.29.0.post1", "micropython-rp2-rpi_pico_w-stubs==1.22.1.post2"),
}


@click.command()
def check() -> None:
    """Check the source with ruff and mypy."""
    root = checkout()
    results = [run_ruff(root), check_desk(root)] + [check_board(root, board) for board in STUBS]
    if not all(results):
        raise SystemExit(1)


def run_ruff(root: Path) -> bool:
    return succeeds("ruff", [sys.executable, "-m", "ruff", "check", "--quiet", "."], root)


def check_desk(root: Path) -> bool:
    """Check what runs on CPython."""
    path = [root / "tools", unstubbed(root), root / "boards" / "desktop", root / "boards" / "shared"]
    modules = ["-p", "flamelet_tools", "-p", "flamelet", "-m", "board"]
    return run_mypy("cpython", root, path, "--always-false=MICROPYTHON", *modules)


def unstubbed(root: Path) -> Path:
    """Make a copy of the library that has no stubs, of links to its sources.

    Returns: the folder that has it.
    """
    folder = cache(root) / "sources"
    wanted = {folder / path.relative_to(root / "lib"): path for path in (root / "lib").rglob("*.py")}
    for link in folder.rglob("*.py"):
        if link not in wanted:
            link.unlink()
    for link, source in wanted.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(source)
    return folder


def check_board(root: Path, board: str) -> bool:
    """Check what runs on this board, against its stubs.

    The oldest ones do not know all of what the library asks of `sys` and `asyncio`, so they check the rest.
    """
    newest, oldest = STUBS[board]
    own = [f"boards/{board}", "boards/shared", "main.py"]
    library = str(unstubbed(root) / "flamelet")
    return check_against(root, board, newest, library, *own) & check_against(root, board, oldest, *own)


def check_against(root: Path, board: str, package: str, *sources: str) -> bool:
    """Check sources against the stubs of this package."""
    stubs = install_stubs(board, package)
    path = [unstubbed(root), root / "boards" / "shared", root / "boards" / board, stubs]
    as_the_board = ["--custom-typeshed-dir", str(stubs), "--always-true=MICROPYTHON", "--follow-imports=silent"]
    as_the_board.append("--exclude=(_cpython|emulators).py")
    return run_mypy(f"{board} {package.partition('==')[2]}", root, path, *as_the_board, *sources)


def install_stubs(board: str, package: str) -> Path:
    """Install the board's stubs of this package, if they are not there.

    Returns: the folder that has them.
    """
    folder = Path(sys.prefix) / "stubs" / f"{board}-{package.partition('==')[2]}"
    if not folder.is_dir():
        click.echo(f"check: installing {package}", err=True)
        unfinished = folder.with_name(f"{folder.name}-{os.getpid()}")
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(unfinished), package], check=True, timeout=300)
        unfinished.rename(folder)
    return folder


def run_mypy(name: str, root: Path, path: list[Path], *arguments: str) -> bool:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", f"--cache-dir={cache(root) / name}", *arguments]
    return succeeds(f"mypy, {name}", command, root, MYPYPATH=os.pathsep.join(map(str, path)))


def cache(root: Path) -> Path:
    return root / ".mypy_cache"


def succeeds(name: str, command: list[str], root: Path, **environment: str) -> bool:
    passed = subprocess.run(command, cwd=root, env=os.environ | environment, timeout=600).returncode == 0
    click.echo(f"check: {name}: {'passed' if passed else 'FAILED'}", err=True)
    return passed
