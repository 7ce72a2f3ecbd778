"""Defines `Document`, what is read from Firestore, with its path and its resource name."""

from collections import namedtuple

from .. import _broken
from . import fields as _fields
from . import path as _document_path

# `path`: "cities/LA"; `fields`: a dict; `create_time` and `update_time`: RFC 3339 text, to the microsecond.
Document = namedtuple("Document", ("path", "fields", "create_time", "update_time"))


def document(client, content):
    """Return the Document for `content`, a document of the REST API. Raises ProtocolError if it is not one."""
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise _broken("the answer is no document: is this Firestore?")
    fields = _fields.decode_fields(content.get("fields", {}))
    return Document(path_of(client, content["name"]), fields, content.get("createTime"), content.get("updateTime"))


def name_of(client, path):
    """Return the resource name of the document at `path`."""
    return "%s/%s" % (client.root, "/".join(_document_path.document(path)))


def path_of(client, name):
    """Return the path of the document with this resource name."""
    return name[len(client.root) + 1 :] if name.startswith(client.root + "/") else name
