from typing import NamedTuple

class Reference:
    name: str
    path: str
    def __init__(self, name: str) -> None: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

class GeoPoint(NamedTuple):
    latitude: float
    longitude: float

class Vector(list[float]): ...
