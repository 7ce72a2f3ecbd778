"""Where the checkout is whose files a tool works on: main.py, lib/, boards/, tests/."""

from pathlib import Path

import click


def checkout() -> Path:
    """Return the root of the checkout that these tools run from.

    Raises: click.ClickException if they were installed without one.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "lib" / "flamelet").is_dir():
        raise click.ClickException("this command works on a checkout of flamelet; use tools/run or tools/test there")
    return root
