"""Writes the search for the nearest vectors: a FindNearest of the REST API.

In: a field, a vector, and how distances are measured. Out: JSON; InvalidArgument if the service would refuse it.
Limits are the service's: 1,000 documents, 2,048 dimensions. It needs a vector index.
"""

from .. import InvalidArgument
from ..wire.json import dumps
from . import fields as _fields
from . import value_json as _value_json
from .query_terms import field_path, field_reference, integer
from .value_types import Vector

_MOST = 1000
_MEASURES = ("EUCLIDEAN", "COSINE", "DOT_PRODUCT")


def nearest(field: str, vector, limit: int, measure: str, distance_result_field="", distance_threshold=None) -> bytes:
    """Return the FindNearest as JSON."""
    if measure not in _MEASURES:
        raise InvalidArgument("distances are measured by one of %s, not %r" % (", ".join(_MEASURES), measure))
    if integer("find_nearest", limit, 1) > _MOST:
        raise InvalidArgument("find_nearest finds %d documents at most, not %d" % (_MOST, limit))
    if not vector:
        raise InvalidArgument("find_nearest takes a list of floats that is not empty")
    field = field_path(field)
    filled = field_reference(field), _fields.encode(Vector(vector), field), measure.encode(), limit
    content = b'"vectorField":%s,"queryVector":%s,"distanceMeasure":"%s","limit":%d' % filled
    if distance_result_field:
        content += b',"distanceResultField":%s' % dumps(field_path(distance_result_field), None)
    if distance_threshold is not None:
        content += b',"distanceThreshold":%s' % _value_json.double(distance_threshold)
    return b"{%s}" % content
