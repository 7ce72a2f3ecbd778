"""The methods of `Database` that few programs use: they are loaded with the first one that is asked for.

Each takes the database as its first argument. A flow is handed to the database's pump, so that `flamelet.aio` awaits
it. Modules are imported by `from . import`, through the package, which keeps their garbage apart: see there.
"""


def get_if_changed(database, path: str, etag: str):
    """(True, value, its ETag), or (False, None, None) where the value still is the one with this ETag."""
    from . import _conditional

    return database._run(_conditional.get_if_changed(database, path, etag))


def set_if_unchanged(database, path: str, etag: str, value: object):
    """Write `value` where the present one has this ETag; "null_etag": where there is none.

    Returns (True, value, its ETag), or (False, the present value, its ETag) where someone else has changed it.
    OutcomeUnknown is raised where the answer is lost.
    """
    from . import _conditional

    return database._run(_conditional.set_if_unchanged(database, path, etag, value))


def transaction(database, path: str, function):
    """Write what `function` makes of the present value, again whenever someone else was faster; what was written.

    What `function` raises ends it, and nothing is written. TransactionAborted: 25 tries did not do; OutcomeUnknown:
    the answer was lost, so look before you repeat it.
    """
    from . import _conditional

    return database._run(_conditional.transaction(database, path, function))


def query(database, path: str):
    """A `Query` of the children of `path`: query("dinosaurs").order_by_child("height").limit_to_last(3).get()."""
    from . import query as module

    return module.Query(database, path)


def walk(database, path: str, pattern: str, raw: bool = False, value_bytes: int = 8192):
    """A `Walk`: each (path, value) below `path` whose path matches `pattern`, as in walk("users", "*/name").

    The answer may be larger than memory; each value has at most `value_bytes`. `raw`: values are JSON as it was sent,
    in bytes, with each digit of a number.
    """
    from . import walk as module

    return module.Walk(database, path, pattern, raw, value_bytes)


def mirror(database, path: str, **options):
    """A `Mirror` of `path`: its value, kept live, and the changes of it; see `Database.listen` for the options."""
    from . import mirror as module

    return module.Mirror(database, database.listen(path, **options))


def get_rules(database):
    """The security rules, as {"rules": {...}}."""
    from . import _rules

    return database._run(_rules.get_rules(database))


def set_rules(database, rules: dict, dry_run: bool = False):
    """Write the security rules; with `dry_run` nothing is written, and BadRequest says what is wrong with them."""
    from . import _rules

    return database._run(_rules.set_rules(database, rules, dry_run))


_METHODS: dict = {
    "get_if_changed": get_if_changed,
    "get_rules": get_rules,
    "mirror": mirror,
    "query": query,
    "set_rules": set_rules,
    "set_if_unchanged": set_if_unchanged,
    "transaction": transaction,
    "walk": walk,
}


def bound(database, name: str):
    """The method `name` of `database`; AttributeError where there is none."""
    method = _METHODS.get(name)
    if not method:
        raise AttributeError("a %s has no %s" % (type(database).__name__, name))
    return lambda *arguments, **options: method(database, *arguments, **options)
