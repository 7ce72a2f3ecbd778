"""Keeps the data of a simulator in a JSON file: `{"NAMESPACE": DATA, ...}`, with the data as in `format=export`.

Rules and settings that a database has been given are kept beside the data, as `".settings": {"NAMESPACE": {"rules":
TEXT, ...}}`; rules given at the start of the simulator replace them.

The file is written when the simulator stops and, while it runs, 0.2 s after a change; slow writes take at most a tenth
of the time. A crash of the machine or a kill loses at most the last moment, never the file: a new file is written
beside the old one and then replaces it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from flamelet_tools.simulator.http import answers
from flamelet_tools.simulator.rtdb import tree
from flamelet_tools.simulator.rtdb.rest import DEFAULT_SETTINGS, SETTINGS, Database, is_setting
from flamelet_tools.simulator.rtdb.rules import parse_rules
from flamelet_tools.simulator.server.state import State, database

LOG = logging.getLogger(__name__)
_DELAY_SECONDS = 0.2
# The wait after a write, as a multiple of the time it took.
_REST = 9


def load(state: State, file: Path) -> None:
    """Read the data of all databases; a missing file holds none.

    Raises: ValueError if the file was not written by a simulator, or its folder does not exist.
    """
    if not file.absolute().parent.is_dir():
        raise ValueError(f"{file} cannot be kept: there is no directory {file.absolute().parent}")
    if not file.exists():
        return
    try:
        content = json.loads(file.read_bytes())
        for name, settings in content.pop(SETTINGS, {}).items():
            _take_settings(database(state, name), settings)
        for name, data in content.items():
            database(state, name).root = tree.parse_value(data)
    except (AttributeError, TypeError, ValueError) as wrong:
        reason = f"{file} does not hold the data of a simulator ({wrong}): remove it, or name another"
        raise ValueError(reason) from wrong


def dump(databases: dict[str, Database]) -> bytes:
    """Return the content of the file."""
    content: dict[str, Any] = {name: tree.to_json(database.root, export=True) for name, database in databases.items()}
    settings = {name: _settings(database) for name, database in databases.items()}
    given = {name: own for name, own in settings.items() if own}
    return answers.compact_json({**content, SETTINGS: given} if given else content)


def _settings(database: Database) -> dict[str, Any]:
    own = {name: value for name, value in database.settings.items() if value != DEFAULT_SETTINGS[name]}
    return {**own, "rules": database.rules.text} if database.rules else own


def _take_settings(target: Database, settings: dict[str, Any]) -> None:
    text = settings.pop("rules", None)
    if text is not None and target.rules is None:
        target.rules = parse_rules(text)
    if not all(is_setting(name, value) for name, value in settings.items()):
        raise ValueError(f"there are no settings {settings}")
    target.settings.update(settings)


def save(content: bytes, file: Path) -> None:
    """Write the file atomically: at any moment either the old one or the new one is there, complete."""
    new = file.with_name(file.name + ".new")
    with new.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(new, file)


class Saver:
    """Writes the file after changes; runs in an event loop."""

    def __init__(self, databases: dict[str, Database], file: Path):
        self._databases = databases
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._delay = _DELAY_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._unsaved = False

    def changed(self) -> None:
        """Note that the data has changed."""
        self._unsaved = True
        if self._timer is None:
            self._timer = self._loop.call_later(self._delay, self._save_in_time)

    def finish(self) -> None:
        """Write all changes to the file. Raises: OSError if it cannot be written."""
        if self._timer is not None:
            self._timer.cancel()
        if self._unsaved:
            self._save()

    def _save_in_time(self) -> None:
        self._timer = None
        try:
            self._save()
        except OSError as error:
            LOG.error("the data could not be written, and will be with the next change or at the end: %s", error)

    def _save(self) -> None:
        begun = time.monotonic()
        save(dump(self._databases), self._file)
        self._unsaved = False
        self._delay = max(_DELAY_SECONDS, _REST * (time.monotonic() - begun))
