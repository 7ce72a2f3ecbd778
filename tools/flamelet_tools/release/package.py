"""What mip installs: package.json in the checkout, with the sources, and `flamelet package`, with .mpy files.

In: lib/flamelet, and the version in setup.cfg. Out: package.json in the checkout (`python -m
flamelet_tools.release.package`), whose addresses are relative to itself, so that every clone and fork serves its own
files; or a folder with package.json and .mpy files, which is not part of the repository. All lie side by side in it,
as the files of a release on GitHub must; any web server serves them as well.
(https://docs.micropython.org/en/latest/reference/packages.html)
"""

import configparser
import json
import re
from collections.abc import Iterable
from pathlib import Path

import click

from flamelet_tools.shared.checkout import checkout
from flamelet_tools.shared.compile import compile_file
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
    for name in names:
        compile_file(root / "lib" / "flamelet" / f"{name}.py", folder / f"{name}.mpy")
    write(folder, contents(root, ((f"flamelet/{name}.mpy", f"{name}.mpy") for name in names)))
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
    """What package.json in the checkout must hold: the library's sources, without what only a desktop needs."""
    return contents(
        root, ((f"flamelet/{name}.py", f"lib/flamelet/{name}.py") for name in sorted(modules_of(root=root)))
    )


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
