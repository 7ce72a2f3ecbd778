"""Runs the program of flamelet.device in compressed time: `year URL FOLDER EPOCH_MS TOLD_MS READINGS`.

Its clock jumps whenever no request is in progress, by GRAIN or more, so that a year takes minutes; what is written to
the server and to flash is real. FOLDER has token.json, `storage`, and `clock`, a file that holds how far its time is
ahead of the machine's. It stops at the times that its standard input names, prints a line of JSON about what it has
done, and does what the next line says, a dict: "next": milliseconds since 1970 of the next stop; "dark": whether no
server answers until then; "end"; "heap". It also prints a line when its program ends.
"""

import json
import sys

import compressed_time

URL, FOLDER = sys.argv[1:3]
EPOCH_MS, TOLD_MS, READINGS = [int(text) for text in sys.argv[3:]]
INTERVAL_SECONDS = 600
PATIENCE_SECONDS = 4 * 3600
GRAIN_MS = 30000


class Stops:
    """Decides when time may jump, and where it stops."""

    def __init__(self):
        self.next = EPOCH_MS
        self.is_dark = self.is_over = False
        self.program = None
        self.clock = open(FOLDER + "/clock", "r+b")  # noqa: SIM115  open as long as the program runs

    def idle(self, ms):
        """Let time pass while no task is ready for `ms` milliseconds."""
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
            for stream in self.program.database._client.streams:
                if stream._is_open:
                    stream._renew()

    def stop(self):
        tell(self.program, False)
        order = json.loads(sys.stdin.readline())
        while order["heap"]:
            gc.collect()
            print(json.dumps({"heap": gc.mem_alloc()}))
            order = json.loads(sys.stdin.readline())
        self.next = order["next"]
        self.is_dark = order["dark"]
        self.is_over = order["end"]


def under_way(database):
    """Return the connection whose answer is awaited, or None."""
    connection = database._client.connection
    if connection.sock and not connection.idle:
        return connection
    for stream in database._client.streams:
        if not stream._is_open and stream._connection.sock and not stream._connection.idle:
            return stream._connection
    return None


def tell(program, ended):
    readings, outbox, board = program.readings, program.readings.outbox, program.board
    line = {
        "ended": ended,
        "at": compressed_time.true_ms(),
        "measured": board.readings,
        "identified": board.identified,
        "waiting": readings.waiting,
        "pending": readings._is_sending + (outbox.pending if outbox else 0),
        "dropped": outbox.dropped if outbox else 0,
        "refused": outbox.refused if outbox else 0,
        "corrupt": outbox.corrupt if outbox else 0,
        "told": board.told,
    }
    print(json.dumps(line))


stops = Stops()
compressed_time.take_over(stops.idle, EPOCH_MS, TOLD_MS)

import asyncio  # noqa: E402  after time was taken over, as all that follows
import gc  # noqa: E402

from flamelet.device.program import Device  # noqa: E402

from counting_board import CountingBoard  # noqa: E402


class Board(CountingBoard):
    """A board whose readings hold the true time, and which counts what went wrong."""

    NAME = "year"
    FIELDS = (("n", 0), ("at", 0))

    def __init__(self):
        super().__init__(READINGS)
        self.told = {"error": 0, "MemoryError": 0, "stalled": 0, "network": 0}

    def storage(self):
        return FOLDER + "/storage"

    def restart_network(self, reason):
        self.told["network"] += 1

    def synchronize_clock(self):
        return compressed_time.is_right()

    def set_clock(self, seconds_since_1970):
        compressed_time.set_clock(seconds_since_1970)

    def restart(self, reason):
        raise SystemExit(75)

    def stop_requested(self):
        return stops.is_over

    def read_sensors(self):
        return super().read_sensors() + (compressed_time.true_ms() // 1000,)

    def report(self, what, value=""):
        if what == "error" and "MemoryError" in str(value):
            what = "MemoryError"
        if what in self.told:
            self.told[what] += 1


def run():
    gc.threshold(4096)
    settings = {
        "url": URL,
        "device": "d1",
        "interval": INTERVAL_SECONDS,
        "count": 0,
        "token": FOLDER + "/token.json",
        "ca": None,
        "connections": 2,
        "patience": PATIENCE_SECONDS,
    }
    stops.program = program = Device(Board(), settings)
    try:
        asyncio.run(program.main())
    finally:
        program.close()
        tell(program, True)


run()
