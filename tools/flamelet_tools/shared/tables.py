"""Where the tools print their tables: a terminal has its own width and frames, a pipe the width that a table needs.

rich takes 80 columns for a pipe, and would cut the names.
"""

from rich import box
from rich.console import Console


def table_console(width: int) -> Console:
    """Return what prints tables, `width` columns wide where the output is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = width
    return console


def borders(console: Console) -> box.Box | None:
    """Return the frame of a table: none in a pipe, where other programs read it."""
    return box.SIMPLE_HEAD if console.is_terminal else None
