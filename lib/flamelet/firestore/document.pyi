from typing import Any, NamedTuple

from .._typing import MaybeNone

class Document(NamedTuple):
    path: str
    fields: dict[str, Any]
    # None of a document that is not there, which `list(..., show_missing=True)` gives.
    create_time: str | MaybeNone
    update_time: str | MaybeNone
