from typing import Literal, NamedTuple, TypeAlias

Operator: TypeAlias = Literal["<", "<=", "==", "!=", ">=", ">", "array-contains", "in", "not-in", "array-contains-any"]
Filter: TypeAlias = tuple[str, Operator, object] | Composite

class Composite(NamedTuple):
    op: str
    filters: tuple[Filter, ...]

def and_(*filters: Filter) -> Composite: ...
def or_(*filters: Filter) -> Composite: ...
