"""Takes events from a stream, and prints what they cost: `events URL CA -`; EVENTS of each kind, one by one.

Prints a line of JSON with the bytes that each event leaves and takes: `put`, an event that `next` returns; `loads`,
json.loads on the bytes of its data line; `keep-alive`; `change`, such an event when a mirror's `next` takes it and
returns the change; and `update`, the part of that in the mirror itself.
"""

import gc
import json

import config
import micropython

import flamelet

EVENTS = 200
LINE = b'{"path":"/led","data":true}'
database = flamelet.Database(config.URL, config.TOKEN, ca=config.CA)


def cost(work, count):
    gc.collect()
    gc.disable()
    left = gc.mem_alloc()
    taken = micropython.mem_total()
    for _ in range(count):
        work()
    taken = micropython.mem_total() - taken
    left = gc.mem_alloc() - left
    gc.enable()
    return {"left": left / count, "taken": taken / count}


def take_event():
    event = stream.next(60000)
    if event is None or event.path != "/led" or event.data is not True:
        raise OSError("not the event that was sent: %r" % (event,))


def take_change():
    change = mirror.next(60000)
    if change is None or change.path != "/led":
        raise OSError("not the change that was sent: %r" % (change,))


def update():
    events.append(events.pop(0))
    mirror.apply(events[0])


def parse_line():
    json.loads(LINE)


costs = {"loads": cost(parse_line, EVENTS)}
with database.listen("events/put/%d" % EVENTS) as stream:
    stream.next(60000)
    take_event()
    costs["put"] = cost(take_event, EVENTS)
with database.listen("events/keep-alive/%d" % EVENTS) as stream:
    stream.next(60000)
    take_event()
    both = cost(take_event, 1)  # all keep-alives, and the put after them
    costs["keep-alive"] = {key: (both[key] - costs["put"][key]) / EVENTS for key in both}
with database.listen("events/number/2") as stream:
    for _ in range(2):
        stream.next(60000)
    events = [stream.next(60000), stream.next(60000)]
with database.mirror("events/number/%d" % EVENTS) as mirror:
    take_change()
    take_change()
    costs["change"] = cost(take_change, EVENTS - 1)
    costs["update"] = cost(update, EVENTS)
    if mirror.value != {"led": events[0].data}:
        raise OSError("not the value that was sent: %r" % (mirror.value,))
print(json.dumps(costs))
