"""Cloud Firestore: documents, values, writes and lists."""

import time

import flamelet
from scenarios import outcome

SERVICE = "Firestore"


def documents(connect, say, project, options):
    """Each method for a single document; what was seen meanwhile."""
    with connect(project, **options) as fs:
        seen = {"missing": fs.get("public/LA")}
        fs.set("public/LA", {"name": "Los Angeles", "pop": 3900000, "area": {"land": 1214.5, "water": 87.0}})
        seen["whole"] = fs.get("public/LA")
        seen["mask"] = fs.get("/public/LA/", mask=("name", "area.land"))
        seen["no field"] = fs.get("public/LA", mask=("mayor",))
        updated = fs.update("public/LA", {"area.water": flamelet.DELETE, "`odd name`.x": [1, None], "pop": 3900001})
        read = fs.read("public/LA")
        seen["updated"] = [read.path, read.fields]
        seen["times"] = [read.create_time < read.update_time, read.update_time == updated]
        seen["raw"] = fs.get("public/LA", mask=("pop",), raw=True).decode()
        fs.set("public/LA", {"name": "L. A."})
        seen["set anew"] = fs.get("public/LA")
        fs.set("public/LA/sights/pier", {})
        fs.delete("public/LA")
        seen["deleted"] = fs.get("public/LA")
        seen["below"] = fs.get("public/LA/sights/pier")
        fs.delete("public/LA")
        return seen


def earlier(connect, say, project, options):
    """The outcomes of reads of a document as it was before it was deleted."""
    with connect(project, **options) as fs:
        time = fs.set("public/LA", {"n": 1})
        fs.delete("public/LA")

        def in_batch():
            return [document and document.fields for _, document in fs.batch_get(["public/LA"], read_time=time)]

        def in_list():
            return [document.fields for document in fs.list("public", read_time=time)]

        return outcome(in_batch), outcome(fs.get, "public/LA", read_time=time), outcome(in_list)


def create(connect, say, project, options):
    """New documents, with and without an id; their ids, and what came of an id that is taken."""
    with connect(project, **options) as fs:
        ids = [fs.create("public", {"n": n}) for n in range(3)]
        ids.append(fs.create("public/LA/sights", {"n": 3}, "pier"))
        return ids, outcome(fs.create, "public/LA/sights", {"n": 4}, "pier")


def create_once(connect, say, project, options, id):
    """The outcome of one new document, on a connection that has served a request."""
    with connect(project, **options) as fs:
        fs.get("public/LA")
        return outcome(fs.create, "public", {"n": 1}, id)


def write(connect, say, project, options, name):
    """The outcome of this write, on a connection that has served a request, and of a request after it."""
    with connect(project, **options) as fs:
        read = fs.read("public/LA")
        return [outcome(_WRITES[name], fs, read.update_time), outcome(fs.get, "public/SF")]


_WRITES = {
    "set": lambda fs, time: bool(fs.set("public/LA", {"n": 6})),
    "set if it exists": lambda fs, time: bool(fs.set("public/LA", {"n": 6}, exists=True)),
    "set if there is none": lambda fs, time: bool(fs.set("public/NY", {"n": 6}, exists=False)),
    "set if unchanged": lambda fs, time: bool(fs.set("public/LA", {"n": 6}, update_time=time)),
    "update": lambda fs, time: bool(fs.update("public/LA", {"n": 6})),
    "update if unchanged": lambda fs, time: bool(fs.update("public/LA", {"n": 6}, update_time=time)),
    "increment": lambda fs, time: bool(fs.update("public/LA", {"n": flamelet.increment(1)})),
    "maximum": lambda fs, time: bool(fs.update("public/LA", {"n": flamelet.maximum(6)})),
    "delete": lambda fs, time: bool(fs.delete("public/LA")),
    "delete if unchanged": lambda fs, time: bool(fs.delete("public/LA", update_time=time)),
}


def values(connect, say, project, options):
    """Write a value of every type, read it back; [name, whether it is the same, its type] of each."""
    with connect(project, **options) as fs:
        given = _values(fs)
        fs.set("public/values", given)
        read = fs.get("public/values")
        return [[name, _is_same(given[name], read[name]), type(read[name]).__name__] for name in sorted(given)]


def copy(connect, say, project, options):
    """Read a document that something else wrote, and write it under another name."""
    with connect(project, **options) as fs:
        fs.set("public/copy", fs.get("public/original"))


def _values(fs):
    return {
        "null": None,
        "true": True,
        "false": False,
        "zero": 0,
        "smallest": -(2**63),
        "largest": 2**63 - 1,
        "beyond a double": 2**53 + 1,
        "half": 0.5,
        "whole double": 3.0,
        "tiny": 5e-324,
        "huge": 1.7976931348623157e308,
        "third": 1 / 3,
        "not a number": float("nan"),
        "infinity": float("inf"),
        "minus infinity": float("-inf"),
        "empty text": "",
        "text": 'quotes " and \\ and\n \x00 Grüße, 温度, 🔥🏳️‍🌈 \u2028',
        "no bytes": b"",
        "bytes": bytes(range(256)),
        "time": flamelet.Timestamp("2026-01-02T03:04:05.678901Z"),
        "before 1970": flamelet.Timestamp("1066-10-14T09:00:00Z"),
        "reference": fs.reference("cities/LA"),
        "place": flamelet.GeoPoint(-33.8688, 151.2093),
        "no place": flamelet.GeoPoint(0, 0),
        "vector": flamelet.Vector([1.0, -0.5, 0.25]),
        "no items": [],
        "array": [1, "two", None, {"three": [4, b"\x05"]}, flamelet.GeoPoint(-90, 0.5)],
        "empty map": {},
        "map": {"a": {"b": {"c": [True, {"d": None}]}}, "with space": 1, "`": 2, "grün": []},
    }


def _is_same(given, read):
    if isinstance(given, float) and given != given:
        return isinstance(read, float) and read != read
    return type(given) is type(read) and given == read


def transforms(connect, say, project, options):
    """Each transform of a field, on what was there and on what was not; the document after each step."""
    with connect(project, **options) as fs:
        fs.set("public/t", {"n": 5, "f": 0.5, "a": [1, 2], "s": "text", "deep": {"n": 1}})
        steps = (
            {"n": flamelet.increment(2), "f": flamelet.increment(1), "new": flamelet.increment(-3)},
            {"n": flamelet.increment(0.5), "s": flamelet.increment(1), "deep.n": flamelet.increment(1)},
            {"n": flamelet.maximum(9), "f": flamelet.maximum(1), "new": flamelet.minimum(-4)},
            {"a": flamelet.array_union([2, 3, "x"]), "b": flamelet.array_union([1]), "plain": True},
            {"a": flamelet.array_remove([1, "x"]), "b": flamelet.array_remove([5])},
            {"deep": {"n": flamelet.increment(10), "m": 1}},
        )
        seen = []
        for step in steps:
            fs.update("public/t", step)
            seen.append(fs.get("public/t"))
        return seen


def server_time(connect, say, project, options):
    """The time of the server in a document, and that of the write, both as text."""
    with connect(project, **options) as fs:
        fs.set("public/t", {"at": flamelet.TIMESTAMP, "deep": {"at": flamelet.TIMESTAMP, "n": 1}})
        read = fs.read("public/t")
        return str(read.fields["at"]), str(read.fields["deep"]["at"]), read.update_time


def lists(connect, say, project, options):
    """Lists of the collection, by their options."""
    with connect(project, **options) as fs:
        times = [document.update_time for document in fs.list("public")]
        return {
            "pages": [[document.path, document.fields] for document in fs.list("public", page_size=2)],
            "order": [document.path for document in fs.list("public", order_by="n desc")],
            "mask": [document.fields for document in fs.list("public", mask=("n",))],
            "none": [document.path for document in fs.list("public/LA/nothing")],
            "first": [document.path for document in _first(fs.list("public", page_size=1))],
            "times": sorted(times) == times,
        }


def ordered_pages(connect, say, project, options):
    """The paths of a list that has an order and pages."""
    with connect(project, **options) as fs:
        return [document.path for document in fs.list("public", order_by="n desc", page_size=2)]


def _first(documents):
    for document in documents:
        return [document]
    return []


def show_missing(connect, say, project, options):
    """The outcome of a list with documents that are only parents."""
    with connect(project, **options) as fs:

        def listed():
            found = fs.list("public", show_missing=True)
            return [[document.path, document.fields, document.update_time is None] for document in found]

        return outcome(listed)


def many(connect, say, project, options):
    """What batch_get finds, sorted: its order is the server's."""
    with connect(project, **options) as fs:

        def got(**options):
            found = fs.batch_get(("public/b", "public/none", "public/a", "public/c"), **options)
            return sorted([[path, document and document.fields] for path, document in found])

        fields = got()
        return fields, got(mask=("n",))


def in_batch(connect, say, project, options, paths):
    """The outcome of batch_get of these paths."""
    with connect(project, **options) as fs:

        def got():
            return sorted([[path, document and document.fields] for path, document in fs.batch_get(paths)])

        return outcome(got)


def commits(connect, say, project, options):
    """Writes that are done together, or not at all."""
    with connect(project, **options) as fs:
        good = fs.batch()
        good.create("public/a", {"n": 1})
        good.set("public/b", {"n": 2, "at": flamelet.TIMESTAMP})
        good.update("public/old", {"n": flamelet.increment(3), "gone": flamelet.DELETE})
        good.delete("public/dead")
        good.verify("public/there", exists=True)
        times = fs.commit(good)
        bad = fs.batch()
        bad.set("public/c", {"n": 1})
        bad.create("public/a", {"n": 5})
        return len(times), outcome(fs.commit, bad), outcome(fs.commit, fs.batch())


def batch_write(connect, say, project, options):
    """The outcome of writes that are done each by itself."""
    with connect(project, **options) as fs:
        batch = fs.batch()
        batch.set("public/a", {"n": 1})
        batch.create("public/taken", {"n": 2})
        batch.update("public/none", {"n": 3})
        batch.set("public/d", {"n": flamelet.increment(4)})

        def written():
            return [[bool(time), reason] for time, reason in fs.batch_write(batch)]

        return outcome(written)


def structure(connect, say, project, options):
    """The outcomes of what tells how the database is made."""
    with connect(project, **options) as fs:

        def described():
            document, ids = fs.describe("public/LA")
            return [document and document.fields, sorted(ids)]

        return [
            outcome(lambda: sorted(fs.collections())),
            outcome(lambda: sorted(fs.collections("public/LA"))),
            outcome(lambda: sorted(fs.collections("public/nobody"))),
            outcome(described),
        ]


def paths(connect, say, project, options, paths):
    """Write at each path and read it back: alone, in a list and in a batch."""
    with connect(project, **options) as fs:
        for i in range(len(paths)):
            fs.set(paths[i], {"n": i})
        alone = [fs.get(path)["n"] for path in paths]
        batch = sorted([document.fields["n"] for _, document in fs.batch_get(paths)])
        known = sorted([paths.index(path) for path, _ in fs.batch_get(paths)])
        return alone, batch, known, sorted([paths.index(document.path) for document in fs.list("public")])


def fields(connect, say, project, options, names):
    """Write fields of these names, by set and by update with the name in backticks; what is then there."""
    with connect(project, **options) as fs:
        fs.set("public/f", {name: 1 for name in names})
        for name in names:
            fs.update("public/f", {_quoted(name): 2})
        masked = fs.get("public/f", mask=[_quoted(name) for name in names])
        return masked == fs.get("public/f"), masked


def _quoted(name):
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def calls(connect, say, project, options, calls):
    """The outcome of each call [method, arguments, ...]; a last argument {"options": {...}} gives its options."""
    return _outcomes(connect, project, options, calls)


def _outcomes(connect, project, options, calls):
    with connect(project, **options) as fs:
        outcomes = []
        for name, *arguments in calls:
            given = {}
            if arguments and isinstance(arguments[-1], dict) and "options" in arguments[-1]:
                given = arguments.pop()["options"]
            outcomes.append(outcome(getattr(fs, name), *arguments, **given))
        return outcomes


def _nested(levels):
    """A value within so many maps and arrays."""
    value = 1
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


def deepest(connect, say, project, options):
    """Write a value within as many maps and arrays as there may be; whether it is read again."""
    with connect(project, **options) as fs:
        fs.set("public/deep", {"a": _nested(20)})
        return fs.get("public/deep") == {"a": _nested(20)}


def refused(connect, say, project, options):
    """The outcomes of what cannot be; nothing may reach the server."""
    with connect(project, **options) as fs:
        values = (
            {"a": [1, [2]]},
            {"a": {"b": object()}},
            {"a": 2**63},
            {"": 1},
            {"__a__": 1},
            {1: 1},
            {"a": "x" * 1048576},
            {"a": _nested(21)},
            ["no dict"],
        )
        return [outcome(fs.set, "public/a", value) for value in values]


def any_method(connect, say, project, options):
    """A method of the REST API that has no name here, and one that there is not."""
    with connect(project, **options) as fs:
        root = "projects/" + project + "/databases/(default)/documents"
        answer = fs.call("POST", root + "/public", {"fields": {"n": {"integerValue": "5"}}}, documentId="x")
        return answer["fields"], outcome(fs.call, "POST", root + ":doSomething", {})


def timed(connect, say, project, options, calls, answer=2000):
    """The outcome of each call, where answers have this deadline, and the seconds that all took."""
    begin = time.time()
    timeouts = flamelet.Timeouts(first_byte=1000, answer=answer)
    outcomes = _outcomes(connect, project, dict(options, timeouts=timeouts), calls)
    return outcomes, time.time() - begin
