"""`flamelet fuzz`: the properties of tests/host/test_fuzz.py, tried for as long as one likes.

In: the checkout, with the packages of its tests. Out: exit code 0, or 1 and the smallest input that hypothesis found.
Each round tries every property with new inputs; one that does not end within a minute is shown with its stack.
"""

import faulthandler
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from flamelet_tools.checkout import checkout

EXAMPLES = 500
HANG_SECONDS = 60


@click.command()
@click.option("--seconds", type=click.FloatRange(min=1), default=60, show_default=True, help="How long to go on.")
def fuzz(seconds: float) -> None:
    """Feed the parsers with anything, and see whether their promises hold."""
    properties = load_properties(checkout())
    deadline = time.monotonic() + seconds
    tried = 0
    for name, check in forever(properties):
        if time.monotonic() > deadline:
            break
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True, file=sys.__stderr__ or 2)
        try:
            check()
        except Exception:
            click.echo(f"fuzz: {name} does not hold:", err=True)
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
        tried += 1
    click.echo(f"fuzz: {tried} times {EXAMPLES} examples of {len(properties)} properties: all hold")


def load_properties(root: Path) -> dict[str, Callable[[], None]]:
    """Return the properties by name, each set to try many examples.

    Raises: click.ClickException if the packages of the tests are missing.
    """
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        raise click.ClickException('this needs hypothesis: pip install "flamelet[tools,test]"') from None
    # Before the import: a property takes its settings when it is defined.
    settings.register_profile("fuzz", max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("fuzz")
    sys.path.insert(0, str(root / "tests" / "unit"))
    spec = importlib.util.spec_from_file_location("test_fuzz", root / "tests" / "host" / "test_fuzz.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


def forever(properties: dict[str, Callable[[], None]]) -> Iterator[tuple[str, Callable[[], None]]]:
    while True:
        yield from properties.items()
