"""Mistakes in programs: each line with a comment `error:` must be found by each type checker, and no other line.

A comment names the checkers where not both find it. It is never run.
"""

import flamelet
from flamelet import aio

db = flamelet.Database("https://example-default-rtdb.firebaseio.com")
fs = flamelet.Firestore("my-project")
gw = flamelet.Gateway("https://api.example.com/api")

# Names.
db.trasnaction("n", lambda n: n)  # error: no such method
db.put("a", 1)  # error: no such method
flamelet.Datbase("https://example-default-rtdb.firebaseio.com")  # error: no such class
flamelet.refusal("fields")  # error: no public name
flamelet.aio.Databse("https://example-default-rtdb.firebaseio.com")  # error: no such class
print(flamelet.errors.NotFond)  # error: no such class
print(aio.run)  # error: no public name
fs.query("a").order_by_key()  # error: of the other service
fs.get("a/b").key()  # error: a dict has none

# Arguments.
db.get(5)  # error: a path is text
db.get()  # error: without a path
db.set("a")  # error: without a value
db.set("a", b"bytes")  # error: JSON has no bytes
db.set("a", {1, 2})  # error: JSON has no sets
db.update("a", 1)  # error: a dict is wanted
db.push("a", value=1, keys=True)  # error: no such option
flamelet.Database("https://example-default-rtdb.firebaseio.com", tokn="ya29.token")  # error: no such option
flamelet.Database("https://example-default-rtdb.firebaseio.com", 5)  # error: no token
flamelet.Timeouts(first_bytes=1)  # error: no such option
db.get("a", shalow=True)  # error: no such option
db.set("a", 1, write_size_limit="huge")  # error: no such size
db.listen("a", event_byte=1024)  # error: no such option
fs.set("a/b", {"c": 1}, exist=True)  # error: no such condition
fs.set("a/b", 1)  # error: fields are a dict
fs.list("a", pagesize=3)  # error: no such option
fs.query("a").where("b", "=", 1)  # error: no such operator
fs.transaction("a")  # error: a function is wanted
gw.create("users", "Jane")  # error: a document is a dict
flamelet.Outbox(drop="all")  # error: no such choice

# Fields of feeds.
db.feed("a", ("temp", "hum"))  # error: names without decimals
db.feed("a", ("temp", 1))  # error: one pair is no tuple of pairs
db.feed("a", (("temp", "1"),))  # error: decimals are a number
db.feed("a", {"temp": 1})  # error: a dict is no tuple of pairs
fs.feed("a", (("temp",),))  # error: a name without decimals
gw.feed("a", "temp")  # error: a name alone
db.feed("a", (("temp", 1),)).push("warm")  # error: no reading
db.feed("a", (("temp", 1),)).push_row(1)  # error: no row
db.feed("a", (("temp", 1),)).record(1)  # error: without an outbox
db.feed("a", (("temp", 1),), "outbox")  # error: no outbox

# What comes back.
print(db.push("a", 1).value)  # error: a str has none
print(db.set("a", 1).etag)  # error: None has none
print(db.listen("a").next().key)  # error: an event has none
db.query("a").order_by_key().get().values()  # error: a list has none
print(db.listen("a").next(100).data)  # error: it may be None
print(fs.query("a").count().total)  # error: an int has none


async def blocking() -> None:
    await db.set("a", 1)  # error: it blocks
    await db.push("a", 1)  # error: it blocks
    async with flamelet.Database("https://example-default-rtdb.firebaseio.com"):  # error: it blocks
        pass
    async for _ in db.listen("a"):  # error: it blocks
        pass


async def awaited(database: aio.Database, firestore: aio.Firestore) -> None:
    database.set("a", 1)  # error: not awaited
    database.feed("a", (("temp", 1),)).push(1)  # error: not awaited
    database.push("a", 1).upper()  # error: not awaited
    print(firestore.query("a").count() + 1)  # error: not awaited
    for _ in database.listen("a"):  # error: not awaited
        pass
    for _ in firestore.query("a"):  # error: not awaited
        pass
    with aio.Database("https://example-default-rtdb.firebaseio.com"):  # error: not awaited
        pass
    await database.put("a", 1)  # error: no such method
    await database.get(5)  # error: a path is text
    await database.set("a")  # error: without a value
    await database.feed("a", ("temp", "hum")).push(1, 2)  # error: names without decimals
    aio.Database("https://example-default-rtdb.firebaseio.com", tokn="ya29.token")  # error: no such option
    takes_what_blocks(database)  # error: it is awaited


def takes_what_blocks(database: flamelet.Database) -> None:
    print(database.get("a"))
