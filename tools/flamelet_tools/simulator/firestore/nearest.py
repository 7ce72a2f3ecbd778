"""Finds the documents whose vectors are nearest to a given one: `findNearest` of a query; no I/O.

In: its JSON, and the documents that the rest of the query found. Out: those with a vector of the same length, nearest
first, each with its distance in a field if the query asks for it. Distances that are NaN come last.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from flamelet_tools.simulator.firestore.documents import FieldPath, get_field, invalid, parse_value
from flamelet_tools.simulator.firestore.store import Document
from flamelet_tools.simulator.firestore.values import double_value, vector

MAX_LIMIT = 1000


def _cosine(one: list[float], other: list[float]) -> float:
    lengths = math.sqrt(_dot_product(one, one) * _dot_product(other, other))
    return 1 - _dot_product(one, other) / lengths if lengths else math.nan


def _dot_product(one: list[float], other: list[float]) -> float:
    return math.fsum(map(float.__mul__, one, other))


_MEASURES: dict[str, Callable[[list[float], list[float]], float]] = {
    "EUCLIDEAN": math.dist,
    "COSINE": _cosine,
    "DOT_PRODUCT": _dot_product,
}


class Nearest(NamedTuple):
    """A checked `findNearest`."""

    path: FieldPath
    to: list[float]
    measure: str
    limit: int
    result_field: str
    threshold: float | None


def parse_nearest(message: dict[str, Any], path: FieldPath) -> Nearest:
    """Check a `findNearest` whose field has been parsed. Raises: Refused."""
    to = vector(parse_value(message.get("queryVector", {})))
    if to is None:
        raise invalid("Query Value must be of type vector.")
    if message.get("distanceMeasure") not in _MEASURES:
        raise invalid("Unknown Distance Measure.")
    if message.get("limit", 0) not in range(1, MAX_LIMIT + 1):
        raise invalid(f"FindNearest.limit must be a positive integer of no more than {MAX_LIMIT}")
    result_field = message.get("distanceResultField", "")
    if re.fullmatch("__.*__", result_field, re.DOTALL):
        raise invalid(f'The distanceResultField.property.name "{result_field}" is reserved.')
    measure, threshold = message["distanceMeasure"], message.get("distanceThreshold")
    return Nearest(path, to, measure, message["limit"], result_field, threshold)


def nearest_first(nearest: Nearest, documents: list[Document]) -> list[Document]:
    """Return the nearest of these documents, as many as the query asks for."""
    measured = []
    for document in documents:
        coordinates = vector(get_field(document.fields, nearest.path) or {})
        if coordinates is not None and len(coordinates) == len(nearest.to):
            measured.append((_MEASURES[nearest.measure](coordinates, nearest.to), document))
    close = [each for each in measured if _is_close(nearest, each[0])]
    sign = _sign(nearest)
    close.sort(key=lambda each: (each[0] != each[0], 0 if each[0] != each[0] else sign * each[0]))
    return [_with_distance(nearest, *each) for each in close[: nearest.limit]]


def _sign(nearest: Nearest) -> int:
    # The larger a dot product, the nearer.
    return -1 if nearest.measure == "DOT_PRODUCT" else 1


def _is_close(nearest: Nearest, distance: float) -> bool:
    return nearest.threshold is None or _sign(nearest) * distance <= _sign(nearest) * nearest.threshold


def _with_distance(nearest: Nearest, distance: float, document: Document) -> Document:
    if not nearest.result_field:
        return document
    return dataclasses.replace(document, fields={**document.fields, nearest.result_field: double_value(distance)})
