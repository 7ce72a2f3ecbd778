"""Finds the tests that a page of the documentation names: `test_name`, or `unit/rtdb/test_file.py::test_name`."""

import re

from clients import ROOT

_NAMED = re.compile(r"`(?:([^`\s]+)::)?(test_\w+)`")
_DEFINED = r"^(async )?def {}\("


def named_tests(page):
    """Return [file, name] of each test that `page` names; `file` is below tests/, "" where it is not said."""
    return [list(found) for found in _NAMED.findall(page)]


def missing_tests(page):
    """Return those of the tests that `page` names that are not there."""
    return [[file, name] for file, name in named_tests(page) if not _is_there(file, name)]


def _is_there(file, name):
    files = (ROOT / "tests").glob(file or "**/test_*.py")
    return any(re.search(_DEFINED.format(name), path.read_text(), re.MULTILINE) for path in files)
