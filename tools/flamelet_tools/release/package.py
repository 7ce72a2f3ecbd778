"""What mip installs: package.json in the checkout, with the sources, and `flamelet package`, with .mpy files.

In: lib/flamelet, and the version in setup.cfg. Out: package.json in the checkout (`python -m
flamelet_tools.release.package`), whose addresses are relative to itself, so that every clone and fork serves its own
files; or a folder with package.json and the flat library (flat_build.py) as .mpy files, which is not part of the
repository. All lie side by side in it, as the files of a release on GitHub must; any web server serves them as well.
(https://docs.micropython.org/en/latest/reference/packages.html)
"""

import configparser
import json
import re
from collections.abc import Iterable
from pathlib import Path

import click

from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.compile import compile_text
from flamelet_tools.shared.flat_build import PACKAGE, flat_library
from flamelet_tools.shared.library_modules import SERVICES, modules_of

FILE_NAME = "package.json"


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--service", type=click.Choice(list(SERVICES)), help="Only what a program with this service can need.")
def package(folder: Path, service: str | None) -> None:
    """Write the library as .mpy files into FOLDER, for mip: for a release, or for any web server.

    \b
    flamelet package dist
    flamelet package dist --service database
    """
    root = checkout()
    names = sorted(modules_of(service) if service else modules_of())
    clear(folder)
    modules = flat_library(root).modules
    for name in names:
        compile_text(modules[name].text, str(modules[name].source), folder / f"{name}.mpy")
    write(folder, contents(root, ((f"{PACKAGE}/{name}.mpy", f"{name}.mpy") for name in names)))
    size = sum(file.stat().st_size for file in folder.glob("*.mpy"))
    click.echo(
        f"{folder}: {len(names)} modules, {size:,} bytes of .mpy; mip installs it from the address of the folder"
    )


def clear(folder: Path) -> None:
    """Make the folder, or empty it of an earlier package.

    Raises: click.ClickException if it holds anything else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = [*folder.glob("*.mpy"), *folder.glob(FILE_NAME)]
    if set(folder.iterdir()) - set(old):
        raise click.ClickException(f"{folder} holds other files: name a new folder, or that of an earlier package")
    for file in old:
        file.unlink()


def source_package(root: Path) -> dict:
    """What package.json in the checkout must hold: the library's sources in their packages, without what only a
    desktop needs. An __init__.py with nothing but a docstring is not listed: MicroPython does without."""
    files = sorted(str(module.source.relative_to(root / "lib")) for module in flat_library(root).modules.values())
    return contents(root, ((file, f"lib/{file}") for file in files))


def contents(root: Path, urls: Iterable[tuple[str, str]]) -> dict:
    setup = configparser.ConfigParser()
    setup.read(root / "setup.cfg")
    return {"version": setup["metadata"]["version"], "urls": [list(pair) for pair in urls], "deps": []}


def text(package: dict) -> str:
    """Return package.json with one file on a line."""
    lines = json.dumps(package, indent=2)
    # json.dumps breaks the pairs too.
    return re.sub(r"\[\s+(\".*?\"),\s+(\".*?\")\s+\]", r"[\1, \2]", lines) + "\n"


def write(folder: Path, package: dict) -> None:
    (folder / FILE_NAME).write_text(text(package))


if __name__ == "__main__":
    root = checkout()
    write(root, source_package(root))
