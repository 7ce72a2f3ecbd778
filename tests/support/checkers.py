"""Runs mypy and pyright over files as a user has them: the library beside them, no settings but the strictest."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "lib"
OLDEST_PYTHON = "3.10"
DEADLINE_SECONDS = 110


def mypy(files: list[Path], folder: Path) -> list[tuple[int, str]]:
    """Return (line, message) of each error and note that mypy has about `files`."""
    command = [sys.executable, "-m", "mypy", "--config-file=", "--strict", f"--python-version={OLDEST_PYTHON}"]
    command += [f"--cache-dir={folder / 'mypy'}", "--no-error-summary", "--output=json", *map(str, files)]
    output = run(command, folder, MYPYPATH=str(LIB))
    return [(message["line"], message["message"]) for message in map(json.loads, output.splitlines())]


def pyright(files: list[Path], folder: Path) -> list[tuple[int, str]]:
    """Return (line, message) of each finding that pyright has about `files`."""
    settings = {"typeCheckingMode": "strict", "pythonVersion": OLDEST_PYTHON, "extraPaths": [str(LIB)]}
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--project", str(project), "--outputjson", *map(str, files)]
    # Else it asks whether there is a newer one.
    answer = json.loads(run(command, folder, PYRIGHT_PYTHON_IGNORE_WARNINGS="1"))
    assert answer["summary"]["filesAnalyzed"] == len(files), answer
    return [(found["range"]["start"]["line"] + 1, found["message"]) for found in answer["generalDiagnostics"]]


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Return what `command` prints; AssertionError if it could not do its work."""
    environ = os.environ | environment
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    # Both end with 1 if they found something, and with more if they could not look.
    assert done.returncode in (0, 1) and not done.stderr, f"{done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout
