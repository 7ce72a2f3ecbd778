"""Queries of Cloud Firestore: what they find, how they end."""

import flamelet
from scenarios import outcome

SERVICE = "Firestore"


def queries(connect, say, project, options, queries):
    """For each query, a list of steps [method, arguments, ...], the outcomes of iterating over it and of `get`."""
    with connect(project, **options) as fs:
        return [[outcome(_iterated, fs, steps), outcome(_got, fs, steps)] for steps in queries]


def gets(connect, say, project, options, queries):
    """The outcome of `get` of each query."""
    with connect(project, **options) as fs:
        return [outcome(_got, fs, steps) for steps in queries]


def values(connect, say, project, options, queries):
    """The outcome of each query whose last step gives a value: an aggregation."""
    with connect(project, **options) as fs:
        return [outcome(_value, fs, steps) for steps in queries]


def left_early(connect, say, project, options):
    """The first path of a query, a request meanwhile, what comes behind its block, and another request."""
    with connect(project, **options) as fs:
        with fs.query("public").order_by("v").stream() as documents:
            seen = [next(documents).path, fs.get("public/a")["v"]]
        return seen + [list(documents), fs.get("public/c")["v"]]


def interrupted(connect, say, project, options):
    """The paths that came before a query failed, its outcome, and that of the next one."""
    with connect(project, **options) as fs:
        seen = []

        def iterate():
            for document in fs.query("public").stream():
                seen.append(document.path)

        failed = outcome(iterate)
        return [seen, failed, outcome(_iterated, fs, [["query", "public"]])]


def pages(connect, say, project, options, size):
    """The paths of a collection, page by page, each begun behind the last document of the one before."""
    with connect(project, **options) as fs:
        query = fs.query("public").order_by("__name__").limit(size)
        page = query.get()
        pages = []
        while page:
            pages.append([document.path for document in page])
            page = query.start_after(page[-1].path).get()
        return pages


def earlier(connect, say, project, options):
    """What a query gives as it was before a document was deleted, and as it is."""
    with connect(project, **options) as fs:
        query = fs.query("public").where("v", "==", 3)
        time = query.get()[0].update_time
        fs.delete("public/a")
        return [len(query.get(read_time=time)), len(query.get())]


def partitions(connect, say, project, options, count):
    """The paths that each part of a group gives."""
    with connect(project, **options) as fs:
        parts = fs.query_group("readings").partition(count)
        return [[document.path for document in part.get()] for part in parts]


def nearest(connect, say, project, options, vectors, vector):
    """Write a document for each of `vectors`; the paths and fields of the nearest ones, in three ways."""
    with connect(project, **options) as fs:
        for name in vectors:
            fs.set("public/" + name, {"at": flamelet.Vector(vectors[name]), "n": len(name)})
        query = fs.query("public")
        near = query.find_nearest("at", vector, 9, distance_result_field="away", distance_threshold=5.0)
        return [
            [document.path for document in query.find_nearest("at", vector, 2).get()],
            [[document.path, document.fields["away"]] for document in near.get()],
            [document.path for document in query.find_nearest("at", vector, 1, "DOT_PRODUCT").stream()],
        ]


def _value(fs, steps):
    query = fs
    for name, *arguments in steps:
        if name == "aggregate":
            return query.aggregate(**{alias: tuple(made) for alias, made in arguments[0].items()})
        query = getattr(query, name)(*[_argument(fs, argument) for argument in arguments])
    return query


def _iterated(fs, steps):
    return _told(_value(fs, steps).stream())


def _got(fs, steps):
    return _told(_value(fs, steps).get())


def _told(documents):
    return [[document.path, document.fields] for document in documents]


def _argument(fs, argument):
    """What `argument`, which came as JSON, stands for: {"or": filters}, {"reference": path}, {"number": "nan"}."""
    if isinstance(argument, list):
        return [_argument(fs, one) for one in argument]
    if not isinstance(argument, dict):
        return argument
    [[kind, content]] = argument.items()
    if kind == "reference":
        return fs.reference(content)
    if kind == "number":
        return float(content)
    combine = {"and": flamelet.and_, "or": flamelet.or_}[kind]
    return combine(*[tuple(one) if isinstance(one, list) else _argument(fs, one) for one in content])
