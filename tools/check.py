"""`flamelet check`: ruff over everything, and mypy over each part as the Python sees it that runs it.

In: the checkout. Out: exit code 0, or 1 and what is wrong. The tools, the library and the desktop board are checked
against CPython; the library and the boards once more against the MicroPython stubs of each board. Those stub packages
hold the same files with different contents, so each has a folder of its own in the environment, where pip puts it the
first time. They bring a standard library as MicroPython has it, hence `--custom-typeshed-dir`
(https://micropython-stubs.readthedocs.io, "mypy").
"""

import os
import subprocess
import sys
from pathlib import Path

import click

from flamelet_tools.checkout import checkout

STUBS = {
    "esp32": "micropython-esp32-stubs==1.29.0.post1",
    "pico_w": "micropython-rp2-rpi_pico_w-stubs==1.29.0.post1",
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
    """Check what runs on CPython. mypy takes a package's name from its folder's: hence the link."""
    packages = cache(root) / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    link = packages / "flamelet_tools"
    if not link.is_symlink():
        link.symlink_to(root / "tools", target_is_directory=True)
    path = [packages, root / "lib", root / "boards" / "desktop", root / "boards" / "shared"]
    modules = ["-p", "flamelet_tools", "-p", "flamelet", "-m", "board"]
    return run_mypy("cpython", root, path, "--always-false=MICROPYTHON", *modules)


def check_board(root: Path, board: str) -> bool:
    """Check the library, and this board's folder if there is one, against the board's stubs."""
    stubs = install_stubs(board)
    folders = [folder for folder in ("lib/flamelet", f"boards/{board}") if any((root / folder).glob("*.py"))]
    as_the_board = ["--custom-typeshed-dir", str(stubs), "--always-true=MICROPYTHON", "--follow-imports=silent"]
    as_the_board.append("--exclude=_cpython.py")
    return run_mypy(board, root, [root / "lib", stubs], *as_the_board, *folders)


def install_stubs(board: str) -> Path:
    """Install the board's stubs, if they are not there.

    Returns: the folder that has them.
    """
    folder = Path(sys.prefix) / "stubs" / f"{board}-{STUBS[board].partition('==')[2]}"
    if not folder.is_dir():
        click.echo(f"check: installing {STUBS[board]}", err=True)
        unfinished = folder.with_name(f"{folder.name}-{os.getpid()}")
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(unfinished), STUBS[board]], check=True, timeout=300)
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
