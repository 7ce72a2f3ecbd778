from typing import NamedTuple

from .._typing import Filter

class Composite(NamedTuple):
    op: str
    filters: tuple[Filter, ...]

def and_(*filters: Filter) -> Composite: ...
def or_(*filters: Filter) -> Composite: ...
