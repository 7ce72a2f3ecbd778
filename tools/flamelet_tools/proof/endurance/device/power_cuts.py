"""Cuts the power of a device at every block operation of a long run: what it kept must arrive, once and in order.

In: a file system, what a cut leaves of the interrupted operation, whether the clock is known at each start, what is
dropped if the outbox is full, a seed, and which cuts: the first one and the distance between them. Out: a line of JSON
with the count of cuts, readings and each kind of failure. One more cut happens while the device recovers.

The file systems and the outbox are the real ones; the flash is a bytearray that stops. The server is a few lines here,
which answers, refuses, loses answers and is unreachable, as the run requires. A run depends on the seed alone, so that
it is the same up to the cut.
"""

import json
import sys

import vfs

import flamelet
from flamelet import FlameletError
from flamelet.core import push_id
from flamelet.errors import BadRequest, NetworkError
from flamelet.outbox import before_clock, ram, record
from flamelet.outbox import flash as _flash_outbox

STEPS = 60
STEPS_OF_RECOVERY = 8
FIRST_EPOCH = 1795268907123
UNSET = 946684800000
MOUNT = "/flash"
FOLDER = MOUNT + "/outbox"
FIELDS = (("n", 0), ("c", 0))
BLOCK_COUNT, BLOCK_SIZE, BLOCK_ERASE = 4, 5, 6  # MicroPython, vfs.AbstractBlockDev.ioctl
FAILURES = ("lost", "doubled", "invented", "disorder", "broken", "stuck")


class PowerCut(BaseException):
    """The power is cut. Nothing may catch it: the device is off."""


class Random:
    """Random numbers that depend on the seed alone, independent of other users of random numbers."""

    def __init__(self, seed):
        self.state = seed * 2654435761 + 1

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return (self.state >> 33) % limit

    def chance(self, percent):
        return self.below(100) < percent


class Flash:
    """A block device that stops.

    `left`: operations until then, None: never. `tear`: what the last operation leaves after the part that it has
    written, "old" content or "erased"; "none": it does not begin. `kinds`: the operations so far, "r", "w" or "e".
    """

    def __init__(self, image, block_size, left=None, tear="none", chance=None):
        self.image = image
        self.block_size = block_size
        self.left = left
        self.tear = tear
        self.chance = chance
        self.kinds = []
        self.is_off = self.is_silent = False
        self.error = None

    def _goes(self, kind):
        """Return whether the operation is completed; if not, the device is off from now on."""
        if self.is_off:
            raise PowerCut
        self.kinds.append(kind)
        if self.left is None:
            return True
        self.left -= 1
        if self.left < 0:
            self.is_off = True
            if self.tear == "none" or kind == "r":
                raise PowerCut
            return False
        return True

    def _change(self, kind, at, data):
        if self.is_silent:
            return
        if self._goes(kind):
            self.image[at : at + len(data)] = data
            return
        done = self.chance.below(len(data) - 1) + 1
        if self.tear == "erased":
            self.image[at : at + len(data)] = b"\xff" * len(data)
        self.image[at : at + done] = data[:done]
        raise PowerCut

    def readblocks(self, block, buffer, offset=0):
        at = block * self.block_size + offset
        if not self.is_silent:
            self._goes("r")
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        at = block * self.block_size + offset
        # One sector or page is written at a time.
        for start in range(0, len(buffer), self.block_size):
            self._change("w", at + start, memoryview(buffer)[start : start + self.block_size])

    def ioctl(self, operation, argument):
        if operation == BLOCK_COUNT:
            return len(self.image) // self.block_size
        if operation == BLOCK_SIZE:
            return self.block_size
        # FAT writes its sectors without erasing them first.
        if operation == BLOCK_ERASE and self.block_size == 4096:
            self._change("e", argument * self.block_size, b"\xff" * self.block_size)
        return 0


class World:
    """What survives a power cut: the time, the server, and the record of everything that happened."""

    def __init__(self, options, seed):
        self.random = Random(seed)
        self.undated = options["undated"]
        self.size, self.drop = options["size"], options["drop"]
        self.burst = options["burst"]  # readings that are taken at a time, at most
        self.epoch = FIRST_EPOCH
        self.ticks = 0
        self.is_known = True
        self.is_well = False
        self.count = 0
        self.recorded = set()
        self.pending = set()
        self.durable = set()
        self.stored = {}  # {key: number}
        self.state = 0  # the last write to "state"
        self.arrived = set()
        self.aside = set()
        self.dropped = set()
        self.wrong = []

    # Time.

    def ticks_ms(self):
        return self.ticks & 0x3FFFFFFF

    def epoch_ms(self):
        return self.epoch if self.is_known else UNSET + self.ticks

    def move(self, ms):
        self.epoch += ms
        self.ticks += ms

    def boot(self):
        self.pending.clear()
        self.epoch += 300 + self.random.below(5000)
        self.ticks = self.random.below(2000)
        self.is_known = not self.undated or self.random.chance(25)
        push_id.forget()
        push_id.offset[:] = [0] * len(push_id.offset)
        push_id._digits[:8] = bytes(8)

    # What an outbox sends, instead of rtdb/records.py.

    closing = 0
    one_by_one = False

    def encode(self, path, value):
        return json.dumps(value).encode()

    def put_many(self, buffer, start, end):
        self._meet()
        keys = []
        numbers = []
        for _, payload in records(buffer, start, end):
            body = payload[push_id.SIZE :]
            keys.append(payload[: push_id.SIZE].decode())
            value = json.loads(body)
            numbers.append(value["n"])
            if value["c"] != check_of(value["n"]):
                self.wrong.append("a body that the device never made: %r" % body)
        if [n for n in numbers if is_refused(n)]:
            raise BadRequest("refused", 400)
        for key, n in zip(keys, numbers):
            if self.stored.get(key, n) != n:
                self.wrong.append("two readings under %s" % key)
            self.stored[key] = n
        self._answer(numbers)
        yield 0

    def put(self, path, body):
        self._meet()
        n = json.loads(body)
        if is_refused(n):
            raise BadRequest("refused", 400)
        self.state = n
        self._answer([n])
        yield 0

    def ask_time(self):
        self._meet()
        self.is_known = True
        yield 0

    def _meet(self):
        self.move(20)
        if not self.is_well and self.random.chance(15):
            raise NetworkError("away")

    def _answer(self, numbers):
        self.arrived.update(numbers)
        if not self.is_well and self.random.chance(10):
            raise NetworkError("the answer is lost")

    # The device.

    def start(self):
        box = flamelet.Outbox(FOLDER, memory=512, group=4, size=self.size, drop=self.drop)
        feed = flamelet.Database("http://127.0.0.1:1").feed("t", FIELDS, outbox=box)
        feed._records = self
        set_aside = box.set_aside

        def noted(name, reason, body):
            set_aside(name, reason, body)
            value = json.loads(body)
            self.aside.add(value["n"] if isinstance(value, dict) else value)

        box.set_aside = noted
        return feed

    def record(self, feed):
        self.count += 1
        n = self.count
        self.recorded.add(n)
        self.pending.add(n)
        said = feed.record_set("state", n) if is_set(n) else feed.record(n, check_of(n))
        if said == "dropped":
            self.pending.remove(n)
            self.dropped.add(n)
        elif said == "durable":
            self.keep()

    def keep(self):
        """Note that the pending readings were reported as durable."""
        self.durable.update(self.pending)
        self.pending.clear()

    def flush(self, feed):
        try:
            return feed.flush()
        except FlameletError:
            return None

    def live(self, feed, steps):
        """Record, commit and flush at random."""
        for _ in range(steps):
            self.move(1 + self.random.below(20000))
            what = self.random.below(100)
            if what < 80:
                for _ in range(1 + self.random.below(self.burst)):
                    self.record(feed)
            elif what < 84:
                if feed.outbox.commit():
                    self.keep()
            elif what < 94:
                self.flush(feed)
            elif self.undated and what < 97:
                self.is_known = True

    def drain(self, feed):
        """Flush without trouble until nothing waits any more."""
        self.is_well = self.is_known = True
        push_id.forget()
        for _ in range(20):
            while True:
                self.move(1000)
                self.record(feed)
                if not is_refused(self.count):
                    break
            self.flush(feed)
            if not feed.outbox.waiting:
                return True
        return False

    def failures(self):
        """Return the failures as {kind: what is wrong}."""
        keys = {}
        for key in self.stored:
            keys.setdefault(self.stored[key], []).append(key)
        gone = self.arrived | self.aside | self.dropped
        numbers = [self.stored[key] for key in sorted(self.stored)]
        states = [n for n in self.arrived if is_set(n)]
        return {
            "lost": sorted(self.durable - gone),
            "doubled": [n for n in keys if len(keys[n]) > 1] + [n for n in self.aside if n in self.arrived],
            "invented": sorted(self.arrived - self.recorded) + self.wrong,
            "disorder": [] if numbers == sorted(numbers) and self.state == max(states + [0]) else [numbers, self.state],
        }


def is_set(n):
    return n % 10 == 5


def is_refused(n):
    return n % 17 == 3


def check_of(n):
    return n * 7919 % 100003


def substitute(world):
    """Put the time of `world` in place of the real one."""
    for module in (push_id, ram, _flash_outbox):
        module.ticks_ms = world.ticks_ms
    for module in (push_id, before_clock):
        module.epoch_ms = world.epoch_ms


OPENED: list = []


def opened(name, mode):
    OPENED[:] = [open(name, mode)]  # noqa: SIM115  in place of `open` itself
    return OPENED[0]


_flash_outbox.open = opened


def powered(world, flash, file_system, life):
    """Mount `flash` and run `life`; return whether the power stayed on, or "broken" if the file system is broken."""
    world.boot()
    try:
        try:
            vfs.mount(file_system(flash), MOUNT)
        except OSError:
            return "broken"
        return life(world.start())
    except PowerCut:
        return "off"
    finally:
        # Close the open file while the flash accepts nothing: otherwise the collector would close it later.
        flash.is_silent = True
        for file in OPENED:
            try:
                file.close()
            except OSError as error:
                flash.error = error
        OPENED.clear()
        try:
            vfs.umount(MOUNT)
        except OSError as error:
            flash.error = error


def run(options, cut, number=0):
    """Run once with a cut before the operation `cut`, None for none; `number` selects where the operation is torn.

    Returns: (world, failures, the kinds of the operations).
    """
    seed = options["seed"]
    file_system, block_size, blocks = SYSTEMS[options["system"]]
    image = bytearray(options["image"])
    world = World(options, seed)
    substitute(world)
    hook_drops(world)
    chance = Random((seed * 1000 + (cut or 0)) * 1000 + number)
    tear = options["tear"]

    flash = Flash(image, block_size, cut, tear, chance)
    end = powered(world, flash, file_system, lambda feed: world.live(feed, STEPS))
    kinds = flash.kinds
    if end == "off":
        flash = Flash(image, block_size, chance.below(200), tear, chance)
        end = powered(world, flash, file_system, lambda feed: world.live(feed, STEPS_OF_RECOVERY))
    if end != "broken":
        end = powered(world, Flash(image, block_size), file_system, world.drain)
    found = world.failures()
    if end in ("broken", False):
        found = {"stuck" if end is False else end: [cut]}
    return world, {kind: found[kind] for kind in found if found[kind]}, kinds


def hook_drops(world):
    """Record which readings are dropped because the outbox is full: they are not lost."""
    FlashOutbox = _flash_outbox.FlashOutbox

    def drop(self, index):
        if index == 0 and self._numbers:
            world.dropped.update(numbers_in(self, 0))
        return _DROP(self, index)

    FlashOutbox._drop = drop


_DROP = _flash_outbox.FlashOutbox._drop


def numbers_in(box, place):
    buffer, end = box._read(place)[:2]
    found = []
    for kind, payload in records(buffer, 0, end):
        if kind <= record.SET:
            value = json.loads(payload.split(b"\0")[-1] if kind == record.SET else payload[push_id.SIZE :])
            found.append(value["n"] if isinstance(value, dict) else value)
    return found


def records(buffer, at, end):
    """Return a list with (kind, payload) of each record in buffer[at:end]."""
    found = []
    while at < end:
        next_at = record.behind(buffer, at)
        found.append((buffer[at + 2], bytes(buffer[at + record.HEAD : next_at - record.TAIL])))
        at = next_at
    return found


SYSTEMS = {"littlefs": (vfs.VfsLfs2, 4096, 64), "FAT": (vfs.VfsFat, 512, 512)}


def formatted(system):
    file_system, block_size, blocks = SYSTEMS[system]
    flash = Flash(bytearray(block_size * blocks), block_size)
    file_system.mkfs(flash)
    return bytes(flash.image)


def main(text):
    """Run all cuts. `text`: JSON of the options; see above."""
    options = json.loads(text)
    options["image"] = formatted(options["system"])
    total = {"cuts": 0, "operations": 0, "durable": 0, "arrived": 0, "dropped": 0, "examples": []}
    total.update({kind: 0 for kind in FAILURES})
    world, failures, kinds = run(options, None)
    note(total, world, failures, None, 0)
    total["operations"] = len(kinds)
    for cut in range(options["first"], len(kinds), options["step"]):
        # An operation that only reads cannot be torn.
        for number in range(1 if options["tear"] == "none" else kinds[cut] != "r" and options["tears"]):
            world, failures, _ = run(options, cut, number)
            note(total, world, failures, cut, number)
    print(json.dumps(total))


def note(total, world, failures, cut, number):
    """Add one run to `total`."""
    total["cuts"] += cut is not None
    total["durable"] += len(world.durable)
    total["arrived"] += len(world.arrived)
    total["dropped"] += len(world.dropped)
    for kind in failures:
        total[kind] += 1
        if len(total["examples"]) < 5:
            total["examples"].append([cut, number, kind, failures[kind][:10]])


if __name__ == "__main__":
    main(sys.argv[1])
