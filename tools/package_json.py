"""Writes package.json, by which mip installs the library on a board: `python -m flamelet_tools.package_json`.

In: the files of lib/flamelet, and the version in setup.cfg. Out: package.json, whose addresses are relative to itself,
so that every clone and fork serves its own files
(https://docs.micropython.org/en/latest/reference/packages.html).
"""

import configparser
import json
from pathlib import Path

from flamelet_tools.checkout import checkout


def package(root: Path) -> dict:
    """Return what package.json must hold."""
    setup = configparser.ConfigParser()
    setup.read(root / "setup.cfg")
    names = sorted(path.name for path in (root / "lib" / "flamelet").glob("*.py"))
    urls = [[f"flamelet/{name}", f"lib/flamelet/{name}"] for name in names]
    return {"version": setup["metadata"]["version"], "urls": urls, "deps": []}


def text(root: Path) -> str:
    """Return package.json with one file on a line."""
    parts = package(root)
    urls = ",\n".join(f"    {json.dumps(url)}" for url in parts["urls"])
    return f'{{\n  "version": "{parts["version"]}",\n  "urls": [\n{urls}\n  ],\n  "deps": {json.dumps(parts["deps"])}\n}}\n'


if __name__ == "__main__":
    root = checkout()
    (root / "package.json").write_text(text(root))
