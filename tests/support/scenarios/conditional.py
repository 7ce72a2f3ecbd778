"""Conditional requests and transactions."""

import flamelet
from flamelet.errors import InvalidArgument, PreconditionFailed
from scenarios import outcome


def increments(connect, say, url, path, count):
    """Add one so many times, each in a transaction; the last value that was written."""
    last = 0
    with connect(url) as db:
        say("ready")
        for _ in range(count):
            last = db.transaction(path, _add)
    return last


def _add(value):
    return (value or 0) + 1


def conditions(connect, say, url):
    """Each conditional request, where the condition holds and where it does not; what came of it."""
    with connect(url) as db:
        nothing, null_etag = db.get("n", etag=True)
        seen = {"nothing": [nothing, null_etag]}
        written, value, etag = db.set_if_unchanged("n", "null_etag", 10)
        seen["first"] = [written, value, [value, etag] == list(db.get("n", etag=True))]
        seen["late"] = list(db.set_if_unchanged("n", "null_etag", 11)) == [False, 10, etag]
        seen["unchanged"] = list(db.get_if_changed("n", etag))
        seen["changed"] = list(db.get_if_changed("n", "null_etag")) == [True, 10, etag]
        seen["wrong delete"] = outcome(db.delete, "n", if_match="null_etag")[:2]
        seen["delete"] = outcome(db.delete, "n", if_match=etag)
        return seen


def table(connect, say, url, columns):
    """What each verb does with each of the options; before each cell `n` is 5, and what it then is comes along.

    In what comes and goes, each ETag has a name: "ETag of 5".
    """
    with connect(url) as db:
        names = {}
        for value in (None, 6, 5):
            db.set("n", value)
            names[db.get("n", etag=True)[1]] = f"ETag of {value}"
        etags = {names[etag]: etag for etag in names}
        return {verb: [_cell(db, _VERBS[verb], options, names, etags) for options in columns] for verb in _VERBS}


_VERBS = {
    "GET": lambda db, options: db.get("n", **options)[1],
    "PUT": lambda db, options: db.set("n", 6, **options),
    "POST": lambda db, options: db.push("list", 6, server_key=True, **options)[1],
    "PATCH": lambda db, options: db.update("", {"n": 6}, **options),
    "DELETE": lambda db, options: db.delete("n", **options),
}


def _cell(db, verb, options, names, etags):
    db.set("n", 5)
    try:
        etag = verb(db, {name: etags.get(value, value) for name, value in options.items()})
        result = names[etag] if etag else "done"
    except PreconditionFailed as error:
        result = f"412: {error.value}, {names[error.etag]}"
    except InvalidArgument:
        result = "refused"
    return [result, db.get("n")]


def server_values(connect, say, url, deltas):
    """Write the time and add each delta; what is then there."""
    with connect(url) as db:
        db.set("at", flamelet.TIMESTAMP)
        for delta in deltas:
            db.set("n", flamelet.increment(delta))
        key = db.push("list", {"n": 1}, server_key=True)
        return [db.get("at"), db.get("n"), key, db.get("list")]
