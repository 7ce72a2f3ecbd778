"""Writes package.json, by which mip installs the library on a board: `python -m flamelet_tools.package_json`.

In: the files of lib/flamelet, and the version in setup.cfg. Out: package.json, whose addresses are relative to itself,
so that every clone and fork serves its own files
(https://docs.micropython.org/en/latest/reference/packages.html).
"""

import configparser
import json
import re
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
    lines = json.dumps(package(root), indent=2)
    # json.dumps breaks the pairs too.
    return re.sub(r"\[\s+(\".*?\"),\s+(\".*?\")\s+\]", r"[\1, \2]", lines) + "\n"


if __name__ == "__main__":
    root = checkout()
    (root / "package.json").write_text(text(root))
