"""Encodes writes of Firestore, for a commit, a batch or a transaction.

In: paths, fields and conditions. Out: the JSON of each write, and whether all of them are idempotent.
Transforms (flamelet.TIMESTAMP, increment, ...) may be anywhere in maps, not in arrays.
(Source: "Write" of the REST reference.)
"""

from .. import InvalidArgument
from ..wire import json as _json
from . import fields as _fields
from .field_path import join, split
from .path import document as check_document

_TRANSFORMS = {
    "increment": "increment",
    "maximum": "maximum",
    "minimum": "minimum",
    "array_union": "appendMissingElements",
    "array_remove": "removeAllFromArray",
}
_DEPTH = 20


class Writes:
    """Collects writes of `client`, a Firestore. `encoded`: each as JSON; `repeatable`: whether all are idempotent."""

    def __init__(self, client) -> None:
        self._root = client.root
        self.encoded: list = []
        self.repeatable = True

    def create(self, path: str, fields: dict) -> None:
        """Write a new document. The commit raises AlreadyExists if there is one."""
        self._write(path, fields, None, {"exists": False})

    def set(self, path: str, fields: dict, **condition) -> None:
        """Write a document, in place of the old one."""
        self._write(path, fields, None, condition)

    def update(self, path: str, fields: dict, **condition) -> None:
        """Write these fields of a document that exists; the names are paths."""
        if not isinstance(fields, dict) or not fields:
            raise InvalidArgument("update takes a dict with at least one field, not %r" % (fields,))
        _check_apart([split(name) for name in fields])
        tree: dict = {}
        mask = []
        for name in fields:
            segments = split(name)
            if _is_transform(fields[name]) and fields[name][".sv"] != "delete":
                _put(tree, segments, fields[name])
                continue
            mask.append(segments)
            if not _is_transform(fields[name]):
                _put(tree, segments, fields[name])
        self._write(path, tree, mask, condition or {"exists": True})

    def delete(self, path: str, **condition) -> None:
        """Delete a document, if there is one."""
        self._add(b'"delete":%s' % self._name(path), condition)
        # The second time there is no document.
        self.repeatable = self.repeatable and not condition

    def verify(self, path: str, **condition) -> None:
        """Commit only if the document meets the condition."""
        self._add(b'"verify":%s' % self._name(path), condition)

    def _write(self, path, fields, mask, condition):
        if not isinstance(fields, dict):
            raise InvalidArgument("the fields of a document are a dict, not %r" % (fields,))
        transforms: list = []
        plain = self._taken_apart(fields, [], transforms)
        text = b'"update":{"name":%s,"fields":%s}' % (self._name(path), _fields.encode_fields(plain, path))
        if mask is not None:
            text += b',"updateMask":{"fieldPaths":%s}' % _json.dumps([join(segments) for segments in mask], None)
        if transforms:
            text += b',"updateTransforms":[%s]' % b",".join(transforms)
        self._add(text, condition)

    def _taken_apart(self, fields, above, transforms):
        """Return `fields` without their transforms, which are added to `transforms`."""
        if len(above) > _DEPTH:
            raise InvalidArgument("the field %s: a document has at most %d levels" % (join(above[:3]), _DEPTH))
        plain = {}
        for name in fields:
            value = fields[name]
            here = above + [name]
            if _is_transform(value):
                transforms.append(self._transform(here, value[".sv"]))
            elif isinstance(value, dict) and value:
                inner = self._taken_apart(value, here, transforms)
                if inner:
                    plain[name] = inner
            else:
                plain[name] = value
        return plain

    def _transform(self, segments, kind):
        path = _json.dumps(join(segments), None)
        if kind == "timestamp":
            return b'{"fieldPath":%s,"setToServerValue":"REQUEST_TIME"}' % path
        name = list(kind)[0] if isinstance(kind, dict) and len(kind) == 1 else None
        if name not in _TRANSFORMS:
            raise InvalidArgument("%s: %r is no transform, or not allowed here" % (join(segments), kind))
        if name == "increment":
            self.repeatable = False
        value = _fields.encode(kind[name])
        if name.startswith("array"):
            # {"arrayValue": {"values": [...]}}: only the inner object is needed.
            value = value[len(b'{"arrayValue":') : -1]
        return b'{"fieldPath":%s,"%s":%s}' % (path, _TRANSFORMS[name].encode(), value)

    def _add(self, text, condition):
        for name in condition:
            if name == "exists" and isinstance(condition[name], bool):
                text += b',"currentDocument":{"exists":%s}' % (b"true" if condition[name] else b"false")
            elif name == "update_time" and condition[name]:
                text += b',"currentDocument":{"updateTime":%s}' % _json.dumps(str(condition[name]), None)
            else:
                text = "a condition is exists=True or False, or update_time, not %s=%r"
                raise InvalidArgument(text % (name, condition[name]))
        if len(condition) > 1:
            raise InvalidArgument("a write has one condition: exists or update_time")
        # The second time, an existing document has another time, and a new one exists.
        if condition and condition != {"exists": True}:
            self.repeatable = False
        self.encoded.append(b"{%s}" % text)

    def _name(self, path):
        return _json.dumps("%s/%s" % (self._root, "/".join(check_document(path))), None)


def _is_transform(value):
    return isinstance(value, dict) and ".sv" in value


def _put(tree, segments, value):
    for segment in segments[:-1]:
        tree = tree.setdefault(segment, {})
    tree[segments[-1]] = value


def _check_apart(paths):
    """Raise InvalidArgument if one of `paths` is the beginning of another."""
    from ..core.path_lists import overlap

    found = overlap(paths)
    if found:
        text = "update takes fields that do not overlap: %s holds %s"
        raise InvalidArgument(text % (join(found[0]), join(found[1])))
