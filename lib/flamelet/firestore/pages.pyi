from typing import Generic, TypeVar

from typing_extensions import Self

_T = TypeVar("_T")

class Pages(Generic[_T]):
    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...
