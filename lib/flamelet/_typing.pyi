"""Names the types that several stubs share. There is no such module at run time."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from .auth.token import Token
from .firestore.filters import Composite
from .firestore.timestamp import Timestamp

# What JSON can hold. The values inside are not checked: most come from a dict[str, object], a TypedDict or a list.
Value: TypeAlias = Mapping[str, object] | list[Any] | tuple[Any, ...] | str | float | None
# The fields of a document of Firestore.
Fields: TypeAlias = Mapping[str, object]
Credential: TypeAlias = Token | str | dict[str, Any] | None
# (name, decimals) of each field of a feed, and one reading: a number, a bool or None for each of them.
FeedFields: TypeAlias = Sequence[tuple[str, int]]
Row: TypeAlias = Sequence[float | None]
Kept: TypeAlias = Literal["durable", "pending", "dropped"]
WriteSize: TypeAlias = Literal["tiny", "small", "medium", "large", "unlimited"]
Override: TypeAlias = Literal["header", "parameter", False]
Mask: TypeAlias = list[str] | tuple[str, ...]
Time: TypeAlias = str | Timestamp
Operator: TypeAlias = Literal["<", "<=", "==", "!=", ">=", ">", "array-contains", "in", "not-in", "array-contains-any"]
Filter: TypeAlias = tuple[str, Operator, object] | Composite
Scope: TypeAlias = Literal["COLLECTION", "COLLECTION_GROUP"]
Mode: TypeAlias = Literal["ASCENDING", "DESCENDING", "CONTAINS"]
# Stands for None in a union if most programs know that it is not None: `fs.get("cities/LA")["name"]`.
MaybeNone: TypeAlias = Any
