"""Uses every public method once, as README.md and docs/ do: type checkers accept all of it. It is never run."""

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypedDict

import flamelet
from flamelet import aio, device
from flamelet.errors import ExtraKeys, MissingKeys, NotFound

if TYPE_CHECKING:
    from flamelet.aio.firestore import Transaction as AwaitedTransaction
    from flamelet.firestore.transaction import Transaction

URL = "https://example-default-rtdb.firebaseio.com"
FIELDS = (("temp", 1), ("hum", 0))


class State(TypedDict):
    on: bool
    level: int


def clients() -> None:
    token = flamelet.Token.load("token.json")
    print(token.kind, token.text, token.unsaved, flamelet.__version__)
    flamelet.Database(URL)
    flamelet.Database(URL, None)
    flamelet.Database(URL, "ya29.token", override="header", answer_bytes=4096)
    flamelet.Database(URL, token={"database_secret": "secret"}, override="parameter")
    flamelet.Database("http://10.0.0.2:9000?ns=mine", flamelet.Token({"access_token": "ya29.token"}), insecure=True)
    timeouts = flamelet.Timeouts(connect=2000, first_byte=3000)
    budget = flamelet.Budget(2)
    flamelet.Database(URL, ca="ca.pem", budget=budget, timeouts=timeouts)
    flamelet.Database(URL, ca=b"DER", budget=1)
    flamelet.Database(URL, transport=time)
    flamelet.Firestore("my-project", token, database="other", url="http://127.0.0.1:8080/v1", budget=budget)
    flamelet.Gateway("https://api.example.com/api", token, headers={"X-Api-Key": "k1"}, timeouts=timeouts)


def read_and_write(db: flamelet.Database, state: State) -> int:
    db.set("devices/d1/state", {"on": True})
    db.set("devices/d1/state", state)
    db.set("devices/d1/name", "Kitchen")
    db.set("devices/d1/list", [1, 2.5, None, {"a": (True, False)}])
    db.set("devices/d1/state", None)
    level: int = db.get("devices/d1/state")["level"]
    print(db.get("devices/d1/log", shallow=True), db.get("a", format="export")[".priority"])
    print(db.get("a", timeout="3s", print="pretty"), db.get("a", callback="show", download="my.txt"))
    db.update("devices/d1/state", {"level": 3, "on": None})
    db.update("rooms", {"attic/d2": True}, write_size_limit="tiny")
    db.delete("devices/d1/state")
    key = db.push("devices/d1/log", {"boot": 1})
    later = db.push("devices/d1/log", {"boot": 2}, server_key=True)
    print(db.get("devices/d1/log/" + key), later > key)
    db.set("counters/boots", flamelet.increment(1))
    db.set("devices/d1/seen", flamelet.TIMESTAMP)
    db.set("tasks/water", {".value": "the roses", ".priority": 2})
    return level


def conditions(db: flamelet.Database) -> None:
    value, etag = db.get("devices/d1/name", etag=True)
    done, value, etag = db.set_if_unchanged("devices/d1/name", etag, "Cellar")
    changed, value, new = db.get_if_changed("devices/d1/name", etag)
    print(done, changed, value["a"], new)
    try:
        db.set("devices/d1/name", "Roof", if_match="stale")
    except flamelet.errors.PreconditionFailed as error:
        print(error.value["name"], error.etag == etag)
        etag = db.set("devices/d1/name", "Roof", if_match=error.etag, etag=True)
        gone: str = db.delete("devices/d1/name", if_match=etag, etag=True)
        print(gone)
    key, etag = db.push("devices/d1/log", 1, etag=True)
    print(key + etag)
    count: int = db.transaction("counters/boots", lambda n: (n or 0) + 1)
    print(count)


def queries(db: flamelet.Database) -> None:
    for key, dinosaur in db.query("dinosaurs").order_by_child("height").limit_to_last(2).get():
        print(key.upper(), dinosaur["height"])
    tall = db.query("a").order_by_child("b").start_at(3, "stegosaurus").end_before(5000)
    print(tall.limit_to_first(2).get(timeout="3s"))
    print(db.query("a").order_by_value().start_after(None).end_at("z").get())
    print(db.query("a").order_by_priority().get(), db.query("a").order_by_key().equal_to("linhenykus").get())
    with db.query("dinosaurs").order_by_child("weight").start_at(10000).listen() as heavy:
        print(list(heavy.next().data))


def streams(db: flamelet.Database) -> None:
    for event in db.listen("devices/d1/commands"):
        print(event.type, event.path, event.data["name"], event.snapshot)
    with db.listen("tanks", pattern="*/level", event_bytes=1024, silence_ms=60000) as stream:
        print(stream.next().data, stream.next(100), stream.closed, stream.reconnects)
        waited = stream.next(0)
        if waited is not None and waited.type == "put":
            print(waited.data)
    with db.mirror("devices/d1/config") as config:
        print(config.next(), config.next(0), config.loaded, config.closed)
        for change in config:
            print(change.path, change.value, config.value["interval"])
    total = 0
    for path, level in db.walk("tanks", "*/level"):
        total += level
        print(path.upper())
    with db.walk("tanks", "north/level", raw=True, value_bytes=100) as walk:
        for path, digits in walk:
            print(path, digits.decode())


def rules(owner: flamelet.Database) -> None:
    wanted: dict[str, Any] = {"rules": {".read": True, "devices": {".write": True}}}
    try:
        owner.set_rules(wanted, dry_run=True)
    except flamelet.errors.BadRequest as error:
        print(error.text, error.code, error.status, error.action, error.retry_after)
    wanted["rules"]["admin"] = {".write": False}
    owner.set_rules(wanted)
    print(owner.get_rules()["rules"])


def readings(db: flamelet.Database, fs: flamelet.Firestore, gw: flamelet.Gateway, rtc: object) -> None:
    feed = db.feed("devices/d1/telemetry", (("temp", 1), ("hum", 0), ("ok", 0)))
    feed.push(21.46, 40, True)
    feed.push_row([21.5, 41, None])
    print(feed.push_many([(22, 42, True), (23, 43, True)]) + 1, feed.key.upper())
    if feed.pending:
        feed.repeat()
    db.feed("devices/d1/telemetry", [("temp", 1)])
    names = ["a", "b"]
    db.feed("devices/d1/telemetry", tuple((name, 0) for name in names)).push(1, None)

    outbox = flamelet.Outbox("/outbox", memory=4096, size=100000, group=4, seconds=30, drop="newest")
    recording = db.feed("devices/d1/telemetry", FIELDS, outbox=outbox)
    if recording.record(21.5, 40) == "dropped":
        print(recording.fits + 1, recording.record_row((1, 2)), recording.keep(feed))
    print(recording.record_set("devices/d1/state", {"on": True}), recording.flush() + recording.flush(batches=1))
    print(outbox.waiting, outbox.dropped, outbox.refused, outbox.corrupt, outbox.unknown, outbox.pending)
    outbox.commit_if_due()
    print(outbox.commit(), outbox.error, outbox.capacity)
    for name, reason, body in outbox.refusals():
        print(name + reason, body.decode())
    outbox.close()

    fs.feed("devices/d1/readings", FIELDS, time="at").push(21.5, 40)
    fs.feed("devices/d1/readings", FIELDS, outbox=flamelet.Outbox(rtc=rtc)).record(21.5, 40)
    gw.feed("log", FIELDS, post=True).push(21.8, 42)
    gw.feed("log", FIELDS, outbox=flamelet.Outbox()).flush()


def documents(fs: flamelet.Firestore) -> None:
    made: str = fs.set("cities/LA", {"name": "Los Angeles", "place": flamelet.GeoPoint(34.05, -118.24)})
    print(fs.get("cities/LA")["name"], fs.get("cities/LA", mask=("name", "geo.area"), read_time=made))
    raw = fs.get("cities/LA", raw=True)
    print(raw.decode())
    document = fs.read("cities/LA")
    print(document.path.upper(), document.fields["name"], document.create_time, document.update_time)
    fs.update("cities/LA", {"geo.area": 1302, "old": flamelet.DELETE}, update_time=document.update_time)
    fs.update("cities/LA", {"tags": flamelet.array_union(["roof"]), "hottest": flamelet.maximum(31)}, exists=True)
    fs.update("cities/LA", {"tags": flamelet.array_remove(["new"]), "coldest": flamelet.minimum(-3)})
    fs.delete("cities/LA", exists=True)
    print(len(fs.create("cities", {"name": "Tokyo"})), fs.create("cities", {}, id="LA").upper())
    stamp = flamelet.Timestamp.of(1767322983, 500)
    fs.set("a/b", {"at": stamp, "to": fs.reference("cities/LA"), "v": flamelet.Vector([0.1, 0.2]), "raw": b"bytes"})
    print(flamelet.Timestamp("2026-01-02T03:04:05Z") < stamp, stamp.seconds, stamp.nanos)
    print(flamelet.Reference("projects/P/databases/D/documents/cities/LA").path, fs.get("a/b")["place"].latitude)
    for listed in fs.list("cities", page_size=50, order_by="name", mask=["name"], show_missing=True):
        print(listed.path)
    print([name.upper() for name in fs.collections()], list(fs.collections("cities/LA")))
    found, ids = fs.describe("cities/LA")
    print(found and found.fields, ids[0].upper())
    print(fs.call("POST", "projects/p/databases/d/documents:commit", {"writes": []}, key="x")["commitTime"])


def many(fs: flamelet.Firestore) -> None:
    batch = fs.batch()
    batch.set("stock/south", {"n": 3})
    batch.create("stock/west", {"n": 1})
    batch.update("stock/north", {"n": flamelet.increment(-3)}, exists=True)
    batch.delete("stock/east", exists=True)
    batch.verify("stock/south", exists=True)
    print([moment for moment in fs.commit(batch) if moment])
    for moment, reason in fs.batch_write(batch):
        print(moment, reason)
    found = {path: document and document.fields["n"] for path, document in fs.batch_get(["stock/a", "stock/b"])}
    print(found["stock/a"])

    def move(tx: "Transaction") -> int:
        stock = tx.get("stock/north") or {"n": 10}
        print(tx.read("stock/north").update_time, [document.path for document in tx.query(fs.query("stock"))])
        tx.set("stock/north", {"n": stock["n"] - 1})
        tx.create("stock/1", {})
        tx.update("stock/2", {"n": 1})
        tx.delete("stock/3")
        return 1

    print(fs.transaction(move) + 1, fs.transaction(lambda tx: tx.get("a/b"), attempts=1))


def firestore_queries(fs: flamelet.Firestore) -> None:
    large = fs.query("towns").where("population", ">", 1000000)
    for town in large.order_by("population", descending=True).limit(3):
        print(town.path, town.fields["population"])
    print(large.count() + 1, large.count(up_to=5), large.sum("population") + 1.5, large.avg("population"))
    print(large.aggregate(n=("count",), mean=("avg", "population"))["n"])
    either = flamelet.or_(("a", "==", 1), flamelet.and_(("b", "in", [1, 2]), ("c", "!=", None)))
    print([document.fields["hum"] for document in fs.query("a").where(either).select("hum").offset(1).get()])
    print(large.order_by("a").start_at(1).end_at(2).get(), large.order_by("a").start_after(1).end_before(2).get())
    print(large.order_by("a").limit_to_last(1).get(read_time="2026-01-02T03:04:05Z"))
    print(large.find_nearest("v", [0.1, 0.2], 3, "COSINE", distance_result_field="d").get())
    with large.stream() as towns:
        for town in towns:
            print(town.path)
    for part in fs.query_group("landmarks").partition(4):
        print(part.count())


def administration(fs: flamelet.Firestore) -> None:
    admin = fs.admin
    operation = admin.create_index("towns", [("country", "ASCENDING"), ("population", "DESCENDING"), ("v", 3)])
    print(admin.wait(operation)["state"], admin.wait("name", deadline_ms=1000))
    print([index["name"] for index in admin.indexes()], admin.get_index("n")["state"], admin.delete_index("n"))
    print(admin.field("cities", "name"), list(admin.fields("cities")), admin.set_ttl("readings", "until"))
    print(admin.set_index_config("cities", "note", []), admin.set_index_config("cities", "note", None))
    print(admin.operation("n"), list(admin.operations()), admin.cancel_operation("n"), admin.delete_operation("n"))
    print(admin.database()["name"], [database["name"] for database in admin.databases()])
    print(admin.export_documents("gs://bucket/today", ("cities",)), admin.import_documents("gs://bucket/today"))


def gateway(gw: flamelet.Gateway) -> None:
    made = gw.create("users", {"name": "Jane Doe", "age": 28}, repeat=True)
    user = gw.get("users/" + made)
    print(user["name"], gw.replace("users/zoe", {"age": 41}), gw.update("users/zoe", {"age": 42}), gw.delete("users/x"))
    users = gw.list("named/Jane Doe")
    print([user["age"] for user in users], users.message)
    with gw.list("users") as everyone:
        print(next(everyone)["age"])
    try:
        gw.get("users/xyz")
    except (MissingKeys, ExtraKeys) as error:
        print(error.keys[0])
    except NotFound as error:
        print(error.text)


def patiently(db: flamelet.Database) -> None:
    retry = flamelet.Backoff()
    while True:
        try:
            db.get("a")
            retry.reset()
        except (flamelet.InvalidArgument, flamelet.ProtocolError):
            raise
        except (flamelet.Timeout, flamelet.NetworkError) as error:
            time.sleep(retry.wait(error) / 1000)
        except flamelet.FlameletError as error:
            print(error.retry, error.status, error.text, retry.attempt)
            time.sleep(retry.wait() / 1000)


def close_all() -> None:
    with flamelet.Database(URL) as db, flamelet.Firestore("p") as fs, flamelet.Gateway(URL) as gw:
        print(db.get("a"), fs.get("a/b"), gw.get("a/b"))
    db.close()
    fs.close()
    gw.close()


async def awaited(token: str) -> None:
    async with aio.Database(URL, token, budget=1) as db:
        await db.set("devices/d1/state", {"on": True})
        state = await db.get("devices/d1/state")
        print(state["on"])
        value, etag = await db.get("a", etag=True)
        etag = await db.set("a", value, if_match=etag, etag=True)
        key = await db.push("devices/d1/log", {"boot": 1}, write_size_limit="small")
        key, etag = await db.push("devices/d1/log", {"boot": 1}, etag=True)
        await db.update("a", {key: None})
        await db.delete("a", if_match=etag)
        print(await db.get_if_changed("a", etag), await db.set_if_unchanged("a", etag, 1))
        print(await db.transaction("n", lambda n: (n or 0) + 1))
        print(await db.get_rules())
        await db.set_rules({"rules": {}}, dry_run=True)
        for key, row in await db.query("a").order_by_key().limit_to_first(3).get():
            print(key, row["b"])
        async with db.query("a").order_by_child("b").listen() as changes:
            print((await changes.next()).data)
        async for event in db.listen("devices/d1/commands", pattern="*/name"):
            print(event.path, event.data)
        async with db.listen("a") as stream:
            task = asyncio.create_task(stream.next(100))
            print(await task, (await stream.next()).path, stream.closed, stream.reconnects)
        async with db.mirror("a") as mirror:
            async for change in mirror:
                print(change.path, mirror.value, mirror.loaded, await mirror.next(0), (await mirror.next()).value)
        async for path, level in db.walk("tanks", "*/level"):
            print(path, level + 1)
        async with db.walk("tanks", "*", raw=True) as walk:
            async for path, digits in walk:
                print(path, digits.decode())
        feed = db.feed("a", FIELDS)
        await feed.push(21.5, 40)
        await feed.push_row((21.5, 40))
        print(await feed.push_many([(1, 2)]) + 1, feed.key, feed.pending)
        await feed.repeat()
        recording = db.feed("a", FIELDS, outbox=flamelet.Outbox())
        print(recording.record(1, 2), recording.record_row([1, 2]), recording.record_set("a", 1), recording.fits)
        print(await recording.flush() + 1, recording.keep(feed))
        await asyncio.gather(db.get("a"), feed.push(1, 2))
    db.close()


async def awaited_firestore() -> None:
    async with aio.Firestore("my-project", database="other") as fs:
        await fs.set("a/b", {"c": 1}, exists=True)
        print((await fs.get("a/b"))["c"], (await fs.read("a/b")).fields, (await fs.create("a", {})).upper())
        await fs.update("a/b", {"c": 2})
        await fs.delete("a/b")
        async for document in fs.query("a").where("b", "==", 1).order_by("c").limit(3):
            print(document.fields["c"])
        async with fs.query("a").stream() as found:
            async for document in found:
                print(document.path)
        print([document.path for document in await fs.query_group("a").get()], await fs.query("a").count() + 1)
        print(await fs.query("a").sum("n"), await fs.query("a").avg("n"), await fs.query("a").aggregate(n=("count",)))
        print([await part.count() for part in await fs.query_group("a").partition(2)])
        async for document in fs.list("a", page_size=3):
            print(document.path)
        print([name async for name in fs.collections()], await fs.describe("a/b"), fs.reference("a/b").name)
        batch = fs.batch()
        batch.set("a/b", {})
        print(await fs.commit(batch), await fs.batch_write(batch), await fs.call("GET", "projects/p"))
        async for path, got in fs.batch_get(["a/b"], mask=["c"]):
            print(path, got and got.fields)

        async def move(tx: "AwaitedTransaction") -> int:
            stock = await tx.get("stock/north") or {"n": 10}
            print((await tx.read("a/b")).fields, await tx.query(fs.query("a")))
            tx.set("stock/north", {"n": stock["n"] - 1})
            return 1

        print(await fs.transaction(move) + 1)
        print(await fs.admin.wait(await fs.admin.create_index("a", [("b", "CONTAINS")])))
        print([index async for index in fs.admin.indexes()], await fs.admin.database())
        await fs.feed("a", FIELDS, time="at").push(1, 2)
        await fs.feed("a", FIELDS, outbox=flamelet.Outbox()).flush()


async def awaited_gateway() -> None:
    async with aio.Gateway("https://api.example.com/api", headers={"a": "b"}) as gw:
        made = await gw.create("users", {"name": "Jane"})
        print((await gw.get("users/" + made))["name"], await gw.replace("users/a", {}), await gw.update("users/a", {}))
        print(await gw.delete("users/a"))
        async with gw.list("users") as users:
            async for user in users:
                print(user["age"])
            print(users.message)
        await gw.feed("log", FIELDS, post=True).push(1, 2)
        await gw.feed("log", FIELDS, outbox=flamelet.Outbox()).flush()


class Program:
    """Keeps what it uses, with types of its own where they are wanted."""

    def __init__(self, db: flamelet.Database, name: str = "/outbox") -> None:
        self.outbox = flamelet.Outbox(name) if name else None
        self.feed = db.feed("a", FIELDS, outbox=self.outbox)
        self.stream = db.listen("b")

    def step(self) -> None:
        self.feed.push(1, 2)
        event = self.stream.next(0)
        if event:
            print(event.data)


if __name__ == "__main__":
    asyncio.run(awaited("ya29.token"))
    device.run(object())
