"""Reads and writes the security rules: the flows of `Database.get_rules` and `set_rules`.

In: rules as a dict, {"rules": {...}}. Out: the same, as strict JSON without comments. The token must
be an owner's. ("Retrieving and Updating Firebase Realtime Database Security Rules" of the REST API.)
"""

from .. import InvalidArgument
from ..wire import json as _json
from .ask import ask, value_of
from .exchange import target

_PATH = ".settings/rules"


def get_rules(client):
    """Flow: return the rules."""
    connection = yield from ask(client, "GET", target(client, _PATH, "format=strict"))
    return value_of(connection)


def set_rules(client, rules, dry_run):
    """Flow: write the rules, or with `dry_run` only check them."""
    if not isinstance(rules, dict) or list(rules) != ["rules"]:
        raise InvalidArgument('rules are a dict like {"rules": {".read": true}}, not %r' % (rules,))
    body = _json.dumps(rules, _json.any_key)
    yield from ask(client, "PUT", target(client, _PATH, "dryRun=true" if dry_run else None), body)
