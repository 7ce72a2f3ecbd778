"""Transactions of Cloud Firestore: the same function for a Firestore that blocks, and for one that is awaited."""

import asyncio
import time

import flamelet
from scenarios import outcome

SERVICE = "Firestore"


def _transaction(fs, function, **options):
    """`fs.transaction` of `function`, a generator function that yields the calls [method, arguments, ...] it wants
    answered, and the seconds it wants to sleep."""
    return fs.transaction(_awaited(function) if fs.awaited else _blocking(function), **options)


def _blocking(function):
    def run(tx):
        flow = function()
        try:
            wanted = next(flow)
            while True:
                wanted = flow.send(_called(tx, wanted) if isinstance(wanted, list) else time.sleep(wanted))
        except StopIteration as end:
            return end.value

    return run


def _awaited(function):
    async def run(tx):
        flow = function()
        try:
            wanted = next(flow)
            while True:
                if isinstance(wanted, list):
                    answer = _called(tx, wanted)
                    # Reads are awaited; writes are not sent before the end.
                    answer = await answer if hasattr(answer, "send") else answer
                else:
                    answer = await asyncio.sleep(wanted)
                wanted = flow.send(answer)
        except StopIteration as end:
            return end.value

    return run


def _called(tx, call):
    return getattr(tx, call[0])(*call[1:])


def every_method(connect, say, project, options):
    """Read and write by each method of a transaction; what it returned."""
    with connect(project, **options) as fs:
        query = fs.query("public").where("kind", "==", "sight").order_by("n")
        # What the transaction is given is the query itself.
        query = getattr(query, "_awaited", query)

        def function():
            seen = [(yield ["get", "public/none"]), (yield ["get", "public/counter"])["n"]]
            seen.append((yield ["read", "public/old"]).path)
            seen.append([document.path for document in (yield ["query", query])])
            yield ["create", "public/new", {"n": 1, "at": flamelet.TIMESTAMP}]
            yield ["set", "public/none", {"n": 2}]
            yield ["update", "public/counter", {"n": seen[1] + 1, "total": flamelet.increment(5)}]
            yield ["update", "public/counter", {"again": True}]
            yield ["delete", "public/old"]
            return seen

        return _transaction(fs, function)


def add(connect, say, project, options, sleep=0, attempts=5):
    """Add one to the counter; it tells what it read, each time, and the first time it sleeps then.

    [The outcome, that of a request after it]
    """
    with connect(project, **options) as fs:
        fs.get("public/counter")
        pauses = [sleep]

        def function():
            n = (yield ["get", "public/counter"])["n"]
            say(n)
            yield pauses.pop() if pauses else 0
            yield ["update", "public/counter", {"n": n + 1}]
            return n + 1

        return outcome(_transaction, fs, function, attempts=attempts), outcome(fs.get, "public/well")


def adds(connect, say, project, options, count):
    """Add one to the counter so many times, each in a transaction that is tried for long; what was read."""
    with connect(project, **options) as fs:
        seen = []

        def function():
            n = (yield ["get", "public/counter"])["n"]
            yield ["update", "public/counter", {"n": n + 1}]
            return n

        for _ in range(count):
            seen.append(_transaction(fs, function, attempts=50))
        return seen


def only_read(connect, say, project, options, sleep):
    """Read in a transaction that writes elsewhere what it read; it tells what that is, and the first time it sleeps."""
    with connect(project, **options) as fs:
        pauses = [sleep]

        def function():
            n = (yield ["get", "public/counter"])["n"]
            say(n)
            yield pauses.pop() if pauses else 0
            yield ["set", "public/copy", {"n": n}]

        return _transaction(fs, function)


def failed(connect, say, project, options):
    """The outcomes of transactions whose function fails, by an error of its own and by reading what it wrote."""
    with connect(project, **options) as fs:

        def fail():
            yield ["get", "public/counter"]
            yield ["set", "public/counter", {"n": 0}]
            raise ValueError("no more")

        def read_late():
            yield ["set", "public/counter", {"n": 0}]
            yield ["get", "public/counter"]

        try:
            _transaction(fs, fail)
            seen = "no error"
        except ValueError as error:
            seen = str(error)
        return seen, outcome(_transaction, fs, read_late), fs.get("public/counter")
