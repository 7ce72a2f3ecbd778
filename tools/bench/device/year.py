"""A device whose time is compressed: `year URL TOKEN FOLDER CLOCK EPOCH_MS TOLD_MS READINGS`.

Its clock jumps whenever no exchange is under way, by GRAIN at least, so that a year takes minutes; what is written to
the server and to flash is real. CLOCK is a file that holds how far its time is ahead of the machine's. It stops at the
moments that its standard input names, tells by a line of JSON what it has done, and does what the next line says, a
dict: "next": milliseconds since 1970 of the next stop; "dark": whether nobody answers until then; "end"; "heap".
"""

import json
import sys

import compressed_time

URL, TOKEN, FOLDER, CLOCK = sys.argv[1:5]
EPOCH_MS, TOLD_MS, READINGS = [int(text) for text in sys.argv[5:]]
INTERVAL_MS = 600000
GRAIN_MS = 30000


class Stops:
    """When time may jump, and where it stops."""

    def __init__(self):
        self.next = EPOCH_MS
        self.is_dark = False
        self.program = None
        self.clock = open(CLOCK, "r+b")  # noqa: SIM115  open as long as the program runs

    def idle(self, ms):
        """No task is ready for `ms` milliseconds."""
        waited = None if self.is_dark else under_way(self.program.database)
        if waited:
            end = compressed_time.since_start() + ms
            waited.wait(ms)
            compressed_time.jump(max(0, end - compressed_time.since_start()))
        else:
            self.jump(min(max(ms, GRAIN_MS), max(1, self.next - compressed_time.true_ms())))
        while self.next <= compressed_time.true_ms():
            self.stop()

    def jump(self, ms):
        compressed_time.jump(ms)
        self.clock.seek(0)
        self.clock.write(b"%020d" % compressed_time.ahead_ms())
        if not self.is_dark:
            # The server lives, so a keep-alive would have come.
            for stream in self.program.database._streams:
                if stream._is_open:
                    stream._renew()

    def stop(self):
        tell(self.program)
        order = json.loads(sys.stdin.readline())
        while order["heap"]:
            gc.collect()
            print(json.dumps({"heap": gc.mem_alloc()}))
            order = json.loads(sys.stdin.readline())
        self.next = order["next"]
        self.is_dark = order["dark"]
        self.program.is_over = order["end"]


def under_way(database):
    """The connection whose answer is awaited, or None."""
    connection = database._connection
    if connection.sock and not connection.over:
        return connection
    for stream in database._streams:
        if not stream._is_open and stream._connection.sock and not stream._connection.over:
            return stream._connection
    return None


def tell(program):
    outbox = program.outbox
    line = {
        "at": compressed_time.true_ms(),
        "measured": program.measured,
        "identified": program.identified,
        "waiting": outbox.waiting,
        "pending": outbox.pending,
        "dropped": outbox.dropped,
        "refused": outbox.refused,
        "corrupt": outbox.corrupt,
        "troubles": program.troubles,
    }
    print(json.dumps(line))


stops = Stops()
compressed_time.take_over(stops.idle, EPOCH_MS, TOLD_MS)

import asyncio  # noqa: E402  after time was taken over, as all that follows
import gc  # noqa: E402

import flamelet  # noqa: E402
from flamelet import aio  # noqa: E402
from flamelet._transport import Timeouts  # noqa: E402


class Program:
    def __init__(self):
        self.database = aio.Database(
            URL,
            flamelet.Token.load(TOKEN),
            timeouts=Timeouts(connect=8000, handshake=10000, first_byte=8000, answer=20000),
            insecure=True,
        )
        self.outbox = flamelet.Outbox(FOLDER)
        self.feed = self.database.feed("devices/d1/telemetry", (("n", 0), ("at", 0)), outbox=self.outbox)
        self.measured = READINGS
        self.identified = 0
        self.troubles = {}
        self.is_over = False
        self.answered = []

    async def main(self):
        tasks = [asyncio.create_task(self.send()), asyncio.create_task(self.obey())]
        due = compressed_time.since_start()
        while not self.is_over:
            self.feed.record(self.measured, compressed_time.true_ms() // 1000)
            self.measured += 1
            due += INTERVAL_MS
            while not self.is_over and compressed_time.since_start() < due:
                await aio.sleep_ms(min(GRAIN_MS, due - compressed_time.since_start()))
        for task in tasks:
            task.cancel()

    def note(self, error):
        name = type(error).__name__
        self.troubles[name] = self.troubles.get(name, 0) + 1

    async def send(self):
        attempt = 0
        while True:
            try:
                await self.feed.flush()
                attempt = 0
                await aio.sleep_ms(GRAIN_MS)
            except flamelet.FlameletError as error:
                self.note(error)
                attempt += 1
                await aio.sleep_ms(500 << min(attempt, 6))

    async def obey(self):
        while True:
            try:
                async with self.database.listen("devices/d1/commands") as stream:
                    async for event in stream:
                        await self.take(event)
            except flamelet.FlameletError as error:
                self.note(error)
            await aio.sleep_ms(GRAIN_MS)

    async def take(self, event):
        commands = event.data
        if event.path != "/":
            commands = {event.path.strip("/"): event.data}
        for key in sorted(commands or ()):
            if commands[key] is not None and key not in self.answered:
                self.identified += 1
                self.answered.append(key)
                if len(self.answered) > 16:
                    self.answered.pop(0)
                await self.database.update("devices/d1", {"answers/" + key: True, "commands/" + key: None})


def run():
    gc.threshold(4096)
    stops.program = program = Program()
    asyncio.run(program.main())
    program.database.close()
    program.outbox.close()
    tell(program)


run()
