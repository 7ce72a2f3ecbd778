"""Keeps the data of a simulator in a JSON file: `{"NAMESPACE": DATA, ...}`.

The file is written when the simulator stops, and while it runs 0.2 s after the first change that is not in it yet;
where writing takes long, at most a tenth of the time goes into it. A crash of the machine or a kill loses at most that
last moment, never the file: it is written beside the old one and then takes its place.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from . import answers, tree
from .rest import Database
from .state import State, database


def load(state: State, file: Path) -> None:
    """Reads the data of all databases; a file that is not there holds none.

    Raises: ValueError if the file is not one of ours, or cannot be there.
    """
    if not file.absolute().parent.is_dir():
        raise ValueError(f"{file} cannot be kept: there is no directory {file.absolute().parent}")
    if not file.exists():
        return
    try:
        content = json.loads(file.read_bytes())
        for name, data in content.items():
            database(state, name).root = tree.parse_value(data)
    except (AttributeError, ValueError) as wrong:
        reason = f"{file} does not hold the data of a simulator ({wrong}): remove it, or name another"
        raise ValueError(reason) from wrong


def dump(databases: dict[str, Database]) -> bytes:
    """The content of the file."""
    content: dict[str, Any] = {name: tree.to_json(database.root) for name, database in databases.items()}
    return answers.compact_json(content)


def save(content: bytes, file: Path) -> None:
    """Writes the file so that at any moment either the old one or the new one is there whole."""
    new = file.with_name(file.name + ".new")
    with new.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(new, file)
